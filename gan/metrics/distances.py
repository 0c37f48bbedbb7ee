"""Distances between sets of pictures or of their features, and what a set lacks.

Everything here is NumPy in float64 on arrays that fit into memory; `real` and
`fake` are (N, D) features unless said otherwise. Which features, how many and of
which pictures decides what a number means: see `gan.evaluate`.
"""

from typing import NamedTuple

import numpy as np


class Gaussian(NamedTuple):
    """The mean (D,) and the covariance (D, D) of a set of features."""

    mean: np.ndarray
    covariance: np.ndarray


def gaussian(features: np.ndarray) -> Gaussian:
    """Fits a Gaussian to (N, D), N at least 2; the covariance divides by N - 1."""
    features = np.asarray(features, np.float64)
    return Gaussian(features.mean(axis=0), np.atleast_2d(np.cov(features, rowvar=False)))


def frechet_distance(real: Gaussian, fake: Gaussian) -> float:
    """|m - m*|^2 + tr(S + S* - 2 (S^1/2 S* S^1/2)^1/2): Heusel et al. 2017, equation 6.

    Deviation: the symmetric root, whose eigenvalues are real and not negative
    by construction, where others take the root of S S* and drop what is
    imaginary. Biased upwards for small sets, so compare equal sizes only.
    """
    root = _root(real.covariance)
    cross = np.linalg.eigvalsh(root @ fake.covariance @ root)
    shift = np.sum(np.square(real.mean - fake.mean))
    spread = np.trace(real.covariance) + np.trace(fake.covariance)
    return float(max(0.0, shift + spread - 2.0 * np.sqrt(np.maximum(cross, 0.0)).sum()))


def _root(matrix: np.ndarray) -> np.ndarray:
    values, vectors = np.linalg.eigh(matrix)
    return (vectors * np.sqrt(np.maximum(values, 0.0))) @ vectors.T


def kernel_inception_distance(
    real: np.ndarray, fake: np.ndarray, block: int = 500, seed: int = 0
) -> tuple[float, float]:
    """The squared maximum mean discrepancy with the kernel (x y / D + 1)^3, and its standard error.

    Binkowski et al. 2018, section 4: the unbiased estimate, averaged over
    disjoint random blocks of each set, so that it may be negative; the error is
    that of the mean over the blocks, NaN with only one.
    """
    count = min(len(real), len(fake))
    block = min(block, count)
    random = np.random.default_rng(seed)
    orders = [random.permutation(len(values)) for values in (real, fake)]
    estimates = []
    for start in range(0, count - block + 1, block):
        x, y = (
            np.asarray(values[order[start : start + block]], np.float64)
            for values, order in zip((real, fake), orders, strict=True)
        )
        within = [_without_diagonal(_cubic(values, values)) for values in (x, y)]
        estimates.append(sum(within) - 2.0 * _cubic(x, y).mean())
    error = np.std(estimates, ddof=1) / np.sqrt(len(estimates)) if len(estimates) > 1 else np.nan
    return float(np.mean(estimates)), float(error)


def _cubic(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    return (x @ y.T / x.shape[1] + 1.0) ** 3


def _without_diagonal(matrix: np.ndarray) -> float:
    count = len(matrix)
    return float((matrix.sum() - np.trace(matrix)) / (count * (count - 1)))
