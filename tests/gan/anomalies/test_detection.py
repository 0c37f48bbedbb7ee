import json
from types import SimpleNamespace

import numpy as np
import pytest

from gan.anomalies import conformal, detection
from gan.anomalies.encoder import Scores
from gan.anomalies.folders import TestSet
from gan.data.base import ImageDataset


@pytest.fixture
def normal():
    images = np.random.default_rng(0).integers(0, 60, (50, 16, 16, 1), np.uint8)
    return ImageDataset("normal", images, np.arange(50, dtype=np.int32) % 2, ("a", "b"), "key")


@pytest.fixture
def trained(monkeypatch):
    """Detectors that score an image by its mean and whose draws add their seed."""
    made = []

    def train(config, dataset, folder, minutes):
        made.append((config, dataset, folder, minutes))

        def score(images, draws, seed):
            means = images.mean(axis=(1, 2, 3))
            heat = images[..., 0] / 255.0
            return Scores(means + np.arange(draws)[:, None] + seed, heat, images)

        return SimpleNamespace(score=score)

    monkeypatch.setattr(detection, "train_detector", train)
    return made


def test_seeds_share_the_split_and_their_scores_are_averaged(normal, trained, tmp_path):
    images = normal.images[:4] + np.array([0, 0, 100, 100], np.uint8)[:, None, None, None]
    test = TestSet(images, ("good/a", "good/b", "bad/a", "bad/b"), ("good", "good", "bad", "bad"))
    found = detection.detect(normal, test, tmp_path, 1.5, seeds=2, draws=3, fdr=0.2)
    (first, training, folder, minutes), (second, *_) = trained
    assert (first.seed, second.seed, folder, minutes) == (0, 1, tmp_path / "seed-0", 1.5)
    assert len(training) == 40
    assert (training.class_names, training.labels.any()) == ((), False)
    assert first.networks.latent_size == 16
    # Draws 0, 1, 2 and the seeds 1 and 3 of the two detectors' test scores
    means = images.mean(axis=(1, 2, 3))
    assert found.detection.scores == pytest.approx(means + 1.0 + 2.0)
    assert found.deviations == pytest.approx(np.full(4, (2 / 3 + 1.0) ** 0.5))
    assert found.calibration == 10
    held_out = conformal.split(50, 0.2, seed=0)[1]
    expected = normal.images[held_out].mean(axis=(1, 2, 3)) + 1.0 + 1.0
    assert found.detection.calibration == pytest.approx(expected)
    assert found.rows["GAN and encoder"]["auroc_each_seed"] == [1.0, 1.0]
    assert set(found.rows) == {"GAN and encoder", "k nearest neighbors", "one-class SVM"}
    assert found.table.splitlines()[0].startswith("detector")


def test_results_are_a_whole_folder(normal, trained, tmp_path):
    test = TestSet(normal.images[:3], ("a.png", "b/c.png", "d.png"), None, ("e.png: broken",))
    found = detection.detect(normal, test, tmp_path / "run")
    detection.write(found, tmp_path / "out")
    written = sorted(str(p.relative_to(tmp_path / "out")) for p in (tmp_path / "out").rglob("*.*"))
    assert written == [
        "anomalies.csv", "anomalies.png", "heat_maps/a.png.png", "heat_maps/b/c.png.png",
        "heat_maps/d.png.png", "table.json",
    ]  # fmt: skip
    table = json.loads((tmp_path / "out" / "table.json").read_text())
    assert table["skipped"] == ["e.png: broken"]
    assert table["detectors"]["GAN and encoder"].keys() == {"flagged"}
    assert (tmp_path / "out" / "anomalies.csv").read_text().startswith("file,score,")
