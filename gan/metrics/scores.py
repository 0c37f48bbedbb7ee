"""How good is a generator? Distances to the real pictures, what is missing, and is it copying?

python -m gan.evaluate --run runs/NAME
python -m gan.evaluate --npz samples.npz --dataset mnist
python -m gan.evaluate --folder pictures/ --dataset glyphs
"""

import math
from typing import TYPE_CHECKING

import numpy as np

from gan.metrics import classes, distances, neighbors, sliced

if TYPE_CHECKING:
    pass
from gan.metrics.reference import ReferenceStatistics

NEIGHBOURS = 5


def frechet(real: ReferenceStatistics, fake: np.ndarray) -> float:
    """The Frechet distance alone, of uint8 pictures (N, H, W, C)."""
    found = real.features_of.extract(fake)
    return distances.frechet_distance(real.gaussian, distances.gaussian(found))


def scores(real: ReferenceStatistics, fake: np.ndarray, seed: int = 0) -> dict[str, float | dict]:
    """All metrics for uint8 pictures (N, H, W, C) of the real ones' shape."""
    found = real.features_of.extract(fake)
    count = min(len(found), len(real.features))
    a, b = real.features[:count], found[:count]
    kernel, kernel_error = distances.kernel_inception_distance(a, b, seed=seed)
    manifold = neighbors.precision_recall_density_coverage(a, b, min(NEIGHBOURS, count - 1))
    images = real.images[:count]
    half = count // 2
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
        "ms_ssim_of_fake_pairs": similarity(fake, seed),
        "ms_ssim_of_real_pairs": similarity(images, seed),
        "nearest_training_distance_over_real": 1.0 / neighbors.memorisation(b, a[:half], a[half:]),
    }
    if real.features_of.classify is not None:
        count = len(real.pictures.class_names)
        shares = classes.class_shares(real.features_of.classify(fake), count)
        actual = classes.class_shares(real.pictures.labels[real.index], count)
        metrics |= {
            "class_entropy_fake": classes.entropy(shares),
            "class_entropy_real": classes.entropy(actual),
            "class_shares_fake": {
                name: round(float(share), 4)
                for name, share in zip(real.pictures.class_names, shares, strict=True)
            },
        }
    return metrics


def similarity(images: np.ndarray, seed: int, pairs: int = 256) -> float:
    """The mean MS-SSIM of random pairs: as high as of real ones if diverse, near 1 if collapsed.

    Odena et al. 2017, section 4.2. Deviations: as many scales as fit the
    pictures, a window of 7 pixels, all kinds of pictures together.
    """
    import tensorflow as tf

    random = np.random.default_rng(seed)
    first, second = (images[random.integers(0, len(images), pairs)] for _ in range(2))
    scales = max(1, min(5, int(math.log2(images.shape[1] / 7)) + 1))
    factors = np.array([0.0448, 0.2856, 0.3001, 0.2363, 0.1333])[:scales]  # Wang et al. 2003
    values = tf.image.ssim_multiscale(
        tf.constant(first), tf.constant(second), 255, tuple(factors / factors.sum()), filter_size=7
    )
    return float(tf.reduce_mean(values))
