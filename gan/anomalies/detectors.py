"""Baseline detectors on the features of the embedded extractor.

A detector is a function of training features (N, D) and of others (M, D) to
anomaly scores (M,).
"""

import functools
from collections.abc import Callable, Mapping

import numpy as np
import tensorflow as tf

from common.extractors import compact
from gan.metrics.features import in_batches, opaque
from gan.metrics.neighbors import squared_distances

NEIGHBORS = 5
GRID = 4  # places of the finest grid that features are averaged over, per side
OUTSIDE = 0.1  # bound on the share of training images outside of the support vector machine
MISSING = "scikit-learn not installed"
Detector = Callable[[np.ndarray, np.ndarray], np.ndarray]


def embed(images: np.ndarray) -> np.ndarray:
    """Describe images by the last layer of the embedded extractor, averaged on a 4x4 grid.

    Images with transparency are described twice, over white and over black.

    Args:
        images: uint8 (N, H, W, C) with 1, 3 or 4 channels.

    Returns:
        float32 (N, D).

    Example:
        >>> embed(np.zeros((2, 32, 32, 1), np.uint8)).shape
        (2, 1536)
    """
    return in_batches(
        lambda part: np.concatenate([_describe()(shown) for shown in opaque(part)], axis=1), images
    )


@functools.cache
def _describe() -> Callable[[tf.Tensor], tf.Tensor]:
    extract = compact.load()

    @tf.function
    def describe(shown: tf.Tensor) -> tf.Tensor:
        values = extract(tf.cast(shown, tf.float32) / 255.0)["relu3_1"].values  # (B, H, W, C)
        return tf.reshape(tf.image.resize(values, (GRID, GRID), "area"), (shown.shape[0], -1))

    return describe


def standardize(training: np.ndarray, *others: np.ndarray) -> list[np.ndarray]:
    """Shift and scale features such that the training features have mean 0 and deviation 1.

    A feature that hardly varies is scaled by a hundredth of the mean deviation.

    Args:
        training: (N, D).
        *others: (M, D) each.

    Returns:
        `training` and the others, float64.

    Example:
        >>> standardize(np.array([[1.0], [3.0]]), np.array([[4.0]]))[1]
        array([[2.]])
    """
    training = np.asarray(training, np.float64)
    deviation = training.std(axis=0)
    least = max(0.01 * float(deviation.mean()), 1e-12)
    scale = np.maximum(deviation, least)
    return [(part - training.mean(axis=0)) / scale for part in (training, *others)]


def nearest_neighbors(training: np.ndarray, features: np.ndarray) -> np.ndarray:
    """Compute the mean distance to the `NEIGHBORS` nearest training features.

    Args:
        training: (N, D).
        features: (M, D).

    Returns:
        (M,).

    Example:
        >>> nearest_neighbors(np.array([[0.0], [4.0]]), np.array([[1.0]]))
        array([2.])
    """
    found = []
    for start in range(0, len(features), 1000):  # bounds the memory of the distances
        distances = np.sqrt(squared_distances(features[start : start + 1000], training))
        count = min(NEIGHBORS, len(training))
        found.append(np.partition(distances, count - 1, axis=1)[:, :count].mean(axis=1))
    return np.concatenate(found)


def one_class_svm(training: np.ndarray, features: np.ndarray) -> np.ndarray:
    """Compute the distance from the boundary of a one-class support vector machine.

    Scholkopf et al. 2001, with scikit-learn's kernel exp(-|x - y|^2 / (D v)), where
    v is the features' variance.

    Args:
        training: (N, D).
        features: (M, D).

    Returns:
        (M,), above 0 outside of the boundary.

    Raises:
        ImportError: scikit-learn is not installed.

    Example:
        >>> scores = one_class_svm(training, features)
    """
    from sklearn.svm import OneClassSVM

    return -OneClassSVM(gamma="scale", nu=OUTSIDE).fit(training).decision_function(features)


BASELINES: Mapping[str, Detector] = {
    "k nearest neighbors": nearest_neighbors,
    "one-class SVM": one_class_svm,
}


def baseline_scores(training: np.ndarray, *others: np.ndarray) -> dict[str, list[np.ndarray] | str]:
    """Score sets of images by every baseline.

    Args:
        training: Normal images, uint8 (N, H, W, C).
        *others: Images to score, uint8 (M, H, W, C) each.

    Returns:
        The name of a baseline to the scores of every set, or to the reason why
        there are none.

    Example:
        >>> calibration_scores, scores = baseline_scores(train, calibration, test)[
        ...     "k nearest neighbors"
        ... ]
    """
    features = standardize(embed(training), *map(embed, others))
    found: dict[str, list[np.ndarray] | str] = {}
    for name, detector in BASELINES.items():
        try:
            found[name] = [detector(features[0], part) for part in features[1:]]
        except ImportError:
            found[name] = MISSING
    return found
