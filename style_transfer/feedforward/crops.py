"""Random crops at random scales, as a pure function of the seed and the step."""

import hashlib
import math
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import tensorflow as tf
from PIL import Image
from tqdm import tqdm

from common import images as image_io
from common.errors import InputError, printable
from common.streams import without_autotune
from style_transfer.config import SMALLEST_SIDE
from style_transfer.feedforward import scenes

SCALES = 0.5, 1.5  # longer sides of the photos that are cropped, in units of the configured size
MOST = 400  # photos in memory
MOST_BYTES = 10**9  # of all photos in memory
PREFETCHED = 4  # batches


def read_contents(folder: Path | None, size: int, seed: int) -> list[np.ndarray]:
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


def crop(photo: np.ndarray, side: int, size: int, random: np.random.Generator) -> np.ndarray:
    """Cut a square out of a photo at a random place and scale, flipped or not.

    Args:
        photo: uint8 (H, W, 3).
        side: Of the result in pixels.
        size: The photo's longer side is scaled to 0.5 to 1.5 times this, evenly in the
            logarithm, as far as its pixels suffice for the square and are not enlarged.
        random: Decides everything.

    Returns:
        uint8 (side, side, 3).

    Example:
        >>> crop(photo, 128, 512, np.random.default_rng(0)).shape
        (128, 128, 3)
    """
    height, width, _ = photo.shape
    longer = size * np.exp(random.uniform(*np.log(SCALES)))
    scale = max(min(longer / max(height, width), 1.0), side / min(height, width))
    window = side / scale
    left = random.uniform(0.0, max(width - window, 0.0))
    top = random.uniform(0.0, max(height - window, 0.0))
    box = (left, top, min(left + window, width), min(top + window, height))
    cut = Image.fromarray(photo).resize((side, side), Image.Resampling.BICUBIC, box=box)
    cut = np.asarray(cut)
    return cut[:, ::-1] if random.integers(2) else cut


def batches(
    photos: Sequence[np.ndarray],
    styles: int,
    batch_size: int,
    side: int,
    size: int,
    seed: int,
    *,
    start: int = 0,
) -> tf.data.Dataset:
    """Stream crops and the styles to paint them in, endlessly.

    Batch n is a function of `seed` and n alone, so that a stream that starts at `start`
    yields what one that started at 0 would yield from there.

    Args:
        photos: uint8 (H, W, 3) each.
        styles: Number of the styles to draw from.
        batch_size: Crops in a batch, B.
        side: Of the crops.
        size: As of `crop`.
        seed: Decides everything.
        start: Number of the first batch.

    Returns:
        Batches of float32 (B, side, side, 3) in [0, 1], and int32 (B,).
    """

    def draw(number: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        random = np.random.default_rng((seed, int(number)))
        chosen = random.integers(len(photos), size=batch_size)
        cuts = [crop(photos[index], side, size, random) for index in chosen]
        indices = random.integers(styles, size=batch_size).astype(np.int32)
        return image_io.to_unit(np.stack(cuts)), indices

    def shaped(number: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        cuts, indices = tf.numpy_function(draw, [number], (tf.float32, tf.int32), stateful=False)
        return tf.ensure_shape(cuts, (batch_size, side, side, 3)), tf.ensure_shape(
            indices, (batch_size,)
        )

    numbers = tf.data.Dataset.range(start, 2**62)
    return without_autotune(numbers.map(shaped).prefetch(PREFETCHED))
