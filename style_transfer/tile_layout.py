"""Division of an image into overlapping tiles whose interiors partition it."""

import itertools
import math
from collections.abc import Sequence
from typing import NamedTuple

from style_transfer.extractors import Extractor

WHOLE = 4 / 3  # of a tile's pixels are computed as a whole: 1024x768, which takes half the time
SECOND_PASS = 4 / 3  # of the time of an iteration: a gradient takes twice a forward pass


class Span(NamedTuple):
    """One axis of a tile, in pixels.

    Attributes:
        start: First pixel; a multiple of the stride.
        stop: Behind the last pixel.
        inner_start: First pixel of the interior; a multiple of the stride.
        inner_stop: Behind the interior; a multiple of the stride, or the image's end.
    """

    start: int
    stop: int
    inner_start: int
    inner_stop: int


def smallest_side(stride: int, radius: int) -> int:
    """Return the smallest side of a tile that has an interior, for `spans`."""
    return 2 * math.ceil(radius / stride) * stride + stride


def spans(length: int, side: int, stride: int, radius: int) -> list[Span]:
    """Divide one axis of an image into tiles.

    All tiles have the same size, apart from the last one, which may be smaller by
    less than the stride: with few shapes, few graphs are traced.

    Args:
        length: Of the image in pixels.
        side: Of a tile, at most, with its extensions; a multiple of the stride.
        stride: Total stride of the extractor.
        radius: Receptive radius of the extractor.

    Raises:
        ValueError: The tile has no interior.

    Example:
        >>> spans(length=21, side=16, stride=4, radius=2)
        [Span(start=0, stop=16, inner_start=0, inner_stop=12),
         Span(start=8, stop=21, inner_start=12, inner_stop=21)]
    """
    if length <= side:
        return [Span(0, length, 0, length)]
    if side < smallest_side(stride, radius) or side % stride:
        raise ValueError(f"expected a multiple of {stride} with an interior, got {side}")
    step = side - smallest_side(stride, radius) + stride
    last = math.ceil((length - side) / stride) * stride
    count = math.ceil(last / step)
    starts = [number * last // count // stride * stride for number in range(count + 1)]
    stops = [*(start + side for start in starts[:-1]), length]
    middles = [(start + stop) // 2 // stride * stride
               for start, stop in zip(starts[1:], stops, strict=False)]  # fmt: skip
    return [
        Span(*edges) for edges in zip(starts, stops, [0, *middles], [*middles, length], strict=True)
    ]


class Tile(NamedTuple):
    """One tile of an image.

    Attributes:
        rows: From top to bottom.
        columns: From left to right.
    """

    rows: Span
    columns: Span

    def pixels(self) -> tuple[slice, ...]:
        """Index the tile in an image (1, H, W, C)."""
        return (slice(None), *(slice(span.start, span.stop) for span in self))

    def interior(self, step: int, origin: bool = True) -> tuple[slice, ...]:
        """Index the interior in a layer of the image, or of the tile.

        Args:
            step: Pixels between the layer's places.
            origin: Count the places from the start of the image, not of the tile.
        """
        edges = [
            [-(-(edge - (0 if origin else span.start)) // step) for edge in span[2:]]
            for span in self
        ]
        return (slice(None), *(slice(*each) for each in edges))


def tiles(height: int, width: int, side: int, stride: int, radius: int) -> list[Tile]:
    """Divide an image into tiles of at most `side` pixels to each side; see `spans`."""
    rows, columns = (spans(length, side, stride, radius) for length in (height, width))
    return [Tile(*axes) for axes in itertools.product(rows, columns)]


def is_large(size: Sequence[int], extractor: Extractor, side: int) -> bool:
    """Return whether an image is computed tile by tile.

    Args:
        size: (width, height) in pixels.
        extractor: If its radius is unknown, every image is computed as a whole.
        side: Of a tile in pixels; up to `WHOLE` times as many pixels are computed as a whole.
    """
    return extractor.radius is not None and math.prod(size) > WHOLE * side**2


def cost(size: Sequence[int], extractor: Extractor, side: int) -> float:
    """Estimate the cost of an iteration, in pixels computed forward and back; see `is_large`.

    Example:
        >>> cost((1000, 1000), extractor, side=1024)
        1000000.0
    """
    if not is_large(size, extractor, side):
        return float(math.prod(size))
    side = side // extractor.stride * extractor.stride
    every = tiles(*size, side, extractor.stride, extractor.radius)
    return SECOND_PASS * sum(math.prod(span.stop - span.start for span in each) for each in every)
