"""Instant style transfer: transported features, decoded from coarse to fine.

At each level the content's features are moved to the style's mean and covariance
(`style_transfer.instant.transport`) and decoded. A place of the features sees 24
pixels, so the first level is small: there the strokes are large. The result, enlarged,
is the content of the next level, together with the detail that the content has beyond
the level before, as in a Laplacian pyramid (Burt and Adelson 1983). Li et al. 2017,
Universal Style Transfer via Feature Transforms, go through five layers of VGG-19
instead, each with a decoder.

A strength of 0 to 0.5 moves the features all or part of the way. Above, a level that is
coarser still comes first, at a growing share, and less of the detail is added.
"""

import math
from collections.abc import Callable, Iterator, Mapping, Sequence

import numpy as np
import tensorflow as tf
from PIL import Image

from common import images as image_io
from style_transfer.config import SMALLEST_SIDE, Config
from style_transfer.instant import codec, transport
from style_transfer.prepare import finish, prepare

COARSEST = 128  # pixels of the first level's longer side, about
BAND = 2**20  # pixels that are encoded and decoded at once; more are computed in bands
BORDER = 16  # pixels beyond an image that are encoded and decoded, too
NOISE = 0.03  # deviation; gives flat areas something to paint, without it stripes
COLOR_RIDGE = 1e-2  # of the transport of colors
FULL = 0.5  # strength from which features go all the way to the style's moments
LEFT_OUT = 0.5  # share of the content's detail that a strength of 1 leaves out


def paint(
    content: Image.Image,
    styles: Sequence[Image.Image],
    config: Config,
    keep_at: Callable[[tuple[int, int]], np.ndarray | None] = lambda size: None,
) -> np.ndarray:
    """Stylize an image.

    Args:
        content: RGB or RGBA.
        styles: One or more.
        config: Names the size, strength, weights and scale of the styles, and the colors.
        keep_at: From (width, height) to a mask (1, H, W, 1), 1 where the content stays.

    Returns:
        float32 in [0, 1], (H, W, 3), or (H, W, 4) if the content is transparent.

    Example:
        >>> paint(Image.open("photo.jpg"), [Image.open("painting.jpg")], Config())
    """
    size = image_io.fit_longer_side(content.size, config.size)
    goal, references = prepare(content, styles, size, config, palette=False)
    image = render(goal, references, config)
    return finish(image, content, size, config, keep_at(size))


def render(goal: np.ndarray, references: Sequence[np.ndarray], config: Config) -> np.ndarray:
    """Stylize an array.

    Args:
        goal: The content, (H, W, 3) float32 in [0, 1].
        references: The styles, (h, w, 3) each, at the scale of the strokes.
        config: Names the strength, the weights of the styles, and the seed of the noise.

    Returns:
        (H, W, 3) float32 in [0, 1]; of a strength of 0, the content.
    """
    strength = config.appearance.strength
    if not strength:
        return goal
    shares = config.appearance.style_weights or (1.0,) * len(references)
    weights, beyond = codec.load(), max(0.0, strength / FULL - 1.0)
    amount = min(1.0, strength / FULL) ** 2  # of every level; they add up
    image = before = None
    scales = level_scales(goal.shape[1::-1], coarser=beyond > 0.0)
    extra = len(scales) > len(level_scales(goal.shape[1::-1]))
    for number, scale in enumerate(scales):
        start = now = _scaled(goal, scale)
        if number:
            lost = now - _resized(before, now.shape[:2])
            start = _resized(image, now.shape[:2]) + (1.0 - LEFT_OUT * beyond) * lost
        random = np.random.default_rng((config.seed, len(scales) - number))
        noise = random.standard_normal(start.shape, np.float32)
        start = start + NOISE * amount * noise
        styles = [_scaled(style, scale) for style in references]
        targets = [measure(style, weights) for style in styles]
        image = _step(start, targets, shares, amount, weights)
        image, before = _recolored(image, styles, shares, amount), now
        if extra and number == 0:
            image = now + beyond * (image - now)  # the coarser level sets in gradually
    return image


def level_scales(size: tuple[int, int], coarser: bool = False) -> list[float]:
    """List the scales of the levels, each twice the one before; the last is 1.

    Args:
        size: (width, height) of the result.
        coarser: Start one level below `COARSEST`, for larger strokes, unless that would be
            thinner than `SMALLEST_SIDE`.

    Example:
        >>> level_scales((512, 384))
        [0.25, 0.5, 1.0]
    """
    count = max(0, round(math.log2(max(size) / COARSEST))) + coarser
    scales = [0.5**number for number in range(count, -1, -1)]
    return [scale for scale in scales if scale * min(size) >= SMALLEST_SIDE] or scales[-1:]


