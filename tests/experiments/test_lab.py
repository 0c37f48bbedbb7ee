"""The judgement of the experiments on whole runs; the runs themselves take hours."""

from types import SimpleNamespace

import numpy as np
import pytest

from experiments import balance_lab, compare_defaults, compare_losses, lab
from gan.config import Config
from gan.data import base
from gan.validation import check


def run(distance, recall=0.8, ticks=(), status="finished"):
    return {
        "status": status,
        "frechet_distance": distance,
        "recall": recall,
        "ticks": list(ticks),
    }


def tick(kimg, ill=False, quality=0.1):
    return {
        "images": 1000 * kimg,
        "discriminator/accuracy": 1.0 if ill else 0.7,
        "discriminator/r_t": 1.0 if ill else 0.5,
        "quality/sliced_wasserstein": quality,
    }


def test_changes_of_a_configuration():
    changed = lab.both(
        lab.rate("discriminator", 10), lab.with_(batch_size=8), lab.with_("networks", width=7)
    )(Config())
    assert changed.discriminator.learning_rate == 10 * Config().discriminator.learning_rate
    assert changed.generator == Config().generator
    assert (changed.batch_size, changed.networks.width) == (8, 7)
    assert lab.both()(Config()) == Config()


def test_every_variant_is_a_configuration_that_can_be_trained():
    for variants in (compare_losses.VARIANTS, compare_defaults.VARIANTS):
        for change in variants.values():
            check(change(Config()))
    options = balance_lab.Options()
    impossible = [
        (failure_mode, control)
        for failure_mode in balance_lab.SICKNESSES
        for control in balance_lab.controls(options.kimg)
        if not balance_lab._possible(options, failure_mode, control)
    ]
    assert impossible == [("hinge loss, same, D rate x30", "smoothing .1")]


def test_runs_are_judged_against_the_healthy_one():
    found = [
        run(14.0),
        run(16.0),
        run(31.0),
        run(101.0),
        run(20.0, 0.05),
        run(11, 0.8, (), "diverged"),
    ]
    judged = balance_lab.judge(dict(enumerate(found)), healthy=10.0, recall=0.8)
    assert (judged["runs"], judged["healthy"], judged["sick"]) == (6, 2, 2)
    assert judged["collapsed"] == [False, False, False, True, True, True]
    assert judged["ratio"] == pytest.approx(1.8)


def test_an_alarm_is_in_time_before_a_quarter_of_the_rest_is_wasted():
    def ticks(ill_from):
        # the run's own figure is best at 10, and gets worse from there to 50
        return [
            tick(i, ill=i >= ill_from, quality=0.1 if i == 10 else 0.2 + i / 100)
            for i in range(1, 51)
        ]

    assert balance_lab.first_alarm(ticks(100)) is None
    assert balance_lab.first_alarm(ticks(12)) == (14_000, ["saturated"])
    assert balance_lab.in_time(ticks(12))
    assert balance_lab.in_time(ticks(18))  # alarm at 20 = 10 + 0.25 * 40
    assert not balance_lab.in_time(ticks(19))
    assert not balance_lab.in_time(ticks(100))


def test_the_verdict_counts_what_was_sick_and_is_healthy():
    ill = [tick(i, ill=True, quality=i) for i in range(1, 30)]
    rows = {
        name: {
            control: balance_lab.judge(
                {seed: run(d, ticks=ticks) for seed, d in enumerate(distances)}, 10.0, 0.8
            )
            for control, distances, ticks in columns
        }
        for name, columns in {
            "healthy": [("none", (10.0, 10.0), ()), ("auto", (9.0, 11.0), ())],
            "rescued": [("none", (200.0, 12.0), ill), ("auto", (12.0, 99.0), ())],
            "lost": [("none", (40.0, 50.0), ()), ("auto", (15.0, 16.0), ())],
        }.items()
    }
    assert balance_lab.verdict(rows) == {
        "untreated runs": 4,
        "of them sick": 3,
        "of these healthy under auto": "2 of 3",
        "the healthy configuration, auto over none": 1.0,
        "untreated runs that collapsed or diverged": 1,
        "of them flagged in time": 1,
        "false alarms on healthy runs": 0,
    }


