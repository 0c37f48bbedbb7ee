"""Optimal transport between Gaussians, in closed form.

The map that moves N(m, S) to N(n, T) with the least squared displacement is
x -> (x - m) A + n with A = S^(-1/2) (S^(1/2) T S^(1/2))^(1/2) S^(-1/2) (Olkin and
Pukelsheim 1982; Pitie and Kokaram 2007). Lu et al. 2019, A Closed-Form Solution to
Universal Style Transfer, apply it to the features of images: among all linear maps that
give the content the style's mean and covariance, it changes the content least. Mroueh
2020, Wasserstein Style Transfer, mixes styles and sets the strength along its geodesics.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

RIDGE = 0.2  # added to both covariances, in units of their mean variance
LEAST = 1e-9  # variance of flat features


class Gaussian(NamedTuple):
    """Mean and covariance of features.

    Attributes:
        mean: (C,) float64.
        covariance: (C, C) float64.
    """

    mean: np.ndarray
    covariance: np.ndarray


class Affine(NamedTuple):
    """A map x -> x @ matrix + offset.

    Attributes:
        matrix: (C, C) float64.
        offset: (C,) float64.
    """

    matrix: np.ndarray
    offset: np.ndarray

    def __call__(self, values: np.ndarray) -> np.ndarray:
        """Map features (..., C)."""
        return values @ self.matrix + self.offset


def gaussian(values: np.ndarray) -> Gaussian:
    """Compute the mean and the covariance of features.

    Args:
        values: (..., C).

    Example:
        >>> gaussian(np.array([[0.0], [2.0]])).covariance
        array([[1.]])
    """
    flat = np.asarray(values, np.float64).reshape(-1, values.shape[-1])
    mean = flat.mean(axis=0)
    centered = flat - mean
    return Gaussian(mean, centered.T @ centered / len(flat))


def pooled(parts: Sequence[tuple[int, Gaussian]]) -> Gaussian:
    """Combine the Gaussians of the parts of an image to that of the whole.

    Args:
        parts: Number of places and Gaussian of each part.
    """
    counts = np.array([count for count, _ in parts], np.float64)
    shares = counts / counts.sum()
    mean = sum(share * part.mean for share, (_, part) in zip(shares, parts, strict=True))
    covariance = sum(
        share * (part.covariance + np.outer(part.mean - mean, part.mean - mean))
        for share, (_, part) in zip(shares, parts, strict=True)
    )
    return Gaussian(mean, covariance)


def transport(source: Gaussian, target: Gaussian, ridge: float = RIDGE) -> Affine:
    """Return the optimal-transport map from one Gaussian to another.

    Both covariances get the same multiple of the identity, so that directions in which
    the source hardly varies are not amplified without bound, and equal Gaussians give
    the identity.

    Args:
        source: Of the content.
        target: Of the style.
        ridge: Variance added to both, in units of the mean of all variances.

    Example:
        >>> one, four = (Gaussian(np.zeros(1), np.array([[v]])) for v in (1.0, 4.0))
        >>> transport(one, four, ridge=0.0).matrix
        array([[2.]])
    """
    channels = len(source.mean)
    total = np.trace(source.covariance) + np.trace(target.covariance)
    added = max(ridge * total / (2 * channels), LEAST) * np.eye(channels)
    root, inverse = _roots(source.covariance + added)
    middle, _ = _roots(root @ (target.covariance + added) @ root)
    matrix = inverse @ middle @ inverse
    return Affine(matrix, target.mean - source.mean @ matrix)


def mixed(maps: Sequence[Affine], weights: Sequence[float]) -> Affine:
    """Average maps: every place goes to the average of where they send it.

    The average of optimal-transport maps is one, as those are the gradients of convex
    functions (Brenier 1991).

    Args:
        maps: One or more.
        weights: One for each, at least 0; scaled to a sum of 1.
    """
    shares = np.asarray(weights, np.float64) / np.sum(weights)
    pairs = list(zip(shares, maps, strict=True))
    return Affine(
        sum(share * each.matrix for share, each in pairs),
        sum(share * each.offset for share, each in pairs),
    )


def identity(channels: int) -> Affine:
    """Return the map that changes nothing."""
    return Affine(np.eye(channels), np.zeros(channels))


def _roots(matrix: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The square root of a positive definite matrix, and its inverse."""
    values, vectors = np.linalg.eigh((matrix + matrix.T) / 2)
    roots = np.sqrt(np.maximum(values, 1e-12 * max(values.max(), LEAST)))
    return (vectors * roots) @ vectors.T, (vectors / roots) @ vectors.T