def measure(image: np.ndarray, weights: Mapping[str, tf.Tensor]) -> transport.Gaussian:
    """Compute the moments of the code of an image, (H, W, 3) in [0, 1]."""
    return transport.pooled([_moments(each) for each in _codes(_padded(image), weights)])


def _step(
    image: np.ndarray,
    targets: Sequence[transport.Gaussian],
    shares: Sequence[float],
    amount: float,
    weights: Mapping[str, tf.Tensor],
) -> np.ndarray:
    """Move an image by an amount of 0 to 1 towards the moments of the styles."""
    padded = _padded(image)
    codes: Sequence | Iterator = list(_codes(padded, weights)) if _is_small(padded) else ()
    source = transport.pooled([_moments(each) for each in codes or _codes(padded, weights)])
    to_styles = transport.mixed([transport.transport(source, each) for each in targets], shares)
    move = transport.mixed([transport.identity(codec.CHANNELS), to_styles], (1 - amount, amount))
    matrix, offset = (tf.constant(part, tf.float32) for part in move)
    result = np.empty_like(padded)
    for code, rows, inside in codes or _codes(padded, weights):
        decoded = codec.decode(tf.tensordot(code, matrix, 1) + offset, weights)[0]
        if amount < 1.0:  # what the decoder loses stays: a weak style makes a small change
            decoded -= (1.0 - amount) * codec.decode(code, weights)[0]
        result[rows] = decoded[inside.start * codec.STRIDE : inside.stop * codec.STRIDE]
    return _unpadded(result + (1.0 - amount) * padded, image.shape[:2])


def _recolored(
    image: np.ndarray, styles: Sequence[np.ndarray], shares: Sequence[float], amount: float
) -> np.ndarray:
    """Move the colors, the finest features, to the moments of the styles; clip to [0, 1]."""
    source = _colors(image)
    maps = [transport.transport(source, _colors(each), COLOR_RIDGE) for each in styles]
    nothing = transport.identity(image.shape[-1])
    move = transport.mixed([nothing, transport.mixed(maps, shares)], (1 - amount, amount))
    result = np.empty_like(image)
    for rows in _rows(image):
        result[rows] = np.clip(move(image[rows]), 0.0, 1.0)
    return result


def _colors(image: np.ndarray) -> transport.Gaussian:
    parts = [image[rows] for rows in _rows(image)]
    return transport.pooled([(part.size, transport.gaussian(part)) for part in parts])


def _rows(image: np.ndarray) -> Iterator[slice]:
    """Yield bands of rows, so that what is computed in float64 is small."""
    step = max(1, BAND // image.shape[1])
    for start in range(0, image.shape[0], step):
        yield slice(start, start + step)


Coded = tuple[tf.Tensor, slice, slice]
"""The code (1, h, w, C) of a band with its margins, its rows of pixels without them, and those
of its code."""


def _codes(padded: np.ndarray, weights: Mapping[str, tf.Tensor]) -> Iterator[Coded]:
    """Encode an image in bands, each with what its places see beyond it."""
    height, width, _ = padded.shape
    step = max(codec.MARGIN, BAND // width // codec.STRIDE * codec.STRIDE)
    for start in range(0, height, step):
        stop, first = min(start + step, height), max(0, start - codec.MARGIN)
        around = tf.constant(padded[None, first : stop + codec.MARGIN])
        inside = slice((start - first) // codec.STRIDE, (stop - first) // codec.STRIDE)
        yield codec.encode(around, weights), slice(start, stop), inside


def _moments(coded: Coded) -> tuple[int, transport.Gaussian]:
    """Number of places of a band, and their Gaussian."""
    code, _, inside = coded
    values = code[0, inside].numpy()
    return values.shape[0] * values.shape[1], transport.gaussian(values)


def _is_small(padded: np.ndarray) -> bool:
    return padded.shape[0] * padded.shape[1] <= BAND


def _padded(image: np.ndarray) -> np.ndarray:
    """Reflect an image beyond its border, until both sides are multiples of the stride.

    The features of a border that is repeated are those of stripes, which would be painted.
    """
    missing = [(BORDER, BORDER + -side % codec.STRIDE) for side in image.shape[:2]]
    return np.pad(image, (*missing, (0, 0)), "reflect")


def _unpadded(padded: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """Cut the image of (height, width) out again."""
    height, width = size
    return padded[BORDER : BORDER + height, BORDER : BORDER + width]


def _scaled(image: np.ndarray, scale: float) -> np.ndarray:
    """Reduce an image, by averages of areas."""
    if scale == 1.0:
        return image
    size = [max(1, round(scale * side)) for side in image.shape[:2]]
    return tf.image.resize(image, size, "area").numpy()


def _resized(image: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """Enlarge an image to (height, width)."""
    return tf.image.resize(image, size, "bicubic").numpy()
