"""The photos that a network practises on, read and reduced without TensorFlow."""

import hashlib
import math
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from tqdm import tqdm

from common import images as image_io
from common.errors import InputError, printable
from style_transfer.config import SMALLEST_SIDE
from style_transfer.feedforward import scenes

SCALES = 0.5, 1.5  # longer sides of the photos that are cropped, in units of the configured size
MOST = 400  # photos in memory
MOST_BYTES = 10**9  # of all photos in memory


def read(folder: Path | None, size: int, seed: int) -> list[np.ndarray]:
    """Read the photos of a folder, or generate contents.

    Args:
        folder: Of photos, or None.
        size: Longer side of the photos that the network is to paint.
        seed: Chooses `MOST` photos of a larger folder.

    Returns:
        uint8 (H, W, 3) each, reduced to what the largest scale needs, or further if they
        would exceed `MOST_BYTES` together.

    Raises:
        InputError: No image of the folder can be read.
    """
    longest = round(SCALES[1] * size)
    if folder is None:
        return scenes.contents(longest, seed)
    paths = image_io.image_files(folder)
    if len(paths) > MOST:
        print(f"{folder}: {MOST} of {len(paths)} images are used, chosen at random")
        chosen = np.random.default_rng(seed).choice(len(paths), MOST, replace=False)
        paths = [paths[index] for index in np.sort(chosen)]
    bounded = math.isqrt(MOST_BYTES // (3 * max(1, len(paths))))  # even if all are squares
    if bounded < longest:
        print(f"{folder}: kept at {bounded} instead of {longest} pixels, to fit into memory")
        longest = bounded
    found, reason = [], ""
    for path in tqdm(paths, desc="reading photos", leave=False):
        try:
            found.append(_read_photo(path, longest))
        except InputError as error:
            reason = reason or str(error)
            tqdm.write(printable(f"skipped {error}"), file=sys.stderr)
    if not found:
        raise InputError(f"--photos {folder}: none of its images can be read\n{reason}")
    return found


def check_readable(folder: Path) -> None:
    """Check that a photo of a folder can be read, the first that can.

    Raises:
        InputError: There is none.
    """
    paths, reason = image_io.image_files(folder), ""
    if not paths:
        raise InputError(f"--photos {folder}: no images in this folder")
    for path in paths:
        try:
            _read_photo(path, SMALLEST_SIDE)
        except InputError as error:
            reason = reason or str(error)
        else:
            return
    raise InputError(f"--photos {folder}: none of its images can be read\n{reason}")


def _read_photo(path: Path, longest: int) -> np.ndarray:
    """Read a photo, reduced until its longer side is at most `longest`, uint8 (H, W, 3)."""
    image = image_io.read_image(path, channels=3, near=longest)
    if min(image.size) < SMALLEST_SIDE:
        raise InputError(f"{path}: fewer than {SMALLEST_SIDE} pixels per side")
    longer = min(longest, max(image.size))
    return np.asarray(image_io.resize(image, image_io.fit_longer_side(image.size, longer)))


def fingerprint(images: Sequence[np.ndarray]) -> str:
    """Hash images, so that a resumed run finds the same ones."""
    digest = hashlib.blake2b(digest_size=8)
    for image in images:
        digest.update(repr(image.shape).encode() + np.ascontiguousarray(image).tobytes())
    return digest.hexdigest()
