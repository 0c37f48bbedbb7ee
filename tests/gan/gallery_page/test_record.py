import dataclasses
import json
import shlex

import pytest

from common import overrides, runs
from gan import config as configuration
from gan import train
from gan.config import Config
from gan.description import Description
from gan.gallery_page import record
from gan.networks.base import ImageSpec


def described(config=Config()):  # noqa: B008 - frozen
    return Description(config, ImageSpec(16, 16, 1), (), "dcgan", "0")


@pytest.fixture
def folder(tmp_path):
    runs.write_config(tmp_path, configuration.to_dict(Config()), data={}, machine={})
    return tmp_path


def test_torn_and_missing_files_count_as_empty(folder):
    (folder / "metrics.jsonl").write_text('{"images": 10, "loss": 1.0}\n{"loss": 2}\n[1]\n{"ima')
    (folder / "summary.json").write_text("[1]")
    (folder / "samples").mkdir()
    for name in ("000000000020.png", "000000000003.png", "note.png"):
        (folder / "samples" / name).touch()
    found = record.read(folder, described())
    assert found.metrics == [{"images": 10, "loss": 1.0}]
    assert found.summary == found.evaluation == {}
    assert [seen for seen, _ in found.snapshots] == [3, 20]


def test_series_leave_out_what_was_not_measured():
    rows = [{"images": 10, "x": 1}, {"images": 20, "x": None}, {"images": 30}]
    assert record.series(rows, "x") == [(10, 1)]


@pytest.mark.parametrize(
    ("preset", "assignments"),
    [
        ("default", ["data.dataset=a folder/it's", "seed=3", "stop.max_minutes=0.5"]),
        (
            "resnet",
            ["networks.options=a=1,b=2", "balance.augment_operations=flip", "run.histograms=True"],
        ),
    ],
)
def test_the_training_command_gives_the_configuration_back(preset, assignments):
    start = train.parse(["--preset", preset])
    config = overrides.apply(start, assignments)
    program, module, name, *words = shlex.split(record.training_command(config))
    assert (program, module, name) == ("python", "-m", "gan.train")
    assert train.parse(words) == config
    assert [path for path, _, _ in record.changes(config)] == sorted(
        (each.partition("=")[0] for each in assignments), key=list(overrides.paths(Config)).index
    )


def test_a_configuration_without_a_known_preset_is_compared_with_the_default():
    for name in ("auto", "of another version"):
        config = dataclasses.replace(Config(), preset=name)
        assert record.training_command(config) == "python -m gan.train --preset default"


def test_all_fields_are_listed_by_their_paths():
    found = record.settings(Config())
    assert found["generator.learning_rate"] == Config().generator.learning_rate
    assert "run.run_dir" not in found
    assert json.dumps(found)
