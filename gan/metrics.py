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


def kernel_distance(
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


class Coverage(NamedTuple):
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


def coverage(real: np.ndarray, fake: np.ndarray, neighbours: int = 5) -> Coverage:
    """Manifolds of balls that reach to the k-th nearest neighbour in the same set.

    Precision and recall are Kynkaanniemi et al. 2019, equations 1 and 2 (who
    use k = 3); density and coverage are Naeem et al. 2020, equations 6 and 8.
    """
    real_radius = _radius(real, neighbours)
    fake_radius = _radius(fake, neighbours)
    distances = squared_distances(real, fake)  # (R, F)
    in_real = distances <= real_radius[:, None]
    in_fake = distances <= fake_radius[None, :]
    return Coverage(
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


def class_shares(labels: np.ndarray, classes: int) -> np.ndarray:
    """The share of each class among labels (N,): (classes,), summing to 1."""
    return np.bincount(np.asarray(labels), minlength=classes) / len(labels)


def entropy(shares: np.ndarray) -> float:
    """-sum p log p in nats; log(classes) when all are alike, 0 when there is only one."""
    present = shares[shares > 0.0]
    return float(-(present * np.log(present)).sum() + 0.0)


def sliced_wasserstein(
    real: np.ndarray, fake: np.ndarray, projections: int = 128, seed: int = 0
) -> float:
    """How far two sets of pictures are apart along random directions in pixel space.

    Cheap enough for every tick of a run. It sees collapse, noise and wrong
    brightness, but not whether a picture is readable.

    Args:
        real, fake: (N, ...) of one shape and the same value range.
        projections: random unit vectors to average over.
        seed: draws them.

    Returns:
        The mean over the directions of the 1-Wasserstein distance between the
        projected sets (Rabin et al. 2012), in the pictures' own units.
    """
    real, fake = (np.asarray(x, np.float32).reshape(len(x), -1) for x in (real, fake))  # (N, D)
    if real.shape != fake.shape:
        raise ValueError(f"real and fake: expected one shape, got {real.shape} and {fake.shape}")
    directions = np.random.default_rng(seed).normal(size=(real.shape[1], projections))
    directions = (directions / np.linalg.norm(directions, axis=0)).astype(np.float32)
    gaps = np.sort(real @ directions, axis=0) - np.sort(fake @ directions, axis=0)  # (N, P)
    return float(np.abs(gaps).mean())


PATCH, PATCHES = 7, 16  # pixels of a side; patches of a picture and a level
SMALLEST_LEVEL = 16  # pixels


def laplacian_wasserstein(real: np.ndarray, fake: np.ndarray, seed: int = 0) -> dict[int, float]:
    """The sliced Wasserstein distance of 7x7 patches on every level of a Laplacian pyramid.

    Karras et al. 2018, section 5: {resolution: distance}, from fine detail to
    the coarse whole; patches are normalised by the real set's mean and
    deviation of each channel. Deviations: 16 patches of a picture instead of
    128, and 2x2 means instead of a Gaussian filter between levels.

    Args:
        real, fake: (N, H, W, C) of one shape, H = W at least 16.
    """
    distances, random = {}, np.random.default_rng(seed)
    real, fake = (np.asarray(images, np.float32) for images in (real, fake))
    while True:
        size = real.shape[1]
        last = size % 2 == 1 or size // 2 < SMALLEST_LEVEL
        halves = [] if last else [_halved(images) for images in (real, fake)]
        levels = (real, fake)
        if not last:
            levels = tuple(
                images - half.repeat(2, axis=1).repeat(2, axis=2)
                for images, half in zip((real, fake), halves, strict=True)
            )
        places = random.integers(0, size - PATCH + 1, (2, len(real) * PATCHES))
        patches = [_patches(images, places) for images in levels]
        mean = patches[0].mean(axis=(0, 1, 2))
        deviation = patches[0].std(axis=(0, 1, 2)) + 1e-8
        first, second = ((each - mean) / deviation for each in patches)
        distances[size] = sliced_wasserstein(first, second, seed=seed)
        if last:
            return distances
        real, fake = halves


def _halved(images: np.ndarray) -> np.ndarray:
    count, height, width, channels = images.shape
    return images.reshape(count, height // 2, 2, width // 2, 2, channels).mean(axis=(2, 4))


def _patches(images: np.ndarray, places: np.ndarray) -> np.ndarray:
    """(N * PATCHES, PATCH, PATCH, C) at the given top and left."""
    windows = np.lib.stride_tricks.sliding_window_view(images, (PATCH, PATCH), axis=(1, 2))
    which = np.arange(len(images)).repeat(PATCHES)
    return windows[which, places[0], places[1]].transpose(0, 2, 3, 1)  # (N P, PATCH, PATCH, C)
