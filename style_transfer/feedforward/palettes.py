"""The palettes of styles, to which a photo's colors are moved before a network paints it.

The content loss compares with the photo in the style's palette, as in `stylize`. A network
that gets the photo in this palette already need not guess from it which colors are wanted.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from common import images as image_io
from style_transfer import colors

Change = Callable[[np.ndarray], np.ndarray]
SAMPLE = 2**14  # pixels


class StylePalette(NamedTuple):
    """The colors of a style, and how far photos move towards them.

    Attributes:
        mean: (3,), of red, green and blue in [0, 1].
        covariance: (3, 3).
        share: Of the way, 0 to 1.
    """

    mean: np.ndarray
    covariance: np.ndarray
    share: float

    @classmethod
    def of(cls, style: np.ndarray, share: float) -> "StylePalette":
        """Compute the palette of a style, uint8 (H, W, 3).

        Example:
            >>> StylePalette.of(np.zeros((8, 8, 3), np.uint8), 1.0).mean
            array([0., 0., 0.])
        """
        return cls(*colors.moments(image_io.to_unit(style)), share)

    def state(self) -> dict[str, Any]:
        """Return what `restore` takes, as JSON holds it without rounding."""
        mean, covariance = self.mean.tolist(), self.covariance.tolist()
        return {"mean": mean, "covariance": covariance, "share": self.share}

    @classmethod
    def restore(cls, state: Mapping[str, Any]) -> "StylePalette":
        """Return the palette whose `state` this was.

        Raises:
            ValueError, KeyError, TypeError: It is no state of a palette.
        """
        mean, covariance = (np.array(state[name], float) for name in ("mean", "covariance"))
        share = float(state["share"])
        if mean.shape != (3,) or covariance.shape != (3, 3):
            raise ValueError("a palette has another shape")
        if not np.isfinite([*mean, *covariance.flat]).all() or not 0 <= share <= 1:
            raise ValueError("a palette has other values")
        return cls(mean, covariance, share)


def change(
    photo: colors.Moments, palettes: Sequence[StylePalette], weights: Sequence[float]
) -> Change:
    """Return the map of a photo's colors to those of a mixture of styles, in float32.

    Args:
        photo: Mean and covariance of the photo's colors, as of `colors.moments`.
        palettes: Of the styles.
        weights: One for each, which sum to 1. The result is the mean of what
            `colors.Palette` makes for each.

    Returns:
        A function of (H, W, 3) in [0, 1], the photo or a part of it, to the same.
    """
    parts = []
    for palette, weight in zip(palettes, weights, strict=True):
        if weight:
            matching = colors.between(photo, (palette.mean, palette.covariance))
            narrow = colors.Matching(*(values.astype(np.float32) for values in matching))
            parts.append((float(weight), colors.Palette((narrow,), (1.0,), palette.share)))
    return lambda image: sum(weight * part(image) for weight, part in parts)


def moments(pixels: np.ndarray) -> colors.Moments:
    """Compute the mean, (3,), and the covariance, (3, 3), of colors, uint8 (H, W, 3).

    Of a large image they are those of at most about `SAMPLE` pixels, evenly spaced.
    """
    step = math.ceil(math.sqrt(pixels.shape[0] * pixels.shape[1] / SAMPLE))
    return colors.moments(image_io.to_unit(pixels[::step, ::step]))


def change_pixels(
    photo: colors.Moments, palettes: Sequence[StylePalette], weights: Sequence[float]
) -> Change:
    """Return the map of `change` for pixels.

    Args:
        photo: As `moments` returns them, of the photo or of a smaller copy.
        palettes: Of the styles; without any, pixels stay as they are.
        weights: One for each.

    Returns:
        A function of uint8 (H, W, 3) to the same.

    Example:
        >>> change_pixels(moments(photo), [], [])(photo) is photo
        True
    """
    if not palettes:
        return lambda pixels: pixels
    move = change(photo, palettes, weights)
    return lambda pixels: image_io.from_unit(move(image_io.to_unit(pixels)))
