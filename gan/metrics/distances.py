"""Distances between two sets of features: Frechet distance and KID.

NumPy in float64. Features are (N, D); which ones, how many and of which images
decides what a distance means, so it is comparable only under one protocol.
"""

from typing import NamedTuple

import numpy as np


class Gaussian(NamedTuple):
    """The mean (D,) and the covariance (D, D) of a set of features."""

    mean: np.ndarray
    covariance: np.ndarray


def checked(features: np.ndarray, least: int = 1) -> np.ndarray:
    """Convert features to float64 and check them.

    Args:
        features: (N, D).
        least: Smallest N.

    Raises:
        ValueError: Another shape, fewer than `least`, or values that are not finite.

    Example:
        >>> checked([[1, 2]]).dtype
        dtype('float64')
    """
    features = np.asarray(features, np.float64)
    if features.ndim != 2 or len(features) < least:
        raise ValueError(f"features: expected (N, D), N at least {least}, got {features.shape}")
    bad = np.count_nonzero(~np.isfinite(features).all(axis=1))
    if bad:
        raise ValueError(f"features: {bad} of {len(features)} are not finite")
    return features


def gaussian(features: np.ndarray) -> Gaussian:
    """Fit a Gaussian to features; the covariance divides by N - 1.

    Args:
        features: (N, D), N at least 2.

    Raises:
        ValueError: Fewer than 2 features, or values that are not finite.

    Example:
        >>> gaussian(np.array([[0.0], [2.0]]))
        Gaussian(mean=array([1.]), covariance=array([[2.]]))
    """
    features = checked(features, least=2)
    return Gaussian(features.mean(axis=0), np.atleast_2d(np.cov(features, rowvar=False)))


def frechet_distance(real: Gaussian, fake: Gaussian) -> float:
    """Compute the squared Frechet distance of two Gaussians.

    |m - m*|^2 + tr(S + S* - 2 (S^1/2 S* S^1/2)^1/2), Heusel et al. 2017,
    equation 6. Biased upwards for small sets: compare equal sizes only.

    Deviation: the symmetric root, whose eigenvalues are real and not negative
    by construction, where others take the root of S S* and drop its imaginary
    part.

    Args:
        real: Gaussian of D dimensions.
        fake: Gaussian of D dimensions.

    Returns:
        The distance, at least 0, in squared units of the features.

    Example:
        >>> one, other = (Gaussian(np.array([m]), np.eye(1)) for m in (0.0, 3.0))
        >>> frechet_distance(one, other)
        9.0
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
    """Estimate the squared maximum mean discrepancy with the kernel (x y / D + 1)^3.

    Binkowski et al. 2018, section 4: the unbiased estimate, averaged over
    disjoint random blocks of each set, so that it may be negative.

    Deviation: the blocks have nearly equal sizes of at most `block`, so that
    none of min(N, M) features is left out, where others draw blocks of one size
    with replacement.

    Args:
        real: (N, D), N at least 2.
        fake: (M, D), M at least 2. Of the larger set, a random subset is used.
        block: Largest number of features in a block, at least 2.
        seed: Seed of the blocks.

    Returns:
        The estimate, and the standard error of its mean over the blocks, which
        is NaN with one block.

    Raises:
        ValueError: Fewer than 2 features, or values that are not finite.

    Example:
        >>> features = np.random.default_rng(0).normal(size=(1000, 8))
        >>> value, error = kernel_inception_distance(features, features + 1.0)
        >>> value > 10 * error
        True
    """
    sets = [checked(values, least=2) for values in (real, fake)]
    count = min(map(len, sets))
    blocks = min(-(-count // block), count // 2)  # each of at least 2 features
    random = np.random.default_rng(seed)
    parts = [np.array_split(random.permutation(len(values))[:count], blocks) for values in sets]
    estimates = []
    for index in zip(*parts, strict=True):
        x, y = (values[chosen] for values, chosen in zip(sets, index, strict=True))
        within = [_without_diagonal(_cubic(values, values)) for values in (x, y)]
        estimates.append(sum(within) - 2.0 * _cubic(x, y).mean())
    error = np.std(estimates, ddof=1) / np.sqrt(blocks) if blocks > 1 else np.nan
    return float(np.mean(estimates)), float(error)


def _cubic(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    return (x @ y.T / x.shape[1] + 1.0) ** 3


def _without_diagonal(matrix: np.ndarray) -> float:
    """The mean of a square matrix without its diagonal."""
    count = len(matrix)
    return float((matrix.sum() - np.trace(matrix)) / (count * (count - 1)))
