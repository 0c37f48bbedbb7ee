"""A name or a folder to square pictures, and pictures to a tf.data pipeline.

Every source is brought once to one uint8 array, cached on disk and memory
mapped: training reads it in an order that is a pure function of the seed and
the number of pictures drawn, so a resumed run continues at the very next one.
"""

import hashlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

from common import images as image_io
from common.errors import InputError

if TYPE_CHECKING:
    pass

GLYPHS = "glyphs"
MIN_RESOLUTION, MAX_RESOLUTION = 16, 128  # pixels
AUTO_RESOLUTION_LIMIT = 64  # pixels; beyond it two cores need hours
MIN_PER_CLASS = 50  # pictures; sub-folders with fewer on average are no classes to learn


@dataclass(frozen=True)
class Pictures:
    """A dataset in memory-mapped form.

    Attributes:
        images: uint8 (N, H, W, C), H = W.
        labels: int32 (N,) in [0, len(class_names)); zeros without classes.
        class_names: empty where the source has no labels.
        fingerprint: differs when the pictures do.
        skipped: the files that could not be read, each with the reason.
    """

    name: str
    images: np.ndarray
    labels: np.ndarray
    class_names: tuple[str, ...]
    fingerprint: str
    skipped: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.images)


@dataclass(frozen=True)
class _Source:
    """What is known of a dataset before its pictures are decoded."""

    name: str
    key: str  # changes whenever the cached array would
    resolution: int
    channels: int
    class_names: tuple[str, ...]
    examples: Callable[[], Iterator[tuple[Image.Image | str, int]]]  # a str says why not


def check_resolution(resolution: int) -> None:
    """Raises InputError unless the networks can be built for `resolution` pixels.

    They double a base of 4 to 7 pixels, so 16, 20, 24, 28, 32, 40, 48, 56, 64,
    80, 96, 112 and 128 fit. 0 asks for the dataset's own.
    """
    if resolution and resolution not in supported_resolutions():
        raise InputError(
            f"--resolution: expected one of {supported_resolutions()} or 0 for the dataset's own, "
            f"got {resolution}"
        )


def supported_resolutions() -> list[int]:
    """The resolutions in pixels, ascending."""
    sizes = {base << doublings for base in (4, 5, 6, 7) for doublings in range(1, 6)}
    return sorted(size for size in sizes if MIN_RESOLUTION <= size <= MAX_RESOLUTION)


def is_folder(name: str) -> bool:
    """Whether `name` means a folder rather than a dataset, whose name may be "emnist/letters"."""
    return Path(name).is_dir() or name.startswith(("/", ".", "~")) or name.endswith("/")


def _key(*parts: object) -> str:
    return hashlib.sha256(repr(parts).encode()).hexdigest()[:12]


def _auto_resolution(sides: Iterable[int]) -> int:
    """The largest supported resolution that the typical picture need not be enlarged for."""
    side = min(int(np.median(list(sides))), AUTO_RESOLUTION_LIMIT)
    return max((size for size in supported_resolutions() if size <= side), default=MIN_RESOLUTION)


def some(
    real: np.ndarray,
    labels: np.ndarray,
    count: int,
    seed: int,
    among: np.ndarray | None = None,
) -> tuple[np.ndarray, np.ndarray]:
    """At most `count` of the pictures, uint8 (N, H, W, C), in [-1, 1], and their labels."""
    among = np.arange(len(real)) if among is None else among
    chosen = np.random.default_rng(seed).choice(among, min(count, len(among)), False)
    chosen.sort()
    return image_io.to_signed(real[chosen]), np.asarray(labels)[chosen]
