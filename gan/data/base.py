"""The types that all datasets share: a request, a source, a loaded dataset.

A dataset is one file of this package with a function `source(request) ->
Source`; its file name is its name on the command line.
"""

import hashlib
import unicodedata
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from common import images as image_io
from common import registry
from common.errors import printable
from gan.data.crop import Fitting
from gan.resolution import Resolution

# files that are no dataset
SHARED = ("base", "cache", "crop", "folder", "load", "stream", "tfds")
RESOLUTIONS = (16, 20, 24, 28, 32, 40, 48, 56, 64, 80, 96, 112, 128)  # pixels of a side
MIN_PER_CLASS = 50  # images; with fewer on average, training is not conditional by default


@dataclass(frozen=True)
class ImageDataset:
    """A dataset whose images are memory mapped.

    Attributes:
        name: Name of the dataset, or path of the folder.
        images: uint8 (N, H, W, C) in [0, 255].
        labels: int32 (N,) in [0, len(class_names)); zeros without classes.
        class_names: Names in Unicode NFC; empty if the source has no labels.
        fingerprint: Differs if the images, their classes, their size or their
            order differ; the same wherever the files lie.
        skipped: Files that were left out, each with the reason.
        fitting: What bringing the images of a folder to one size did to them.

    Example:
        >>> images = np.zeros((4, 32, 32, 1), np.uint8)
        >>> len(ImageDataset("black", images, np.zeros(4, np.int32), (), "black-1"))
        4
    """

    name: str
    images: np.ndarray
    labels: np.ndarray
    class_names: tuple[str, ...]
    fingerprint: str
    skipped: tuple[str, ...] = ()
    fitting: Fitting | None = None

    def __len__(self) -> int:
        return len(self.images)


@dataclass(frozen=True)
class Request:
    """What a caller asks of a dataset.

    Attributes:
        name: The name or folder as the user wrote it.
        cache: Folder for prepared arrays and downloads.
        resolution: Side of a square or (height, width) in pixels; 0 lets the source
            choose from `supported`.
        channels: 1, 3 or 4; 0 lets the source choose.
        seed: Seed of datasets that are drawn.
        supported: Sizes to choose from if `resolution` is 0.
    """

    name: str
    cache: Path
    resolution: Resolution = 0
    channels: int = 0
    seed: int = 0
    supported: tuple[Resolution, ...] = RESOLUTIONS


@dataclass(frozen=True)
class Source:
    """A dataset before its images are decoded.

    Attributes:
        name: Name for messages.
        key: Differs if the decoded images would differ; becomes the fingerprint.
        resolution: Side of a square or (height, width), in pixels.
        channels: 1, 3 or 4.
        class_names: One name for each label; empty without labels.
        examples: Returns an iterator of (image, label). Each image has the size
            and mode above; a string instead of an image says why a file was
            left out.
        skipped: Files that were left out before decoding, with the reason.
        fitting: Returns what bringing the images to one size does to them, or None.
    """

    name: str
    key: str
    resolution: Resolution
    channels: int
    class_names: tuple[str, ...]
    examples: Callable[[], Iterator[tuple[Image.Image | str, int]]]
    skipped: tuple[str, ...] = ()
    fitting: Callable[[], Fitting | None] = lambda: None


def dataset_names() -> tuple[str, ...]:
    """List the datasets that are files of this package.

    Example:
        >>> dataset_names()
        ('glyphs',)
    """
    return registry.module_names("gan.data", exclude=SHARED)


def is_folder(name: str) -> bool:
    """Tell a folder from a dataset, whose name may be "emnist/letters".

    Example:
        >>> is_folder("./photos"), is_folder("emnist/letters")
        (True, False)
    """
    return Path(name).is_dir() or name.startswith(("/", ".", "~")) or name.endswith("/")


def source_key(*parts: object) -> str:
    """Hash anything whose `repr` is its value to 12 hexadecimal digits."""
    return hashlib.sha256(repr(parts).encode("utf-8", "surrogateescape")).hexdigest()[:12]


def class_name(text: str) -> str:
    """Normalize the name of a class: printable, and in Unicode's composed form NFC.

    The same accented letter may be stored as one code point or as two; macOS
    and Linux differ in which they write.
    """
    return unicodedata.normalize("NFC", printable(text))


def sample_signed(
    images: np.ndarray,
    labels: np.ndarray,
    count: int,
    seed: int,
    among: np.ndarray | None = None,
) -> tuple[np.ndarray, np.ndarray]:
    """Draw a random subset, in random order, as the networks see it.

    Args:
        images: uint8 (N, H, W, C).
        labels: int (N,).
        count: Images to draw; all of them if there are fewer.
        seed: Seed of the draw.
        among: Indices to draw from; all by default.

    Returns:
        float32 (count, H, W, C) in [-1, 1], and their labels (count,).

    Example:
        >>> images, labels = np.zeros((9, 2, 2, 1), np.uint8), np.arange(9)
        >>> sample_signed(images, labels, count=4, seed=0)[0].shape
        (4, 2, 2, 1)
    """
    among = np.arange(len(images)) if among is None else among
    chosen = np.random.default_rng(seed).permutation(among)[:count]
    return image_io.to_signed(images[chosen]), np.asarray(labels)[chosen]
