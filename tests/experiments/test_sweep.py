import dataclasses
import json
import textwrap
from types import SimpleNamespace

import numpy as np
import pytest

from common import files
from common.errors import InputError
from experiments import architectures, balance, defaults, few_images, losses, sweep, tutorial
from experiments.changes import change, times
from gan.config import Config
from gan.data.base import ImageDataset
from gan.validation import check

FOUND = {"frechet_distance": 12.5, "recall": 0.8, "coverage": 0.5, "kimg": 9.0}
TINY = sweep.Sweep("tiny", {"a": {"batch_size": 8}, "b": {}}, options=sweep.Options(seeds=2))


def store(experiment, options, row, column="", seed=0, **result):
    cell = sweep.Cell(experiment, options, row, column, seed)
    files.write_json(cell.path, {"changes": cell.changes, **result})


def test_changes_of_a_configuration():
    fields = {
        "discriminator.learning_rate": times(10),
        "batch_size": 8,
        "networks.width": 7,
    }
    changed = change(Config(), fields)
    assert changed.discriminator.learning_rate == 10 * Config().discriminator.learning_rate
    assert changed.generator == Config().generator
    assert (changed.batch_size, changed.networks.width) == (8, 7)
    assert change(Config(), {}) == Config()


def test_a_change_of_an_unknown_field_names_the_nearest():
    with pytest.raises(InputError, match="did you mean batch_size"):
        change(Config(), {"batch_sice": 8})


@pytest.mark.slow
def test_every_row_is_a_configuration_that_can_be_trained(capsys):
    for experiment in (losses, defaults, tutorial, few_images, architectures):
        options = dataclasses.replace(experiment.SWEEP.options, dataset="glyphs")
        for cell in sweep.cells(experiment.SWEEP, options):
            check(cell.config)
    assert "left out" not in capsys.readouterr().out
    found = sweep.cells(balance.SWEEP, balance.SWEEP.options)
    assert len(found) == 5 * (18 * 9 - 1)
    said = capsys.readouterr().out.splitlines()
    assert len(said) == 1
    assert said[0].startswith("left out: hinge loss, same, D rate x30, smoothing .1: ")


def test_a_sweep_without_a_possible_run_says_why():
    with pytest.raises(InputError, match="batch-size"):
        sweep.cells(TINY, dataclasses.replace(TINY.options, only=("b",), base=("batch_size=1",)))


def test_cells_hold_all_changes(tmp_path):
    options = dataclasses.replace(balance.OPTIONS, out=tmp_path, base=("networks.width=8",))
    cell = sweep.Cell(balance.SWEEP, options, "discriminator rate x10", "D rate /4", 3)
    config = cell.config
    assert config.discriminator.learning_rate == pytest.approx(
        2.5 * Config().discriminator.learning_rate
    )
    assert (config.seed, config.networks.width, config.data.resolution) == (3, 8, 16)
    assert (config.run.tick_kimg, config.run.steps_per_execution) == (3.0, 16)
    small = sweep.Cell(balance.SWEEP, options, "batch of 8", "none", 0).config
    assert small.run.steps_per_execution == 125
    assert cell.path.parent.name == "glyphs-60kimg-networks.width_8"
    assert cell.path.name == "discriminator_rate_x10-D_rate__4-3.json"


def test_the_first_seed_of_all_combinations_comes_first_and_the_baseline_always():
    options = dataclasses.replace(balance.OPTIONS, only=("batch of 8", "auto"), seeds=2)
    found = [(c.row, c.column, c.seed) for c in sweep.cells(balance.SWEEP, options)]
    assert found == [
        ("healthy", "none", 0),
        ("batch of 8", "auto", 0),
        ("healthy", "none", 1),
        ("batch of 8", "auto", 1),
    ]
    with pytest.raises(InputError, match="--only"):
        sweep.cells(balance.SWEEP, dataclasses.replace(options, only=("nothing",)))


def test_a_result_is_used_only_for_the_configuration_that_made_it(tmp_path):
    options = dataclasses.replace(TINY.options, out=tmp_path)
    store(TINY, options, "a", **FOUND)
    cell = sweep.Cell(TINY, options, "a", "", 0)
    assert cell.result["frechet_distance"] == 12.5
    other = dataclasses.replace(TINY, base={"networks.width": 16})
    assert sweep.Cell(other, options, "a", "", 0).result is None
    assert sweep.Cell(TINY, options, "b", "", 0).result is None


def test_only_missing_cells_are_run(tmp_path, monkeypatch, capsys):
    options = dataclasses.replace(TINY.options, out=tmp_path)
    store(TINY, options, "a", **FOUND)
    ran = []

    def over(function, cells, jobs):
        ran.extend((cell.row, cell.seed) for cell in cells)
        for cell in cells:
            store(TINY, cell.options, cell.row, seed=cell.seed, **FOUND)

    monkeypatch.setattr(sweep.processes, "over", over)
    for _ in range(2):
        assert sweep.main(TINY, ["--out", str(tmp_path)]) == 0
    assert ran == [("b", 0), ("a", 1), ("b", 1)]
    assert "12.50   12.50" in capsys.readouterr().out


@pytest.mark.parametrize(
    "arguments",
    [["--minutes", "3", "1"], ["--minutes", "0"], ["--seeds", "0"], ["--set", "nothing=1"]],
)
def test_bad_arguments_are_refused(arguments):
    with pytest.raises(InputError):
        sweep.main(TINY, arguments)


