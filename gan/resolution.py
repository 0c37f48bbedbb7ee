"""Sizes of images in pixels: the side of a square, or (height, width)."""

import math
import re
from collections.abc import Iterable, Sequence

import numpy as np
from tyro.constructors import PrimitiveConstructorSpec

Resolution = int | tuple[int, int]
"""Side of a square, or (height, width); 0 leaves the choice to the dataset."""
Size = tuple[int, int]
"""(height, width)."""

AUTO_SIDE, AUTO_LONGEST = 64, 96  # pixels of either side by default; larger ones take hours
CLEARLY = 1.2  # aspect from which an image is not about square
NEAR = 0.05  # of an image's area that a larger rectangle may lose more than the best one


def parse(text: str) -> Resolution:
    """Read a resolution as a command line gives it.

    Raises:
        ValueError: Neither a number nor HEIGHTxWIDTH.

    Example:
        >>> parse("64"), parse("64x96"), parse("32x32")
        (64, (64, 96), 32)
    """
    found = re.fullmatch(r"\s*([+-]?\d{1,9})(?:x(\d{1,9}))?\s*", text, re.ASCII)
    if not found:
        raise ValueError("expected the side of a square or HEIGHTxWIDTH, such as 64 or 64x96")
    height, width = found.groups()
    return int(height) if width is None else plain((int(height), int(width)))


ARGUMENT = PrimitiveConstructorSpec(
    nargs=1,
    metavar="SIDE|HEIGHTxWIDTH",
    instance_from_str=lambda words: parse(words[0]),
    is_instance=lambda value: isinstance(value, int | tuple),
    str_from_instance=lambda value: [shown(value)],
)
"""How a command line reads a field: `field: Annotated[Resolution, ARGUMENT]`."""


def pair(resolution: Resolution) -> Size:
    """Return (height, width) of a resolution.

    Example:
        >>> pair(64), pair((64, 96))
        ((64, 64), (64, 96))
    """
    return (resolution, resolution) if isinstance(resolution, int) else tuple(resolution)


def plain(resolution: Resolution) -> Resolution:
    """Return squares as one number, everything else as (height, width).

    Example:
        >>> plain((64, 64)), plain((64, 96))
        (64, (64, 96))
    """
    height, width = pair(resolution)
    return height if height == width else (height, width)


def shown(resolution: Resolution) -> str:
    """Write a resolution as a command line takes it; squares as one number.

    Example:
        >>> shown(64), shown((64, 96))
        ('64', '64x96')
    """
    resolution = plain(resolution)
    return str(resolution) if isinstance(resolution, int) else "x".join(map(str, resolution))


def shapes(resolutions: Iterable[Resolution], max_aspect: float = 1.0) -> tuple[Size, ...]:
    """List the sizes that a family of networks can make.

    Args:
        resolutions: What it names: sides of squares and (height, width) pairs.
        max_aspect: Longer side over shorter side of rectangles with any two of the
            sides, at most.

    Example:
        >>> shapes((16, 24, 48), max_aspect=2)
        ((16, 16), (16, 24), (24, 16), (24, 24), (24, 48), (48, 24), (48, 48))
    """
    named = tuple(resolutions)
    sides = [each for each in named if isinstance(each, int)]
    made = [(h, w) for h in sides for w in sides if max(h, w) <= max_aspect * min(h, w)]
    return (*made, *(pair(each) for each in named if not isinstance(each, int)))


def auto_resolution(sides: Iterable[int], supported: Iterable[Resolution]) -> Resolution:
    """Choose the largest supported square that does not enlarge the median image.

    Without any square it is a rectangle that keeps the most of a square's area.

    Args:
        sides: Shorter sides of images, in pixels.
        supported: Sizes that the networks can be built for.

    Returns:
        A side of at most 64 pixels, or the smallest supported one; without squares
        the size of a rectangle.

    Example:
        >>> auto_resolution([30, 50, 200], (16, 32, 48, 64))
        48
    """
    side = min(int(np.median(list(sides))), AUTO_SIDE)
    known = [pair(each) for each in supported]
    squares = [height for height, width in known if height == width]
    if not squares:
        return auto_size([(side, side)], known)
    return max((size for size in squares if size <= side), default=min(squares))


def auto_size(sizes: Sequence[Size], supported: Iterable[Resolution]) -> Resolution:
    """Choose the size of a set of images: a square, or a rectangle of their median aspect.

    A rectangle is chosen if three quarters of the images are clearly wider than
    tall, or taller than wide, or if no square is supported. Of those that do not
    enlarge the median image and keep nearly as much of its area as possible, it is
    the largest.

    Args:
        sizes: (height, width) of images, in pixels.
        supported: Sizes that the networks can be built for.

    Returns:
        A size of at most 64 by 96 pixels, or the smallest if the images are smaller.

    Example:
        >>> auto_size([(60, 90)] * 3 + [(80, 80)], shapes((16, 32, 48, 64, 96), max_aspect=2))
        (32, 48)
    """
    low, aspect, high = np.quantile([width / height for height, width in sizes], (0.25, 0.5, 0.75))
    known = [pair(each) for each in supported]
    rectangles = [(h, w) for h, w in known if h != w and (w > h) == (aspect > 1.0)]
    if all(h != w for h, w in known):
        rectangles = known
    elif (low < CLEARLY and high > 1.0 / CLEARLY) or not rectangles:
        return auto_resolution((min(size) for size in sizes), known)
    height, width = np.median(sizes, axis=0)
    fitting = [
        (h, w)
        for h, w in rectangles
        if h <= height and w <= width and min(h, w) <= AUTO_SIDE and max(h, w) <= AUTO_LONGEST
    ] or [size for size in rectangles if min(size) == min(map(min, rectangles))]
    best = max(_kept(size, aspect) for size in fitting)
    near = [size for size in fitting if _kept(size, aspect) >= best - NEAR]
    return plain(max(near, key=lambda size: (math.prod(size), _kept(size, aspect))))


def _kept(size: Size, aspect: float) -> float:
    """Return the share of the area of an image (width / height) that a crop to `size` keeps."""
    ratio = size[1] / size[0] / aspect
    return min(ratio, 1.0 / ratio)
