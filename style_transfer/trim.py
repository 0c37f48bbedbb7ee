"""Uniform borders of style images: the white of a scan, black bars, a colored mount."""

from typing import NamedTuple

import numpy as np
from PIL import Image

from common.errors import InputError
from common.transparency import ENOUGH, fill
from style_transfer.config import SMALLEST_SIDE

SIDES = ("left", "top", "right", "bottom")
TOLERANCE = 28.0  # of 255, from the border's color: JPEG's noise, a scanner's uneven light
SPREAD = 40.0  # of 255, between two parts of a border, or two borders of one color
STRAY = 0.02  # fraction of a line's pixels that may differ from the border
BLUR = 16  # lines over which a border may end: blocks of colors in a JPEG, a tilt
PARTS = 16  # of a line, for its color from one end to the other


class Border(NamedTuple):
    """Border along one side of an image.

    Attributes:
        width: Lines that it covers; 0 without a border.
        color: (3,) in [0, 255].
        sharp: The image inside begins along most of it within a few lines.
    """

    width: int
    color: np.ndarray
    sharp: bool


def trim(image: Image.Image, name: str) -> tuple[Image.Image, str]:
    """Cut off uniform borders of any color, and a fully transparent margin.

    A border is a strip of nearly one color along a whole side, behind which the
    image inside begins sharply; a smooth sky has no such edge. Since a flat part of an
    image may have one, borders are cut only if at least two sides have one of the
    same color. Nested borders are cut from the outside in until none is found, so
    trimming twice changes nothing.

    Args:
        image: RGB or RGBA, 8 bits per channel.
        name: How messages name the image.

    Returns:
        The image inside the borders, and one line that says what was cut. Without
        borders, the image itself and "".

    Raises:
        InputError: Less than `SMALLEST_SIDE` pixels of a side would be left.

    Example:
        >>> framed = ImageOps.expand(painting, border=20, fill="white")
        >>> trim(framed, "painting.jpg")[0].size == painting.size
        True
    """
    box = _visible(image)
    while True:
        pixels = 255.0 * fill(image.crop(box))
        left, top, right, bottom = find_borders(pixels)
        if not any((left, top, right, bottom)):
            break
        box = (box[0] + left, box[1] + top, box[2] - right, box[3] - bottom)
    if box == (0, 0, *image.size):
        return image, ""
    width, height = box[2] - box[0], box[3] - box[1]
    if min(width, height) < SMALLEST_SIDE:
        raise InputError(
            f"--trim-style: would leave {width}x{height} of the {image.width}x{image.height} "
            f"pixels of {name}; expected at least {SMALLEST_SIDE} per side"
        )
    cuts = (box[0], box[1], image.width - box[2], image.height - box[3])
    listed = ", ".join(f"{side} {cut}" for side, cut in zip(SIDES, cuts, strict=True) if cut)
    return image.crop(box), f"{name}: cut borders ({listed} pixels); {width}x{height} left"


def find_borders(pixels: np.ndarray) -> tuple[int, int, int, int]:
    """Measure the uniform borders of an image.

    Args:
        pixels: (H, W, 3) in [0, 255].

    Returns:
        Lines to cut at the left, top, right and bottom. All are 0 unless two sides
        have a border of the same color.

    Example:
        >>> find_borders(np.pad(picture, ((5, 5), (9, 9), (0, 0)), constant_values=255.0))
        (9, 5, 9, 5)
    """
    height, width, _ = pixels.shape
    columns = pixels.transpose(1, 0, 2)
    stacks = (columns, pixels, columns[::-1], pixels[::-1])  # lines, from each side inwards
    left, top, right, bottom = (_uniform_lines(lines) for lines in stacks)
    if left + right >= width or top + bottom >= height:
        return 0, 0, 0, 0  # one color all over, or nothing but bands
    rows, middle = slice(top, height - bottom), slice(left, width - right)
    borders = [
        _border(stacks[0], left, rows),
        _border(stacks[1], top, middle),
        _border(stacks[2], right, rows),
        _border(stacks[3], bottom, middle),
    ]
    sharp = [border for border in borders if border.width and border.sharp]
    for border in sharp:
        if sum(_similar(border, other) for other in sharp) > 1:
            return tuple(each.width if _similar(border, each) else 0 for each in borders)
    return 0, 0, 0, 0


def _visible(image: Image.Image) -> tuple[int, int, int, int]:
    """The box around what is not transparent."""
    whole = (0, 0, *image.size)
    if image.mode != "RGBA":
        return whole
    return image.getchannel("A").point(lambda alpha: alpha >= 255 * ENOUGH).getbbox() or whole


def _uniform_lines(lines: np.ndarray) -> int:
    """Count the leading lines (N, L, 3) that have the color of the first, if that is uniform."""
    color = _color(lines)
    if np.ptp(color, axis=0).max() > SPREAD:
        return 0
    picture = _differs(lines, color).mean(axis=1) > STRAY
    return int(np.argmax(picture)) if picture.any() else len(lines)


def _border(lines: np.ndarray, width: int, inside: slice) -> Border:
    """Describe a border of `width` lines; `inside` is what other borders leave of a line."""
    if not width:
        return Border(0, np.zeros(3), False)
    color = _color(lines[width - 1 :])
    near = _differs(lines[width : width + BLUR + 1], color)[:, inside].mean(axis=1) >= 0.5
    end = width + int(np.argmax(near))
    jump = _differs(lines[end : end + 1], lines[max(0, end - 2)])[:, inside].mean()
    sharp = bool(near.any()) and jump > 0.4  # a slope has a jump nowhere
    return Border(end if sharp else width, color.mean(axis=0), sharp)


def _color(lines: np.ndarray) -> np.ndarray:
    """The color of the first line from one end to the other, (L, 3), without its noise."""
    length = lines.shape[1]
    part = -(-length // PARTS)  # pixels
    line = np.pad(lines[0], ((0, -length % part), (0, 0)), "edge")
    return np.repeat(np.median(line.reshape(-1, part, 3), axis=1), part, axis=0)[:length]


def _differs(lines: np.ndarray, color: np.ndarray) -> np.ndarray:
    """Which pixels of lines (N, L, 3) do not have the border's color, (N, L)."""
    return np.abs(lines - color).max(axis=2) > TOLERANCE


def _similar(one: Border, other: Border) -> bool:
    return other.width > 0 and bool(np.abs(one.color - other.color).max() <= SPREAD)
