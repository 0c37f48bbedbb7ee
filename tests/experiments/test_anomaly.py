import json

import numpy as np
import pytest

from common.errors import InputError
from experiments import anomaly, sweep
from gan.data.base import ImageDataset


def dataset_of(count, classes):
    labels = np.arange(count, dtype=np.int32) % classes
    images = np.zeros((count, 16, 16, 1), np.uint8) + labels[:, None, None, None].astype(np.uint8)
    return ImageDataset("digits", images, labels, tuple(map(str, range(classes))), "digits-1")


def cell_of(row="class 3", seed=0, **options):
    return sweep.Cell(anomaly.SWEEP, anomaly.OPTIONS, row, "", seed)


def test_half_of_one_class_trains_and_no_image_is_used_twice():
    dataset = dataset_of(400, 10)
    parts = anomaly.split(dataset, cell_of())
    assert {name: len(index) for name, index in parts.items()} == {
        "train": 20, "calibration": 4, "normal": 16, "others": 360
    }  # fmt: skip
    assert sorted(np.concatenate(list(parts.values()))) == list(range(400))
    assert set(anomaly.training(dataset, cell_of()).labels) == {3}
    other = anomaly.split(dataset, cell_of(seed=1))
    assert sorted(other["train"]) != sorted(parts["train"])
    with pytest.raises(InputError, match="expected at least 4 classes"):
        anomaly.split(dataset_of(20, 2), cell_of())


def test_every_cell_can_be_trained():
    assert len(sweep.cells(anomaly.SWEEP, anomaly.OPTIONS)) == 50


def scores_of(seed, shift):
    random = np.random.default_rng(seed)
    return {
        "calibration": random.normal(size=99).tolist(),
        "normal": random.normal(size=300).tolist(),
        "others": random.normal(shift, size=600).tolist(),
    }


def test_rates_keep_the_false_discovery_rate():
    false, found = anomaly.rates(scores_of(0, 3.0), seed=0)
    assert 0.0 < false <= 0.1
    assert found > 0.6
    assert anomaly.rates(scores_of(0, 0.0), seed=0)[1] < 0.1


def test_p_values_are_uniform_unless_the_calibration_images_were_trained_on():
    runs = [scores_of(seed, 1.0) for seed in range(50)]
    assert anomaly.uniformity(runs) > 0.05
    trained = [{**run, "calibration": [x - 1.0 for x in run["calibration"]]} for run in runs]
    assert anomaly.uniformity(trained) < 0.01


def test_the_report_averages_over_classes_and_seeds(tmp_path, capsys):
    perfect = {"calibration": [0.0], "normal": [0.0, 1.0], "others": [2.0, 3.0]}
    half = {"calibration": [0.0], "normal": [0.0, 1.0], "others": [-1.0, 3.0]}
    found = {
        ("class 0", ""): {0: {"scores": {"ours": perfect}}, 1: {"scores": {"ours": half}}},
        ("class 1", ""): {0: {"scores": {"ours": perfect}}, 1: {"scores": {"ours": perfect}}},
    }
    anomaly.show(found, anomaly.OPTIONS, tmp_path)
    said = [" ".join(line.split()) for line in capsys.readouterr().out.splitlines()]
    assert said[:4] == [
        "AUROC, seeds: 2 ours",
        "class 0 0.750 ± 0.354",
        "class 1 1.000 ± 0.000",
        "mean 0.875 ± 0.177",
    ]
    saved = json.loads((tmp_path / "table.json").read_text())
    assert saved["summary"]["ours"]["auroc_each_seed"] == [1.0, 0.75]
