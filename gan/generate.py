"""Images from a trained generator."""

import dataclasses
from collections.abc import Callable
from pathlib import Path

import keras
import numpy as np

from common import checkpoints
from common import images as image_io
from common.priors import PRIORS, Prior
from gan import description
from gan.build import build_gan, set_precision_and_seed
from gan.config import Config
from gan.model import GAN
from gan.networks.base import ImageSpec


def load_generator(
    run: Path,
    checkpoint: str = "last",
    build: Callable[[Config, ImageSpec], GAN] | None = None,
) -> tuple[keras.Model, tuple[str, ...]]:
    """Load the EMA generator of a run.

    Args:
        run: The run's folder.
        checkpoint: "last", or "best" by the monitored metric.
        build: The function that was given to `train`, for a run whose networks
            were given in Python.

    Returns:
        The generator, a model of latents (N, Z) [and labels (N,)] to images
        (N, H, W, C) in [-1, 1], and the names of the dataset's classes.

    Raises:
        InputError: Not a run, no intact checkpoint, or networks that cannot be
            rebuilt as they were trained.

    Example:
        >>> generator, class_names = load_generator(Path("runs/glyphs"))
        >>> latents = draw_latents(16, generator.inputs[0].shape[-1], seed=0)
        >>> draw(generator, latents, labels_in_turn(16, len(class_names))).shape
        (16, 32, 32, 1)
    """
    saved = description.read(run, own=build is not None)
    arrays, _ = checkpoints.Checkpoints(run).load(checkpoint)
    set_precision_and_seed(saved.config)
    gan = (build or build_gan)(saved.config, saved.spec)
    description.check_fingerprint(saved.fingerprint, run, "--run", gan.generator, gan.discriminator)
    checkpoints.assign(gan.variables, arrays)
    return gan.ema_generator, saved.class_names


def stock_generator(run: Path, checkpoint: str = "last") -> keras.Model:
    """Load the EMA generator of a run as stock Keras layers in float32.

    Saved with `generator.save("generator.keras")`, it loads with
    `keras.models.load_model` in programs that do not have this code.

    Args:
        run: The run's folder.
        checkpoint: "last", or "best" by the monitored metric.

    Returns:
        A model with the weights of `load_generator`'s.

    Raises:
        InputError: As of `load_generator`.

    Example:
        >>> stock_generator(Path("runs/glyphs")).save("generator.keras")
    """
    trained, _ = load_generator(run, checkpoint)
    saved = description.read(run)
    networks_config = dataclasses.replace(saved.config.networks, kernels="keras")
    config = dataclasses.replace(saved.config, networks=networks_config, precision="float32")
    set_precision_and_seed(config)
    stock = build_gan(config, saved.spec).ema_generator
    stock.set_weights(trained.get_weights())
    return stock


def draw(
    generator: keras.Model, latents: np.ndarray, labels: np.ndarray, batch_size: int = 128
) -> np.ndarray:
    """Generate images.

    Args:
        generator: A model of latents [and labels] to images in [-1, 1].
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
        parts.append(image_io.to_uint8(generator(inputs, training=False)))
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