def test_runs_are_paired_by_their_seeds():
    def judge(distances):
        return balance_lab.judge({s: run(d) for s, d in distances.items()}, 10.0, 0.8)

    rows = {"sick": {"none": judge({0: 99.0, 1: 11.0}), "auto": judge({1: 99.0})}}
    assert balance_lab.verdict(rows)["of these healthy under auto"] == "0 of 0"
    rows["sick"]["auto"] = judge({0: 12.0})
    assert balance_lab.verdict(rows)["of these healthy under auto"] == "1 of 1"


def test_subsets_are_what_they_say():
    labels = np.repeat(np.arange(10), 1000)
    whole = base.Pictures(
        name="x",
        images=np.zeros((10000, 1, 1, 1), np.uint8),
        labels=labels,
        class_names=tuple("abcdefghij"),
        fingerprint="f",
    )
    assert balance_lab.subset(whole, "healthy", 0) is whole
    assert len(balance_lab.subset(whole, "a tenth of the data", 0)) == 1000
    assert len(balance_lab.subset(whole, "200 pictures", 0)) == 200
    counts = np.bincount(balance_lab.subset(whole, "labels imbalanced 100:1", 0).labels)
    assert counts[0] == 1000
    assert 2 <= counts[9] <= 25
    assert (np.diff(counts) < 0).all()


def test_tables_and_figures_are_made_of_the_results_that_are_there(tmp_path, monkeypatch, capsys):
    from common.files import write_json

    def call(module, *arguments):
        monkeypatch.setattr("sys.argv", ["x", "--out", str(tmp_path), *arguments])
        assert module.main() == 0
        return capsys.readouterr().out

    found = {"frechet_distance": 12.5, "recall": 0.8, "coverage": 0.5, "kimg": 9.0}
    losses = compare_losses.Options(out=tmp_path, seeds=1)
    write_json(compare_losses.place(losses, "minimax", 0), found)
    said = call(compare_losses, "--variants", "minimax", "--seeds", "1")
    assert "minimax" in said
    assert "12.5" in said

    defaults = compare_defaults.Options(out=tmp_path, minutes=(1.0,))
    row = {"variant": "default", "at_minutes": {"1": found}}
    write_json(compare_defaults.place(defaults, "default"), row)
    assert "12.50 (9)" in call(compare_defaults, "--variants", "default", "--minutes", "1")

    ill = [tick(i, ill=True, quality=i) for i in range(1, 30)]
    stress = balance_lab.Options(out=tmp_path, seeds=1)
    for failure_mode, control, result in (
        ("healthy", "none", run(10.0)),
        ("healthy", "auto", run(10.0)),
        ("generator rate x30", "none", run(500.0, ticks=ill)),
        ("generator rate x30", "auto", run(11.0)),
    ):
        write_json(balance_lab._place(stress, failure_mode, control, 0), result)
    chosen = ("--failure_modes", "healthy", "generator rate x30", "--controls", "none", "auto")
    assert "of these healthy under auto: 1 of 1" in call(balance_lab, *chosen, "--seeds", "1")

    assert len(list(tmp_path.rglob("table.json"))) == 3
    assert len(list(tmp_path.rglob("table.png"))) == 2


@pytest.mark.parametrize("status", ["interrupted", "finished"])
def test_an_interrupted_run_ends_the_comparison(monkeypatch, status):
    monkeypatch.setattr("gan.trainer.train", lambda config: SimpleNamespace(status=status))
    if status == "finished":
        assert lab.whole_run(Config()).status == status
    else:
        with pytest.raises(KeyboardInterrupt):
            lab.whole_run(Config())
