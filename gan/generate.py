"""Images from a trained generator."""

from pathlib import Path
from typing import Any

import keras
import numpy as np

from common import checkpoints
from common import images as image_io
from common.priors import PRIORS, Prior
from gan import description, generator_file, stock
from gan.build import build_gan, set_precision_and_seed
from gan.generator_file import Source
from gan.stock import Build


def load_generator(
    run: Path, checkpoint: str = "last", build: Build = build_gan
) -> tuple[keras.Model, tuple[str, ...]]:
    """Load the EMA generator of a run, as stock Keras layers in float32.

    The last one is read from the run's generator.keras. If this file is missing or
    older than the last checkpoint, and for the best one, the same network is
    rebuilt and takes its weights from the checkpoint.

    Args:
        run: The run's folder.
        checkpoint: "last", or "best" by the monitored metric.
        build: The function that was given to `train`, for a run whose networks
            were given in Python. With another than the default, the checkpoint is
            used.

    Returns:
        The generator, a model of latents (N, Z) [and labels (N,)] to images
        (N, H, W, C) in [-1, 1], and the names of the dataset's classes.

    Raises:
        InputError: Not a run, no intact generator.keras or checkpoint, or networks
            that cannot be rebuilt as they were trained.

    Example:
        >>> generator, class_names = load_generator(Path("runs/glyphs"))
        >>> latents = draw_latents(16, generator.inputs[0].shape[-1], seed=0)
        >>> draw(generator, latents, labels_in_turn(16, len(class_names))).shape
        (16, 32, 32, 1)
    """
    source = generator_file.find(run, checkpoint, own=build is not build_gan)
    return _load(source, run, checkpoint, build), source.description.class_names


def stock_generator(
    run: Path, checkpoint: str = "last", build: Build = build_gan
) -> tuple[keras.Model, dict[str, Any]]:
    """Load the EMA generator of a run and the description of what it takes and makes.

    Args:
        run: The run's folder.
        checkpoint: "last", or "best" by the monitored metric.
        build: As of `load_generator`.

    Returns:
        The generator, and what `generator_file.describe` returns.

    Raises:
        InputError: As of `load_generator`.

    Example:
        >>> generator, about = stock_generator(Path("runs/glyphs"))
        >>> about["latent"]["size"]
        64
    """
    source = generator_file.find(run, checkpoint, own=build is not build_gan)
    generator = _load(source, run, checkpoint, build)
    size = generator.inputs[0].shape[-1]
    return generator, generator_file.describe(source.description, source.images_seen, size)


def _load(source: Source, run: Path, checkpoint: str, build: Build) -> keras.Model:
    if source.file:
        return stock.load(source.file)
    saved = source.description
    arrays, _ = checkpoints.Checkpoints(run).load(checkpoint)
    set_precision_and_seed(saved.config)
    gan = build(saved.config, saved.spec)
    description.check_fingerprint(saved.fingerprint, run, "--run", gan.generator, gan.discriminator)
    checkpoints.assign(gan.variables, arrays, f"--run {run}: its checkpoint")
    return stock.to_stock(gan.ema_generator, saved.config, saved.spec, build)


def draw(
    generator: keras.Model, latents: np.ndarray, labels: np.ndarray, batch_size: int = 128
) -> np.ndarray:
    """Generate images.

    Args:
        generator: A model of latents [and labels] to images in [-1, 1], or to a nest
            of images, of which only the last, full size, is returned.
        latents: float32 (N, Z).
        labels: int32 (N,); ignored by an unconditional generator.
        batch_size: Images per call.

    Returns:
        uint8 (N, H, W, C).
    """
    conditional = len(generator.inputs) > 1
    parts = []
    for start in range(0, len(latents), batch_size):
        part = slice(start, start + batch_size)
        inputs = [latents[part], labels[part]] if conditional else latents[part]
        images = keras.tree.flatten(generator(inputs, training=False))
        parts.append(image_io.to_uint8(images[-1]))
    return np.concatenate(parts)


def draw_latents(count: int, size: int, seed: int, prior: Prior = PRIORS["normal"]) -> np.ndarray:
    """Draw latent vectors.

    Args:
        count: Number of vectors, N.
        size: Their dimensionality, Z.
        seed: The same seed gives the same vectors.
        prior: Their distribution; a run's is `PRIORS[config.prior]`.

    Returns:
        float32 (N, Z).
    """
    return np.asarray(prior.sample(count, size, seed), np.float32)


def labels_in_turn(count: int, classes: int) -> np.ndarray:
    """Return the labels 0, 1, 2, ... modulo `classes`.

    Args:
        count: Number of labels, N.
        classes: Number of classes; 0 gives zeros.

    Returns:
        int32 (N,).

    Example:
        >>> labels_in_turn(5, 3)
        array([0, 1, 2, 0, 1], dtype=int32)
    """
    return (np.arange(count) % max(classes, 1)).astype(np.int32)


def columns_for(count: int, classes: int) -> int:
    """Choose the number of columns of a grid of images.

    Args:
        count: Number of images.
        classes: Number of classes that their labels run through; 0: no classes.

    Returns:
        One column per class if there are at most 20 classes and all are equally
        frequent; otherwise 12 or about a square.

    Example:
        >>> columns_for(30, 10), columns_for(64, 0)
        (10, 8)
    """
    if classes and count % classes == 0 and classes <= 20:
        return classes
    if classes and classes % 12 == 0:
        return 12
    return round(count**0.5)


def spherical_path(corners: np.ndarray, steps: int, prior: Prior = PRIORS["normal"]) -> np.ndarray:
    """Interpolate through latent vectors, back to the first, as their prior does.

    Args:
        corners: float (N, Z).
        steps: Vectors per section, the first of which is the corner.
        prior: Distribution of the latent vectors. The path of normal ones consists
            of great circles; see `common.arrays.great_circle`.

    Returns:
        float32 (N * steps, Z).
    """
    shares = np.arange(steps) / steps
    sections = zip(corners, np.roll(corners, -1, axis=0), strict=True)
    path = [prior.interpolate(start, end, shares) for start, end in sections]
    return np.concatenate(path).astype(np.float32)