def test_tables_and_figures_are_made_of_the_results_that_exist(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(sweep.processes, "over", lambda function, cells, jobs: None)

    def call(experiment, *arguments):
        assert sweep.main(experiment.SWEEP, ["--out", str(tmp_path), *arguments]) == 0
        return capsys.readouterr().out

    def out(experiment, **options):
        return dataclasses.replace(experiment.SWEEP.options, out=tmp_path, **options)

    store(losses.SWEEP, out(losses), "minimax", **FOUND)
    said = call(losses, "--only", "minimax", "--seeds", "1")
    assert "minimax" in said
    assert "12.5" in said

    store(defaults.SWEEP, out(defaults, minutes=(1.0,)), "width 24", **FOUND)
    at = {"1": FOUND, "3": FOUND | {"frechet_distance": 7.5}}
    store(defaults.SWEEP, out(defaults, minutes=(1.0, 3.0)), "default", at_minutes=at, **FOUND)
    assert "12.50 " in call(defaults, "--only", "width 24", "--minutes", "1")
    said = call(defaults, "--only", "default", "--minutes", "1", "3")
    assert "12.50 (9)" in said
    assert "7.50 (9)" in said

    def run(distance, ticks=()):
        return {"status": "finished", "ticks": list(ticks), **FOUND, "frechet_distance": distance}

    ill = [
        {
            "images": 1000 * i,
            "discriminator/accuracy": 1.0,
            "discriminator/r_t": 1.0,
            "quality/sliced_wasserstein": i,
        }
        for i in range(1, 30)
    ]
    for row, column, result in (
        ("healthy", "none", run(10.0)),
        ("healthy", "auto", run(10.0)),
        ("generator rate x30", "none", run(500.0, ill)),
        ("generator rate x30", "auto", run(11.0)),
    ):
        store(balance.SWEEP, out(balance), row, column, **result)
    chosen = ("--only", "healthy", "generator rate x30", "none", "auto")
    said = call(balance, *chosen, "--seeds", "1")
    assert "of these healthy under auto: 1 of 1" in said
    assert "50.00 0/1" in said

    assert len(list(tmp_path.rglob("table.json"))) == 4
    assert len(list(tmp_path.rglob("table.png"))) == 4
    table = json.loads((tmp_path / "glyphs-60kimg" / "table.json").read_text())
    assert table["rows"]["generator rate x30"]["none"]["ratio"] == 50.0


def test_a_sweep_without_results_has_no_table(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(sweep.processes, "over", lambda function, cells, jobs: None)
    assert sweep.main(TINY, ["--out", str(tmp_path)]) == 0
    assert "no results" in capsys.readouterr().out
    assert not list(tmp_path.rglob("table.*"))


def test_the_shortest_experiment_of_the_documentation_can_be_run(monkeypatch):
    _, _, rest = sweep.__doc__.partition("The smallest:\n")
    source = textwrap.dedent(rest.partition("\nSaved as")[0])
    assert 5 < len(source.splitlines()) < 12
    given = []
    monkeypatch.setattr(sweep, "run", given.append)
    exec(compile(source, "widths.py", "exec"), {"__name__": "__main__"})
    (found,) = given
    cells = sweep.cells(found, found.options)
    assert [cell.config.networks.width for cell in cells] == 3 * [16, 24, 32, 48]


def dataset(labels):
    return ImageDataset(
        name="x",
        images=np.zeros((len(labels), 1, 1, 1), np.uint8),
        labels=labels,
        class_names=tuple("abcdefghij"),
        fingerprint="f",
    )


def test_subsets_are_what_they_say():
    whole = dataset(np.repeat(np.arange(10), 1000))

    def subset(row):
        cell = sweep.Cell(balance.SWEEP, balance.OPTIONS, row, "none", 0)
        return balance.subset(whole, cell)

    assert subset("healthy") is whole
    assert len(subset("a tenth of the data")) == 1000
    assert len(subset("200 images")) == 200
    assert subset("200 images").fingerprint != whole.fingerprint
    counts = np.bincount(subset("labels imbalanced 100:1").labels)
    assert counts[0] == 1000
    assert 2 <= counts[9] <= 25
    assert (np.diff(counts) < 0).all()


def test_few_images_and_the_rest_are_all_images():
    whole = dataset(np.arange(1000))
    cell = sweep.Cell(few_images.SWEEP, few_images.OPTIONS, "with", "", 0)
    parts = few_images.split(whole, cell)
    assert len(parts["few"]) == 200
    together = np.concatenate([parts["few"].labels, parts["rest"].labels])
    assert sorted(together) == list(range(1000))
    assert parts["few"].fingerprint != parts["rest"].fingerprint
    other = few_images.few(whole, dataclasses.replace(cell, seed=1))
    assert set(other.labels) != set(parts["few"].labels)


@pytest.mark.parametrize("status", ["interrupted", "finished"])
def test_an_interrupted_run_ends_the_sweep(monkeypatch, status):
    from experiments import cell

    monkeypatch.setattr("gan.trainer.train", lambda config: SimpleNamespace(status=status))
    if status == "finished":
        assert cell.whole_run(Config()).status == status
    else:
        with pytest.raises(KeyboardInterrupt):
            cell.whole_run(Config())
