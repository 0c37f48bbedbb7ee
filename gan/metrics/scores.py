"""All metrics of a set of generated images against a dataset."""

import math

import numpy as np
import tensorflow as tf

from common.errors import InputError
from gan.metrics import classes, distances, neighbors, sliced
from gan.metrics.checkerboard import checkerboard
from gan.metrics.neighbors import LEAST, NEIGHBORS
from gan.metrics.reference import ReferenceStatistics, check_finite

SPECTRA = 500  # images of either set whose spectra are compared
REASONS = {  # why a metric is NaN
    "kernel_inception_distance_standard_error": "there is only one block of images",
    "nearest_training_distance_over_real": "too few distinct real images",
}


def frechet(real: ReferenceStatistics, fake: np.ndarray) -> float:
    """Compute the Frechet distance alone.

    Args:
        real: Statistics of the real images.
        fake: uint8 (N, H, W, C), of the real images' shape.
    """
    found = real.features_of.extract(fake)
    return distances.frechet_distance(real.gaussian, distances.gaussian(found))


def scores(real: ReferenceStatistics, fake: np.ndarray, seed: int = 0) -> dict[str, float | dict]:
    """Compute all metrics.

    The order of the images has no influence beyond sampling noise: whatever
    needs a part of a set takes a random one.

    Args:
        real: Statistics of the real images, at least 12 of them.
        fake: uint8 (N, H, W, C) of the real images' shape, N at least 12.
        seed: Seed of subsets, projections, patches and pairs.

    Returns:
        {name: value}; metrics by class or by level are dictionaries. A value is
        NaN if it is not defined for these sets; `REASONS` says why.

    Raises:
        InputError: Too few images, or features that are not finite.
    """
    for name, images in ((real.dataset.name, real.index), ("generated images", fake)):
        if len(images) < LEAST:
            raise InputError(f"{name}: expected at least {LEAST} images, found {len(images)}")
    random = np.random.default_rng(seed)
    fake = fake[random.permutation(len(fake))]
    found = real.features_of.extract(fake)
    check_finite(real.features, real.dataset.name)
    check_finite(found, "generated images")
    count = min(len(found), len(real.features))
    chosen = random.permutation(len(real.features))[:count]
    a, b = real.features[chosen], found[:count]
    images = real.images[chosen]
    half = count // 2
    kernel, kernel_error = distances.kernel_inception_distance(a, b, seed=seed)
    manifold = neighbors.precision_recall_density_coverage(a, b, NEIGHBORS)
    metrics: dict[str, float | dict] = {
        "frechet_distance": distances.frechet_distance(real.gaussian, distances.gaussian(found)),
        "frechet_distance_of_two_real_halves": distances.frechet_distance(
            distances.gaussian(a[:half]), distances.gaussian(a[half:])
        ),
        "kernel_inception_distance": kernel,
        "kernel_inception_distance_standard_error": kernel_error,
        **manifold._asdict(),
        "sliced_wasserstein_by_level": {
            str(size): value
            for size, value in sliced.laplacian_wasserstein(images, fake[:count], seed).items()
        },
        "checkerboard_by_period": checkerboard(images[:SPECTRA], fake[:SPECTRA]),
        "ms_ssim_of_fake_pairs": similarity(fake, seed),
        "ms_ssim_of_real_pairs": similarity(images, seed),
        "nearest_training_distance_over_real": copying(a[distinct(images)], b),
    }
    return metrics | _by_class(real, fake)


def copying(real: np.ndarray, fake: np.ndarray) -> float:
    """Compute `nearest_distance_ratio` with one half of the real features as training examples.

    Args:
        real: (N, D), of distinct images in random order.
        fake: (M, D).

    Returns:
        About 1 for a good model, near 0 for one that copies; NaN if N is below 4.
    """
    half = len(real) // 2
    if half < 2:
        return math.nan
    return neighbors.nearest_distance_ratio(fake, real[:half], real[half:])


def distinct(images: np.ndarray) -> np.ndarray:
    """Find the first of each set of identical images.

    Args:
        images: uint8 (N, H, W, C).

    Returns:
        Ascending indices, int (M,).

    Example:
        >>> distinct(np.array([5, 5, 7], np.uint8).reshape(3, 1, 1, 1))
        array([0, 2])
    """
    first = {}
    for number, image in enumerate(images):
        first.setdefault(image.tobytes(), number)
    return np.fromiter(first.values(), int)


def _by_class(real: ReferenceStatistics, fake: np.ndarray) -> dict[str, float | dict]:
    """Metrics that need a classifier; empty without one."""
    if real.features_of.classify is None:
        return {}
    names = real.dataset.class_names
    shares = classes.class_shares(real.features_of.classify(fake), len(names))
    actual = classes.class_shares(real.labels, len(names))
    return {
        "class_entropy_fake": classes.entropy(shares),
        "class_entropy_real": classes.entropy(actual),
        "class_shares_fake": {
            name: round(float(share), 4) for name, share in zip(names, shares, strict=True)
        },
    }


def similarity(images: np.ndarray, seed: int, pairs: int = 256) -> float:
    """Compute the mean MS-SSIM of random pairs: near 1 if a generator has collapsed.

    Odena et al. 2017, section 4.2. Deviations: as many scales as fit the images,
    a window of 7 pixels, pairs of all classes together.

    Args:
        images: uint8 (N, H, W, C), N at least 2.
        seed: Seed of the pairs.
        pairs: Number of pairs, each of two different images.

    Returns:
        A mean in [0, 1]; of a diverse set, as high as that of real images.
    """
    random, count = np.random.default_rng(seed), len(images)
    first = random.integers(0, count, pairs)
    second = (first + random.integers(1, count, pairs)) % count
    scales = max(1, min(5, int(math.log2(min(images.shape[1:3]) / 7)) + 1))
    factors = np.array([0.0448, 0.2856, 0.3001, 0.2363, 0.1333])[:scales]  # Wang et al. 2003
    values = tf.image.ssim_multiscale(
        tf.constant(images[first]),
        tf.constant(images[second]),
        255,
        tuple(factors / factors.sum()),
        filter_size=7,
    )
    return float(tf.reduce_mean(values))
