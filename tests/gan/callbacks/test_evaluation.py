import dataclasses
import json

import pytest

from common.checkpoints import Checkpoints
from gan.callbacks.evaluation import Evaluate
from gan.config import StopConfig
from gan.trainer import train


@pytest.mark.slow
def test_the_frechet_distance_is_measured_regularly_and_selects_the_best(tiny, monkeypatch):
    monkeypatch.setattr(Evaluate, "MOST", 100.0)
    stop = StopConfig(epochs=8, evaluate_every=0.064, evaluate_count=40)
    folder = train(dataclasses.replace(tiny, stop=stop)).folder
    rows = [json.loads(row) for row in (folder / "metrics.jsonl").read_text().splitlines()]
    scored = [row for row in rows if "quality/frechet_distance" in row]
    assert [row["images"] for row in scored] == [64, 128, 192, 256, 320, 384, 448, 512]
    assert len(rows) == 16
    assert all(row["quality/frechet_distance"] > 0 for row in scored)
    assert all(0 < row["speed/share_of_evaluation"] < 1 for row in scored)
    best = min(scored, key=lambda row: row["quality/frechet_distance"])
    summary = json.loads((folder / "summary.json").read_text())
    assert summary["best"] == {"quality/frechet_distance": best["quality/frechet_distance"]}
    scores = [int(path.name.split("-")[1]) for path in Checkpoints(folder).paths("best")]
    assert best["images"] in scores


@pytest.mark.slow
def test_an_evaluation_that_would_take_too_long_is_postponed(tiny, monkeypatch):
    monkeypatch.setattr(Evaluate, "MOST", 0.0)
    stop = StopConfig(epochs=4, evaluate_every=0.064, evaluate_count=40)
    folder = train(dataclasses.replace(tiny, stop=stop)).folder
    assert (folder / "metrics.jsonl").read_text().count("quality/frechet_distance") <= 1
