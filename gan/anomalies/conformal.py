"""Statistics of anomaly scores, in NumPy: p-values, false discoveries, AUROC.

Scores are higher for images that are less normal.
"""

import math
from typing import NamedTuple

import numpy as np


class Discoveries(NamedTuple):
    """How many flagged images are anomalies, and how many anomalies are flagged.

    Attributes:
        flagged: Number of flagged images.
        false_share: Share of normal images among the flagged ones; 0 if none is flagged.
        found_share: Share of the anomalies that are flagged; NaN without anomalies.
    """

    flagged: int
    false_share: float
    found_share: float


def p_values(calibration: np.ndarray, scores: np.ndarray) -> np.ndarray:
    """Compute conformal p-values: (1 + #{calibration scores >= score}) / (n + 1).

    If an image is exchangeable with the calibration images, which a normal image
    is that was not trained on, its p-value is at most t with a probability of at
    most t: Bates et al. 2023, Testing for Outliers with Conformal p-values,
    equation 2.

    Args:
        calibration: Scores of n normal images that were not trained on, (n,).
        scores: Scores of the images to test, (N,).

    Returns:
        float64 (N,) in [1 / (n + 1), 1].

    Raises:
        ValueError: No calibration score, or a score is NaN.

    Example:
        >>> p_values(np.array([1.0, 2.0, 3.0]), np.array([0.0, 2.0, 9.0]))
        array([1.  , 0.75, 0.25])
    """
    calibration, scores = np.asarray(calibration), np.asarray(scores)
    if not len(calibration):
        raise ValueError("calibration: expected at least one score")
    if np.isnan(calibration).any() or np.isnan(scores).any():
        raise ValueError("scores: expected numbers, found NaN")
    below = np.searchsorted(np.sort(calibration), scores, side="left")
    return (1.0 + len(calibration) - below) / (len(calibration) + 1.0)


def least_calibration(fdr: float) -> int:
    """Count the calibration images below which no image can be flagged.

    No p-value of n calibration images is below 1 / (n + 1), and the procedure
    flags none above `fdr`.

    Args:
        fdr: False discovery rate, in (0, 1).

    Example:
        >>> least_calibration(0.1)
        9
    """
    return max(1, math.ceil(1.0 / fdr - 1.0 - 1e-9))


def benjamini_hochberg(values: np.ndarray, fdr: float) -> np.ndarray:
    """Flag images such that a share of at most `fdr` of them is normal, on average.

    The k smallest p-values are rejected, for the largest k whose k-th smallest is
    at most fdr * k / N: Benjamini and Hochberg 1995, procedure 1. With conformal
    p-values of one calibration set, which depend on each other, it still holds:
    Bates et al. 2023, theorem 2.

    Args:
        values: p-values, (N,).
        fdr: Highest expected share of normal images among the flagged ones.

    Returns:
        bool (N,).

    Example:
        >>> benjamini_hochberg(np.array([0.01, 0.9, 0.06, 0.2]), fdr=0.12)
        array([ True, False,  True, False])
    """
    values = np.asarray(values, np.float64)
    count = len(values)
    limits = fdr * np.arange(1, count + 1) / max(count, 1)
    passing = np.flatnonzero(np.sort(values) <= limits * (1.0 + 1e-12))  # despite rounding
    if not len(passing):
        return np.zeros(count, bool)
    return values <= np.sort(values)[passing[-1]]


def discoveries(flagged: np.ndarray, anomalous: np.ndarray) -> Discoveries:
    """Compare the flagged images with the labels.

    Args:
        flagged: bool (N,).
        anomalous: bool (N,), the truth.

    Example:
        >>> discoveries(np.array([True, True, False]), np.array([True, False, True]))
        Discoveries(flagged=2, false_share=0.5, found_share=0.5)
    """
    flagged, anomalous = np.asarray(flagged, bool), np.asarray(anomalous, bool)
    false = int(np.sum(flagged & ~anomalous))
    number, real = int(flagged.sum()), int(anomalous.sum())
    found = (number - false) / real if real else math.nan
    return Discoveries(number, false / max(number, 1), found)


def auroc(scores: np.ndarray, anomalous: np.ndarray) -> float:
    """Compute the probability that an anomaly scores higher than a normal image.

    This is the area under the receiver operating characteristic; equal scores
    count one half (Hanley and McNeil 1982).

    Args:
        scores: (N,).
        anomalous: bool (N,).

    Returns:
        A number in [0, 1]; NaN if one of the classes is empty.

    Example:
        >>> auroc(np.array([1.0, 2.0, 2.0, 3.0]), np.array([False, False, True, True]))
        0.875
    """
    scores, anomalous = np.asarray(scores), np.asarray(anomalous, bool)
    normal, abnormal = np.sort(scores[~anomalous]), scores[anomalous]
    if not len(normal) or not len(abnormal):
        return math.nan
    below = np.searchsorted(normal, abnormal, side="left")
    up_to = np.searchsorted(normal, abnormal, side="right")
    return float(np.mean(below + up_to) / (2.0 * len(normal)))


def split(count: int, share: float, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Hold images out for calibration, at random.

    Args:
        count: Images.
        share: Share to hold out; at least one image and at most all but one.
        seed: Seed of the split.

    Returns:
        Indices to train on, and those held out; both ascending.

    Example:
        >>> [len(part) for part in split(20, 0.2, seed=0)]
        [16, 4]
    """
    order = np.random.default_rng(seed).permutation(count)
    held = min(max(1, round(share * count)), count - 1)
    return np.sort(order[held:]), np.sort(order[:held])
