"""Metrics by nearest neighbors: precision, recall, density, coverage, copying.

NumPy in float64; features are (N, D).
"""

from typing import NamedTuple

import numpy as np

from gan.metrics.distances import checked

NEIGHBORS = 5
LEAST = 2 * NEIGHBORS + 2  # images of a set; half of them must have `NEIGHBORS` others
SAME = 1e-12  # squared distance, relative to the squared norms, that rounding alone can make


class ManifoldMetrics(NamedTuple):
    """Precision, recall, density and coverage of one set of features by another.

    Attributes:
        precision: Share of generated features within the real manifold: quality.
        recall: Share of real features within the generated manifold: diversity.
        density: How many real balls hold a generated feature on average, over k;
            may exceed 1.
        coverage: Share of real features with a generated one in their ball.
    """

    precision: float
    recall: float
    density: float
    coverage: float


def precision_recall_density_coverage(
    real: np.ndarray, fake: np.ndarray, neighbors: int = NEIGHBORS
) -> ManifoldMetrics:
    """Compare manifolds made of balls that reach to the k-th nearest neighbor in the same set.

    Precision and recall: Kynkaanniemi et al. 2019, equations 1 and 2, who use
    k = 3. Density and coverage: Naeem et al. 2020, equations 6 and 8. As in the
    latters' code (`prdc`), a feature at exactly the radius is outside, so that
    identical sets have density 1.

    Args:
        real: (N, D), N above `neighbors`.
        fake: (M, D), M above `neighbors`.
        neighbors: k.

    Raises:
        ValueError: Too few features, or values that are not finite.

    Example:
        >>> features = np.random.default_rng(0).normal(size=(100, 8))
        >>> precision_recall_density_coverage(features, features)
        ManifoldMetrics(precision=1.0, recall=1.0, density=1.0, coverage=1.0)
    """
    real, fake = checked(real), checked(fake)
    real_radius = _radius(real, neighbors)
    fake_radius = _radius(fake, neighbors)
    distances = squared_distances(real, fake)  # (N, M)
    in_real = distances < real_radius[:, None]
    in_fake = distances < fake_radius[None, :]
    return ManifoldMetrics(
        precision=float(in_real.any(axis=0).mean()),
        recall=float(in_fake.any(axis=1).mean()),
        density=float(in_real.sum(axis=0).mean() / neighbors),
        coverage=float(in_real.any(axis=1).mean()),
    )


def _radius(features: np.ndarray, neighbors: int) -> np.ndarray:
    """The squared distance of each to its k-th nearest neighbor, a little less by rounding."""
    if len(features) <= neighbors:
        raise ValueError(f"neighbors: expected less than {len(features)}, got {neighbors}")
    distances = squared_distances(features, features)
    np.fill_diagonal(distances, np.inf)
    radius = np.partition(distances, neighbors - 1, axis=1)[:, neighbors - 1]
    return radius * (1.0 - 1e-9)  # two computations of one distance differ in the last digits


def squared_distances(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Compute |x_i - y_j|^2.

    Args:
        x: (N, D).
        y: (M, D).

    Returns:
        float64 (N, M); exactly 0 for features that are equal.

    Example:
        >>> squared_distances(np.array([[0.0, 0.0]]), np.array([[3.0, 4.0]]))
        array([[25.]])
    """
    x, y = np.asarray(x, np.float64), np.asarray(y, np.float64)
    shift = x.mean(axis=0)  # smaller numbers leave more digits to the difference
    x, y = x - shift, y - shift
    norms = np.sum(x * x, axis=1)[:, None] + np.sum(y * y, axis=1)[None, :]  # (N, M)
    products = x @ y.T
    products *= -2.0
    products += norms
    norms *= SAME
    products[products < norms] = 0.0
    return products


def nearest(samples: np.ndarray, training: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Find the nearest training example of each sample.

    Args:
        samples: (N, D).
        training: (M, D).

    Returns:
        Index of the nearest example, and the distance to it; (N,) each.

    Example:
        >>> nearest(np.array([[1.0]]), np.array([[5.0], [2.0]]))
        (array([1]), array([1.]))
    """
    distances = squared_distances(samples, training)
    index = distances.argmin(axis=1)
    return index, np.sqrt(distances[np.arange(len(samples)), index])


def nearest_distance_ratio(fake: np.ndarray, training: np.ndarray, held_out: np.ndarray) -> float:
    """Compare how near generated and unseen real images lie to training images.

    The median distance to the nearest training example, of `fake` over that of
    `held_out`: about 1 for a good model, near 0 for one that copies.

    Args:
        fake: (N, D).
        training: (M, D).
        held_out: (K, D), from the same source as `training`, without copies of it.

    Returns:
        The ratio; NaN if half of `held_out` are copies of training examples.

    Example:
        >>> training, unseen = np.array([[0.0], [10.0]]), np.array([[2.0]])
        >>> nearest_distance_ratio(np.array([[0.5]]), training, unseen)
        0.25
    """
    unseen = np.median(nearest(held_out, training)[1])
    return float(np.median(nearest(fake, training)[1]) / unseen) if unseen > 0.0 else np.nan
