"""Generated images to be measured: drawn from a run, read from an archive or a folder."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from common import npz
from common.errors import InputError, printable
from common.priors import PRIORS
from gan import description
from gan.data import load
from gan.data.base import RESOLUTIONS, ImageDataset, class_name
from gan.generate import draw, draw_latents, labels_in_turn, load_generator
from gan.metrics.classes import labels_by_shares
from gan.resolution import shapes

MAX_ASPECT = 2  # of the images of a folder, if they are clearly not square


@dataclass(frozen=True)
class Samples:
    """Images to be measured.

    Attributes:
        images: uint8 (N, H, W, C).
        source: Where they are from, for messages.
        labels: Which labels they were generated with, in words.
        skipped: Files that could not be read, each with the reason.
    """

    images: np.ndarray
    source: str
    labels: str = "unknown"
    skipped: tuple[str, ...] = ()


def random_subset(images: np.ndarray, count: int, seed: int) -> np.ndarray:
    """Draw at most `count` images at random: files may be sorted by class.

    Args:
        images: (N, ...).
        count: Images at most.
        seed: Seed of the draw.

    Returns:
        (min(N, count), ...), in random order.

    Example:
        >>> len(random_subset(np.arange(10), 4, seed=0))
        4
    """
    return np.asarray(images)[np.random.default_rng(seed).permutation(len(images))[:count]]


def from_run(run: Path, checkpoint: str, count: int, seed: int, dataset: ImageDataset) -> Samples:
    """Draw from the EMA generator of a run, with the dataset's class shares.

    A dataset with other classes than the run's cannot tell the shares; then all
    labels are equally frequent.

    Args:
        run: The run's folder.
        checkpoint: "last" or "best".
        count: Images to draw.
        seed: Seed of latent vectors and labels.
        dataset: Real images that the samples are compared with.

    Raises:
        InputError: Not a run, or one that cannot be rebuilt.
    """
    generator, names = load_generator(run, checkpoint)
    prior = PRIORS[description.read(run, own=True).config.prior]
    latents = draw_latents(count, generator.inputs[0].shape[-1], seed, prior)
    conditional = len(generator.inputs) > 1
    names = tuple(map(class_name, names))
    if not conditional:
        labels, described = labels_in_turn(count, 0), "none, the generator is unconditional"
    elif names == dataset.class_names:
        labels = labels_by_shares(dataset.labels, count, seed).astype(np.int32)
        described = f"the class shares of {dataset.name}"
    else:
        labels = np.random.default_rng(seed).permutation(labels_in_turn(count, len(names)))
        described = f"uniform, {dataset.name} has other classes than the run"
    return Samples(draw(generator, latents, labels), printable(f"{run} ({checkpoint})"), described)


def from_npz(path: Path, count: int, seed: int) -> Samples:
    """Read a random subset of an archive's `images`, uint8 (N, H, W, C).

    Raises:
        InputError: Not an archive, or one without such an array.
    """
    images = npz.read(path).get("images")
    if images is None or images.ndim != 4 or images.dtype != np.uint8:
        found = "none" if images is None else f"{images.dtype} {images.shape}"
        raise InputError(f"--npz {path}: expected `images`, uint8 (N, H, W, C), found {found}")
    return Samples(random_subset(images, count, seed), printable(str(path)))


def from_folder(folder: Path, count: int, seed: int, cache: Path) -> Samples:
    """Read a random subset of the images below a folder, at their own size and aspect.

    Their size is that of the median image, at most 64 by 96 pixels.

    Raises:
        InputError: No readable image.
    """
    sizes = shapes(RESOLUTIONS, MAX_ASPECT)
    found = load.load(str(folder.absolute()), cache, supported=sizes)
    images = random_subset(found.images, count, seed)
    return Samples(images, printable(str(folder)), skipped=found.skipped)


def to_channels(images: np.ndarray, channels: int) -> np.ndarray:
    """Convert images to more channels, which changes nothing that is seen.

    Args:
        images: uint8 (N, H, W, C), C at most `channels`.
        channels: 1, 3 or 4.

    Returns:
        uint8 (N, H, W, channels): gray repeated, alpha opaque.

    Raises:
        ValueError: Channels would be lost.

    Example:
        >>> to_channels(np.zeros((1, 2, 2, 1), np.uint8), 4)[0, 0, 0].tolist()
        [0, 0, 0, 255]
    """
    if images.shape[3] > channels:
        raise ValueError(f"channels: expected at least {images.shape[3]}, got {channels}")
    if images.shape[3] == 1 and channels > 1:
        images = images.repeat(3, axis=3)
    if images.shape[3] == 3 and channels == 4:
        images = np.concatenate([images, np.full_like(images[..., :1], 255)], axis=3)
    return images
