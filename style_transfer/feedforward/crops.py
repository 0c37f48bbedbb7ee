"""Random crops at random scales, as a pure function of the seed and the step."""

from collections.abc import Sequence

import numpy as np
import tensorflow as tf
from PIL import Image

from common import images as image_io
from common.streams import without_autotune
from style_transfer.feedforward.contents import SCALES

PREFETCHED = 4  # batches
ENDLESS = 2**62


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
    end: int = ENDLESS,
) -> tf.data.Dataset:
    """Stream crops and the styles to paint them in.

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
        end: Number of the batch at which the stream ends.

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

    numbers = tf.data.Dataset.range(start, end)
    return without_autotune(numbers.map(shaped).prefetch(PREFETCHED))
