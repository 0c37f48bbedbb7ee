"""Folders of normal images and of images to test."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import numpy as np
from tqdm import tqdm

from common import images as image_io
from common.errors import InputError, printable
from gan.data import folder as folder_io
from gan.data import load
from gan.data.base import ImageDataset
from gan.resolution import Resolution

T = TypeVar("T")
NORMAL = ("good", "normal")  # names of subfolders of normal images; MVTec AD has "good"
LEAST = 20  # normal images


@dataclass(frozen=True)
class TestSet:
    """Images to test.

    Attributes:
        images: uint8 (N, H, W, C).
        names: Path of every image below the folder.
        kinds: Name of the first subfolder of every image; None without labels.
        skipped: Files that cannot be read, with the reason.
    """

    __test__ = False  # no test of pytest

    images: np.ndarray
    names: tuple[str, ...]
    kinds: tuple[str, ...] | None
    skipped: tuple[str, ...] = ()

    @property
    def anomalous(self) -> np.ndarray | None:
        """Whether each image is an anomaly, bool (N,); None without labels."""
        if self.kinds is None:
            return None
        return np.array([not is_normal(kind) for kind in self.kinds], bool)


def is_normal(kind: str) -> bool:
    """Return whether a subfolder holds normal images by its name.

    Example:
        >>> is_normal("good"), is_normal("scratch")
        (True, False)
    """
    return kind.lower() in NORMAL


def kinds_of(names: tuple[str, ...]) -> tuple[str, ...] | None:
    """Name the kind of every image by its first subfolder.

    Args:
        names: Paths below the folder.

    Returns:
        A kind for each; None if an image lies in no subfolder or no subfolder is
        called like one of `NORMAL`.

    Example:
        >>> kinds_of(("good/1.png", "scratch/1.png"))
        ('good', 'scratch')
    """
    tops = [Path(name).parts[:-1][:1] for name in names]
    if not all(tops) or not any(is_normal(top[0]) for top in tops):
        return None
    return tuple(top[0] for top in tops)


def files(path: Path, flag: str) -> list[Path]:
    """List the images below a folder, sorted.

    Raises:
        InputError: No such folder, or no image in it; it names the flag.
    """
    return _named(flag, lambda: folder_io.scan(folder_io.existing(str(path)))[0])


def check_apart(normal: Path, test: Path) -> None:
    """Check that no image is both normal and to be tested.

    Raises:
        InputError: One folder lies within the other, or both are the same.
    """
    one, other = normal.expanduser().resolve(), test.expanduser().resolve()
    if one.is_relative_to(other) or other.is_relative_to(one):
        raise InputError(
            f"--test {printable(str(test))}: shares images with --normal {printable(str(normal))}\n"
            "p-values hold only for images that were not trained on; name separate folders"
        )


def check_count(count: int, path: Path) -> None:
    """Check that there are enough normal images.

    Raises:
        InputError: There are fewer than `LEAST`.
    """
    if count < LEAST:
        raise InputError(
            f"--normal {printable(str(path))}: expected at least {LEAST} images, found {count}\n"
            "a fifth of them is held out to calibrate the p-values"
        )


def read_normal(
    path: Path,
    cache: Path,
    resolution: Resolution = 0,
    supported: tuple[Resolution, ...] | None = None,
) -> ImageDataset:
    """Load the normal images, from the cache if they were prepared before.

    Args:
        path: Folder of images; its subfolders do not matter.
        cache: Cache folder.
        resolution: Side of a square or (height, width) in pixels; 0 for the images'
            own, at most 64 by 96.
        supported: Sizes that the networks can make.

    Raises:
        InputError: The folder cannot be used, or fewer than `LEAST` images can be read.
    """
    dataset = _named(
        "--normal", lambda: load.load(_folder(path), cache, resolution, supported=supported)
    )
    check_count(len(dataset), path)
    return dataset


def read_test(path: Path, cache: Path, resolution: Resolution, channels: int) -> TestSet:
    """Read the images to test, in the size of the normal ones.

    Args:
        path: Folder of images. If all lie in subfolders of which one is called
            "good" or "normal", the others hold anomalies.
        cache: Cache folder.
        resolution: Side of a square or (height, width), in pixels.
        channels: 1, 3 or 4.

    Raises:
        InputError: The folder cannot be used, or no image can be read.
    """
    paths = files(path, "--test")
    source = _named("--test", lambda: load.find(_folder(path), cache, resolution, channels))
    below, images, names, skipped = path.expanduser(), [], [], list(source.skipped)
    examples = tqdm(source.examples(), "reading", len(paths), leave=False, mininterval=0.5)
    for file, (image, _) in zip(paths, examples, strict=True):
        if isinstance(image, str):
            skipped.append(image)
        else:
            images.append(image_io.to_array(image))
            names.append(str(file.relative_to(below)))
    if not images:
        raise InputError(
            f"--test {printable(str(path))}: none of {len(paths)} images can be read; "
            f"the first: {skipped[-1]}"
        )
    return TestSet(np.stack(images), tuple(names), kinds_of(tuple(names)), tuple(skipped))


def _folder(path: Path) -> str:
    """A name that `gan.data.load` takes for a folder, whatever the folder is called."""
    return str(path.expanduser().absolute())


def _named(flag: str, function: Callable[[], T]) -> T:
    """Call a function of `gan.data`, whose errors name --dataset, and name `flag` instead."""
    try:
        return function()
    except InputError as error:
        raise InputError(str(error).replace("--dataset", flag, 1)) from None
