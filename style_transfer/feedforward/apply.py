"""A trained network on images of any size, in bounded memory.

Instance normalization depends on the whole image. Up to `EXACT` pixels the network sees
it whole. A larger image takes the statistics of its copy of that size and is then
painted in tiles, whose normalizations are fixed. Every tile sees as far beyond its
borders as the network does, so that the result is the same for any size of the tiles.
Deviation: these are the statistics of the reduced copy. It keeps the network at the
contrasts it was trained on, and large images look as small ones do, but for the waves of
the position and the finest texture, whose lengths stay the same in pixels.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf
from PIL import Image

from common import images as image_io
from common.errors import InputError
from common.transparency import fill
from style_transfer import colors
from style_transfer.colors import Moments
from style_transfer.config import SMALLEST_SIDE
from style_transfer.feedforward import build, network, saved
from style_transfer.feedforward.network import STRIDE, Shape
from style_transfer.feedforward.palettes import StylePalette, change_pixels, moments
from style_transfer.feedforward.waves import corner_of

EXACT = 768  # pixels of the longer side
TILE = 1024  # pixels of a tile's side, with its margins
FEWEST_MARGINS = 4  # in a tile's side: half of each side is inside, whatever the margin
BEYOND = 5  # of the deepest map's places, what all layers but the residual blocks see


@dataclass(frozen=True)
class Brush:
    """A trained network, ready to paint.

    Attributes:
        styles: Names of its styles.
        shape: Of the network.
        tables: Scale and shift (S, C) of every normalization in turn.
        whole: From uint8 (1, H, W, 3), weights (1, S), and the row and column (1, 2) of the
            corner, where the waves begin, to float32 (1, H, W, 3) in [0, 1].
        measure: From the same to the statistics (1, 2, N).
        fixed: From uint8 (1, H, W, 3), fixed maps (1, 2, N) and a corner to float32 (1, H, W, 3).
        palettes: Of the styles, to which the colors of a photo are moved first; may be empty.

    Example:
        >>> brush = load(Path("runs/style-wave"))
        >>> brush.paint(Image.open("photo.jpg"))  # uint8 (H, W, 3)
    """

    styles: tuple[str, ...]
    shape: Shape
    tables: Sequence[np.ndarray]
    whole: Callable[[np.ndarray, np.ndarray, np.ndarray], tf.Tensor]
    measure: Callable[[np.ndarray, np.ndarray, np.ndarray], tf.Tensor]
    fixed: Callable[[np.ndarray, np.ndarray, np.ndarray], tf.Tensor]
    palettes: Sequence[StylePalette] = ()

    def paint(
        self,
        content: Image.Image,
        weights: Sequence[float] = (),
        keep_colors: str = "style",
        tile: int = TILE,
        *,
        seed: int = 0,
        photo: Moments | None = None,
    ) -> np.ndarray:
        """Paint an image.

        Args:
            content: RGB or RGBA, at least 16 pixels per side.
            weights: One for each style; equal by default.
            keep_colors: "style"; "content": only the luminance is painted; "matched": the
                painting gets the content's mean color and covariance.
            tile: Side of the tiles in pixels, with their margins; at least four times the
                margin, which grows with the depth of the network.
            seed: Decides where the texture of flat regions is; the exported network has 0.
            photo: Mean and covariance of the colors that decide on the map to the palette of the
                style; by default those of the content. Frames of a scene share them.

        Returns:
            uint8 (H, W, 3), or (H, W, 4) of a transparent image.

        Raises:
            InputError: The image is too small, or the weights are of other styles.
        """
        if min(content.size) < SMALLEST_SIDE:
            raise InputError(
                f"an image of {content.width}x{content.height} pixels; "
                f"expected at least {SMALLEST_SIDE} per side"
            )
        style, corner = self.mixture(weights), corner_of(seed)[None]
        pixels = small = _opaque(content)
        if max(content.size) > EXACT:
            small = _opaque(image_io.resize(content, image_io.fit_longer_side(content.size, EXACT)))
        recolor = change_pixels(photo or moments(small), self.palettes, style[0])
        given = recolor(small)
        if small is pixels:
            painted = self._paint_whole(given, style, corner)
            change = _recoloring(keep_colors, painted, pixels)
            result = change(painted, pixels)
        else:
            affine = self._affine(given, style, corner)
            result = np.empty_like(pixels)
            change = None
            if keep_colors == "matched":
                painted = self._paint_whole(given, style, corner)
                change = _recoloring(keep_colors, painted, small)
            change = change or _recoloring(keep_colors, None, None)
            margin = STRIDE * (2 * self.shape.depth + BEYOND)
            padded = _padded(pixels)
            side = max(tile, FEWEST_MARGINS * margin)
            for core, around in tiles(padded.shape[:2], side, margin):
                start = corner + np.array([each.start for each in around], np.float32)
                inputs = recolor(padded[around])[None]
                painted = self.fixed(inputs, affine, start).numpy()[0]
                part = _within(core, around, pixels.shape[:2])
                place = _clipped(core, pixels.shape[:2])
                result[place] = change(painted[part], pixels[place])
        if content.mode != "RGBA":
            return result
        return np.dstack([result, np.asarray(content.getchannel("A"))])

    def mixture(self, weights: Sequence[float]) -> np.ndarray:
        """Scale weights of the styles to a sum of 1, float32 (1, S).

        Raises:
            InputError: Their number is wrong, or none is above 0.
        """
        weights = np.asarray(weights or [1.0] * len(self.styles), np.float64)
        if len(weights) != len(self.styles):
            raise InputError(
                f"--style-weights: expected one for each of the {len(self.styles)} styles "
                f"({', '.join(self.styles)}), got {len(weights)}"
            )
        if not (weights >= 0).all() or not 0 < weights.sum() < np.inf:
            raise InputError("--style-weights: expected numbers of at least 0, one above 0")
        return (weights / weights.sum())[None].astype(np.float32)

    def _paint_whole(self, pixels: np.ndarray, style: np.ndarray, corner: np.ndarray) -> np.ndarray:
        height, width, _ = pixels.shape
        return self.whole(_padded(pixels)[None], style, corner).numpy()[0, :height, :width]

    def _affine(self, small: np.ndarray, style: np.ndarray, corner: np.ndarray) -> np.ndarray:
        statistics = self.measure(_padded(small)[None], style, corner).numpy()[0]
        return network.affine_of(statistics, self.tables, style[0])[None]


def load(folder: Path, flag: str = "--model") -> Brush:
    """Load the network of a run.

    Args:
        folder: Of a run of `feedforward.train`.
        flag: That named it, for error messages.

    Raises:
        InputError: It is no such run, or its checkpoint cannot be used.
    """
    about = saved.read(folder, flag)
    whole = build.load(about, movable=True)
    shape = build.shape_of(about.config, len(about.styles))
    return brush_of(whole, shape, about.styles, about.palettes)


def brush_of(
    whole: keras.Model,
    shape: Shape,
    styles: Sequence[str],
    palettes: Sequence[StylePalette] = (),
) -> Brush:
    """Make a brush of a network.

    Args:
        whole: As of `network.build`, movable.
        shape: Its shape.
        styles: Names of its styles.
        palettes: Theirs, or none.
    """
    measuring, fixed = network.build_measuring(shape), network.build_fixed(shape)
    for other in (measuring, fixed):
        network.copy_weights(whole, other)
    return Brush(
        tuple(styles),
        shape,
        [table.numpy() for table in network.style_tables(whole)],
        *(_compiled(each) for each in (whole, measuring, fixed)),
        palettes,
    )


def tiles(
    size: tuple[int, int], tile: int, margin: int
) -> Iterator[tuple[tuple[slice, slice], tuple[slice, slice]]]:
    """Divide an image into tiles.

    Args:
        size: (height, width), multiples of 8.
        tile: Side of a tile with its margins; the part inside has at least 8 pixels.
        margin: Pixels beyond that part, a multiple of 8; at the border there are none.

    Returns:
        An iterator over the part inside and the whole of each, as (rows, columns).

    Example:
        >>> [inside for inside, _ in tiles((16, 32), 32, 8)]
        [(slice(0, 16, None), slice(0, 16, None)), (slice(0, 16, None), slice(16, 32, None))]
    """
    step = max(STRIDE, (tile - 2 * margin) // STRIDE * STRIDE)

    def along(length: int) -> list[tuple[slice, slice]]:
        return [
            (
                slice(start, min(start + step, length)),
                slice(max(0, start - margin), min(start + step + margin, length)),
            )
            for start in range(0, length, step)
        ]

    for rows, rows_around in along(size[0]):
        for columns, columns_around in along(size[1]):
            yield (rows, columns), (rows_around, columns_around)


def _compiled(model: keras.Model) -> Callable:
    """Compile a network for the pixels of one image, uint8 (1, H, W, 3), and its other inputs."""
    floats = [tf.TensorSpec((1, *each.shape[1:]), tf.float32) for each in model.inputs[1:]]

    @tf.function(input_signature=[tf.TensorSpec((1, None, None, 3), tf.uint8), *floats])
    def run(pixels, *arrays):
        return model([tf.cast(pixels, tf.float32) / 255.0, *arrays], training=False)

    return run


def _recoloring(
    keep_colors: str, painted: np.ndarray | None, pixels: np.ndarray | None
) -> Callable[[np.ndarray, np.ndarray], np.ndarray]:
    """Return a function of a painting in [0, 1] and its uint8 content to uint8.

    "matched" learns its map from a painting and its content.
    """
    if keep_colors == "content":
        return lambda part, content: image_io.from_unit(
            colors.with_chroma_of(part, image_io.to_unit(content))
        )
    if keep_colors == "matched":
        recolor = colors.matching(painted, image_io.to_unit(pixels))
        return lambda part, content: image_io.from_unit(recolor(part))
    return lambda part, content: image_io.from_unit(part)


def _opaque(image: Image.Image) -> np.ndarray:
    """The colors of an image, uint8 (H, W, 3), also where it is transparent."""
    return image_io.from_unit(fill(image)) if image.mode == "RGBA" else np.asarray(image)


def _padded(pixels: np.ndarray) -> np.ndarray:
    """Mirror an image at its end until both sides are multiples of `STRIDE` and large enough."""
    sides = [max(SMALLEST_SIDE, side + -side % STRIDE) for side in pixels.shape[:2]]
    missing = [(0, new - old) for new, old in zip(sides, pixels.shape[:2], strict=True)]
    return np.pad(pixels, (*missing, (0, 0)), "symmetric")


def _clipped(core: tuple[slice, slice], size: tuple[int, int]) -> tuple[slice, slice]:
    return tuple(
        slice(each.start, min(each.stop, end)) for each, end in zip(core, size, strict=True)
    )


def _within(
    core: tuple[slice, slice], around: tuple[slice, slice], size: tuple[int, int]
) -> tuple[slice, slice]:
    """The place of a tile's inside, without padding, in the tile."""
    return tuple(
        slice(inside.start - outside.start, inside.stop - outside.start)
        for inside, outside in zip(_clipped(core, size), around, strict=True)
    )
