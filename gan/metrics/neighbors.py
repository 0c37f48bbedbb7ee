"""Distances between sets of pictures or of their features, and what a set lacks.

Everything here is NumPy in float64 on arrays that fit into memory; `real` and
`fake` are (N, D) features unless said otherwise. Which features, how many and of
which pictures decides what a number means: see `gan.evaluate`.
"""

from typing import NamedTuple

import numpy as np


class ManifoldMetrics(NamedTuple):
    """Four shares of samples that lie among the others.

    Attributes:
        precision: fakes within the real manifold: are they any good?
        recall: reals within the fake manifold: is everything there?
        density: how many real balls hold a fake, over k; may exceed 1.
        coverage: reals with a fake in their ball.
    """

    precision: float
    recall: float
    density: float
    coverage: float


def precision_recall_density_coverage(
    real: np.ndarray, fake: np.ndarray, neighbours: int = 5
) -> ManifoldMetrics:
    """Manifolds of balls that reach to the k-th nearest neighbour in the same set.

    Precision and recall are Kynkaanniemi et al. 2019, equations 1 and 2 (who
    use k = 3); density and coverage are Naeem et al. 2020, equations 6 and 8.
    """
    real_radius = _radius(real, neighbours)
    fake_radius = _radius(fake, neighbours)
    distances = squared_distances(real, fake)  # (R, F)
    in_real = distances <= real_radius[:, None]
    in_fake = distances <= fake_radius[None, :]
    return ManifoldMetrics(
        precision=float(in_real.any(axis=0).mean()),
        recall=float(in_fake.any(axis=1).mean()),
        density=float(in_real.sum(axis=0).mean() / neighbours),
        coverage=float(in_real.any(axis=1).mean()),
    )


def _radius(features: np.ndarray, neighbours: int) -> np.ndarray:
    """The squared distance of each to its k-th nearest neighbour other than itself."""
    if len(features) <= neighbours:
        raise ValueError(f"neighbours: expected less than {len(features)}, got {neighbours}")
    distances = squared_distances(features, features)
    np.fill_diagonal(distances, np.inf)
    return np.partition(distances, neighbours - 1, axis=1)[:, neighbours - 1]


def squared_distances(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """|x_i - y_j|^2 of (N, D) and (M, D) as (N, M)."""
    x, y = np.asarray(x, np.float64), np.asarray(y, np.float64)
    shift = x.mean(axis=0)  # smaller numbers leave more digits to the difference
    x, y = x - shift, y - shift
    products = np.sum(x * x, axis=1)[:, None] + np.sum(y * y, axis=1)[None, :] - 2.0 * x @ y.T
    return np.maximum(products, 0.0)


def nearest(samples: np.ndarray, training: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The index of each sample's nearest training example, and the distance to it; (N,) each."""
    distances = squared_distances(samples, training)
    index = distances.argmin(axis=1)
    return index, np.sqrt(distances[np.arange(len(samples)), index])


def memorisation(fake: np.ndarray, training: np.ndarray, held_out: np.ndarray) -> float:
    """How much nearer samples lie to the training pictures than unseen real ones do.

    The median distance of `held_out` to its nearest training example over that
    of `fake`: about 1 for a good model, far above 1 for one that copies.
    Needs `held_out` from the same source as `training`.
    """
    unseen = np.median(nearest(held_out, training)[1])
    return float(unseen / max(np.median(nearest(fake, training)[1]), 1e-12))
