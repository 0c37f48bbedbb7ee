"""Images of a gallery page that its networks and training images are needed for."""

from pathlib import Path

import keras
import numpy as np

from common.errors import InputError
from common.priors import Prior
from gan.config import Config
from gan.data import load
from gan.data.base import ImageDataset
from gan.gallery_page.image_sections import NEAREST, STEPS, Neighbors
from gan.generate import draw, draw_latents, labels_in_turn, spherical_path
from gan.metrics import features
from gan.metrics.neighbors import nearest, squared_distances
from gan.networks.base import ImageSpec

CORNERS = 6  # latent vectors of the interpolation
SAMPLES = 12  # beside their nearest training images
MOST_TRAINING = 20_000  # images that are searched
TYPICAL = 500  # training images whose own nearest neighbors give the scale


def load_training_images(config: Config, spec: ImageSpec, cache: Path) -> ImageDataset:
    """Load the images that a run was trained on.

    Args:
        config: The run's configuration.
        spec: Size and channels of its images.
        cache: Folder for prepared datasets.

    Raises:
        InputError: The dataset can no longer be loaded.
    """
    return load.load(config.data.dataset, cache, (spec.height, spec.width), spec.channels)


def interpolation(generator: keras.Model, classes: int, prior: Prior, seed: int) -> np.ndarray:
    """Draw a closed walk through the latent space.

    Args:
        generator: A model of latents [and labels] to images in [-1, 1].
        classes: Number of classes of a conditional generator; each section then
            stays in one class.
        prior: Distribution of the latent vectors.
        seed: Seed of the `CORNERS` latent vectors.

    Returns:
        uint8 (CORNERS * STEPS, H, W, C): one section after another.

    Example:
        >>> interpolation(generator, classes=0, prior=PRIORS["normal"], seed=0).shape
        (72, 32, 32, 1)
    """
    corners = draw_latents(CORNERS, generator.inputs[0].shape[-1], seed, prior)
    labels = np.repeat(labels_in_turn(CORNERS, classes), STEPS)
    return draw(generator, spherical_path(corners, STEPS, prior), labels)


def samples(generator: keras.Model, classes: int, prior: Prior, seed: int) -> np.ndarray:
    """Draw `SAMPLES` images, of all classes in turn; arguments as of `interpolation`."""
    latents = draw_latents(SAMPLES, generator.inputs[0].shape[-1], seed, prior)
    return draw(generator, latents, labels_in_turn(SAMPLES, classes))


def neighbors(images: np.ndarray, dataset: ImageDataset, seed: int) -> Neighbors:
    """Find the nearest training images in the embedded extractor's features.

    A sample that copies a training image has a distance near 0; unseen images of
    the same kind have distances about 1, as training images have among each other.

    Args:
        images: Samples, uint8 (N, H, W, C).
        dataset: Training images; at most `MOST_TRAINING` of them are searched.
        seed: Seed of that choice.

    Raises:
        InputError: Fewer training images than neighbors to show.
    """
    if len(dataset) <= NEAREST:
        raise InputError(f"{dataset.name}: expected more than {NEAREST} images")
    extractor = features.compact_features()
    chosen = np.random.default_rng(seed).permutation(len(dataset))[:MOST_TRAINING]
    training = extractor.extract(dataset.images[np.sort(chosen)])  # (M, D)
    distances = squared_distances(extractor.extract(images), training)  # (N, M)
    order = np.argsort(distances, axis=1)[:, :NEAREST]
    found = np.sqrt(np.take_along_axis(distances, order, axis=1))
    typical = _typical_distance(training)
    return Neighbors(
        samples=images,
        images=dataset.images[np.sort(chosen)[order]],
        distances=found / typical if typical > 0.0 else found,
        typical=typical,
        searched=len(chosen),
        training=len(dataset),
        protocol=extractor.protocol,
    )


def _typical_distance(training: np.ndarray) -> float:
    """Compute the median distance of some features to the nearest of the others."""
    probes = len(training) // 2 if len(training) < 2 * TYPICAL else TYPICAL
    return float(np.median(nearest(training[:probes], training[probes:])[1]))
