import dataclasses
import json

import pytest

from experiments import cell as cells
from experiments import sweep

BASE = {"data.resolution": 16, "batch_size": 8, "networks.width": 2}


def measure(result, dataset, cell):
    return {"frechet_distance": float(len(dataset)), "folder": str(result.folder)}


def subset(dataset, cell):
    return sweep.part(dataset, range(200), "some", "some")


SWEEP = sweep.Sweep(
    "tiny",
    {"a": {}},
    base=BASE,
    options=sweep.Options(kimg=0.08, seeds=1),
    subset=subset,
    measure=measure,
)


@pytest.mark.slow
def test_a_cell_is_trained_measured_and_written(tmp_path):
    options = dataclasses.replace(SWEEP.options, out=tmp_path)
    cell = sweep.Cell(SWEEP, options, "a", "", 0)
    assert cell.result is None
    cells.train_and_measure(cell)
    result = json.loads(cell.path.read_text())
    assert cell.result == result
    assert result["status"] == "finished"
    assert result["kimg"] == 0.08
    assert result["frechet_distance"] > 200  # the whole dataset
    assert result["ticks"][-1]["images"] == 80
    assert "batch_size: 256 -> 8" in result["changes"]
    assert "at_minutes" not in result
    assert cell.path.with_suffix(".png").exists()
    assert not cell.path.with_suffix("").exists()  # the run's folder


@pytest.mark.slow
def test_a_cell_is_measured_on_the_way(tmp_path, monkeypatch):
    monkeypatch.setattr(cells, "quality", lambda gan, dataset: {"frechet_distance": 1.0})
    minutes = (0.005, 0.01)
    options = dataclasses.replace(SWEEP.options, out=tmp_path, kimg=0.0, minutes=minutes)
    cell = sweep.Cell(SWEEP, options, "a", "", 1)
    cells.train_and_measure(cell)
    found = cell.result["at_minutes"]
    assert list(found) == ["0.005", "0.01"]
    assert found["0.005"]["frechet_distance"] == 1.0
    assert 0 < found["0.005"]["kimg"] <= found["0.01"]["kimg"] == cell.result["kimg"]
    assert not cell.path.with_suffix(".png").exists()  # samples of the first seed only


@pytest.mark.slow
def test_the_quality_of_a_generator(tmp_path):
    options = dataclasses.replace(SWEEP.options, out=tmp_path)
    cell = sweep.Cell(dataclasses.replace(SWEEP, measure=None), options, "a", "", 0)
    cells.train_and_measure(cell)
    result = cell.result
    assert result["frechet_distance"] > 50  # 80 images do not teach it anything
    assert 0.0 <= result["precision"] <= 1.0
    assert 0.0 <= result["recall"] < 0.5
    assert "5000 samples" in result["protocol"]
