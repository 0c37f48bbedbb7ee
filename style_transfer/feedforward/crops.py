"""Random crops at random scales, as a pure function of the seed and the step."""

import functools
from collections.abc import Callable, Sequence

import numpy as np
import tensorflow as tf
from PIL import Image

from common import images as image_io
from common.streams import without_autotune
from style_transfer import colors
from style_transfer.feedforward import palettes
from style_transfer.feedforward.contents import SCALES
from style_transfer.feedforward.palettes import Change, StylePalette

PREFETCHED = 4  # batches
ENDLESS = 2**62


Recolor = Callable[[int, int], Change]


def palette_maps(photos: Sequence[np.ndarray], styles: Sequence[StylePalette]) -> Recolor:
    """Return the map of every photo to the palette of every style.

    Moments of photos are computed when they are needed, and kept.

    Args:
        photos: uint8 (H, W, 3) each.
        styles: The palettes of the styles.

    Returns:
        A function of the numbers of a photo and a style to a map of (h, w, 3) in [0, 1], as
        `stylize` applies it to a content.

    Example:
        >>> palette_maps(photos, [StylePalette.of(painting, 1.0)])(3, 0)(crop_of_photo_3)
    """
    of_photo = functools.cache(lambda number: colors.moments(image_io.to_unit(photos[number])))

    def recolor(photo: int, style: int) -> Change:
        return palettes.change(of_photo(photo), [styles[style]], [1.0])

    return recolor


def crop(photo: np.ndarray, side: int, size: int, random: np.random.Generator) -> np.ndarray:
    """Cut a square out of a photo at a random place and scale, flipped or not.

    Args:
        photo: uint8 (H, W, 3).
        side: Of the result in pixels.
        size: The photo's longer side is scaled to 0.5 to 1.5 times this, evenly in the
            logarithm. It is not enlarged for this, but never smaller than the square: a large
            square of a photo often has the photo's full height.
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
    recolor: Recolor | None = None,
    recolor_crops: bool = False,
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
        recolor: Gives the crop of a photo, by its number, the palette of a style, by its number.
        recolor_crops: Recolor what is painted too, not only what the painting is compared with.
        start: Number of the first batch.
        end: Number of the batch at which the stream ends.

    Returns:
        Batches of crops to paint, float32 (B, side, side, 3) in [0, 1]; the same recolored, or as
        they are; and the styles, int32 (B,).
    """

    def draw(number: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        random = np.random.default_rng((seed, int(number)))
        chosen = random.integers(len(photos), size=batch_size)
        cuts = [crop(photos[index], side, size, random) for index in chosen]
        indices = random.integers(styles, size=batch_size).astype(np.int32)
        cuts = image_io.to_unit(np.stack(cuts))
        if recolor is None:
            return cuts, cuts, indices
        pairs = zip(chosen, indices, cuts, strict=True)
        goals = np.stack([recolor(int(p), int(s))(cut) for p, s, cut in pairs])
        return goals if recolor_crops else cuts, goals, indices

    def shaped(number: tf.Tensor) -> tuple[tf.Tensor, ...]:
        types = tf.float32, tf.float32, tf.int32
        shapes = (batch_size, side, side, 3), (batch_size, side, side, 3), (batch_size,)
        drawn = tf.numpy_function(draw, [number], types, stateful=False)
        return tuple(tf.ensure_shape(*each) for each in zip(drawn, shapes, strict=True))

    numbers = tf.data.Dataset.range(start, end)
    return without_autotune(numbers.map(shaped).prefetch(PREFETCHED))
