import builtins

import numpy as np
import pytest

from gan.anomalies import detectors


def test_nearest_neighbors_average_the_five_nearest():
    training = np.array([[0.0], [1.0], [2.0], [3.0], [4.0], [100.0]])
    found = detectors.nearest_neighbors(training, np.array([[0.0], [-10.0]]))
    assert found == pytest.approx([2.0, 12.0])
    assert detectors.nearest_neighbors(training[:2], np.array([[3.0]])) == pytest.approx([2.5])


def test_features_have_the_scale_of_the_training_features():
    training, other = detectors.standardize(
        np.array([[1.0, 0.0, 7.0], [3.0, 2.0, 7.0]]), np.array([[4.0, 0.0, 8.0]])
    )
    assert training.tolist() == [[-1.0, -1.0, 0.0], [1.0, 1.0, 0.0]]
    assert other == pytest.approx(np.array([[2.0, -1.0, 1.0 / (0.01 * 2 / 3)]]))


def test_both_baselines_find_another_kind_of_image():
    """Normal are gradients of any brightness; stripes at the lowest are anomalies."""
    brightness = np.random.default_rng(0).uniform(50, 200, (60, 1, 1, 1))
    gradient = np.linspace(0.5, 1.0, 16)[:, None] * np.ones((16, 16))
    normal = (brightness * gradient[..., None]).astype(np.uint8)
    striped = normal[:20] * (np.arange(16) % 2)[:, None].astype(np.uint8)
    found = detectors.baseline_scores(normal[:40], normal[40:], striped)
    for unseen, anomalies in found.values():
        assert np.quantile(unseen, 0.8) < anomalies.min()


def test_without_scikit_learn_one_row_says_so(monkeypatch):
    imported = builtins.__import__

    def without(name, *rest):
        if name.startswith("sklearn"):
            raise ImportError(name)
        return imported(name, *rest)

    monkeypatch.setattr(builtins, "__import__", without)
    images = np.random.default_rng(0).integers(0, 256, (8, 16, 16, 3), np.uint8)
    found = detectors.baseline_scores(images, images)
    assert found["one-class SVM"] == "scikit-learn not installed"
    assert len(found["k nearest neighbors"][0]) == 8
