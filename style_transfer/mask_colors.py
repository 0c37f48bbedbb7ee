"""Colors of masks: which regions masks show, and how much of each a pixel has.

A colored mask paints every region in one flat color. JPEG's noise, antialiased
edges and blurred borders are tolerated: a pixel near a region's color belongs to
that region alone, one between two colors to both.
"""

from collections.abc import Sequence

import numpy as np
from PIL import Image

from common.errors import InputError

Colors = list[np.ndarray]

TOLERANCE = 56.0  # Euclidean distance of red, green and blue; palettes have steps of 64
PURE = 32.0  # distance up to which a pixel is no mixture
PEAK = 16.0  # radius of a color in the histogram
FLAT = 24  # largest difference between neighbors in a flat area
GRAY = 24  # largest difference between the channels of gray: JPEG's noise
RAREST = 1e-4  # fraction of the pixels
MOST = 16  # regions
TRIALS = 64  # peaks of a histogram
LEVELS = 7  # of distance, each twice the last
NEAR = 12.0  # color distance that a level of distance weighs
DARKEST = 32  # levels of gray; a mask of labels 0, 1, 2 has less
NO_MASK = 1 / 3  # of the pixels; a mask has more near its colors
SNAP = 8  # levels of gray beside black and white that count as these
ROWS = 256  # computed at once


def find_regions(
    pixels: Sequence[np.ndarray], names: Sequence[str]
) -> tuple[list[str], list[np.ndarray]]:
    """Find the regions of masks that belong together.

    If all are gray there are two regions, white and black, and a level between is a
    mixture. Otherwise every color is a region.

    Args:
        pixels: (H, W, 3) uint8 each.
        names: How errors name the masks.

    Returns:
        The names of the R regions, and weights (R, H, W) of each mask.

    Raises:
        InputError: A mask has no flat colors, or too many.
    """
    if all(is_gray(each) for each in pixels):
        for each, name in zip(pixels, names, strict=True):
            if 0 < each.max() < DARKEST:
                raise InputError(
                    f"{name}: nearly black, with levels up to {each.max()} of 255; expected white "
                    "for one region and black for the other\nrepaint it in gray levels or colors"
                )
        white = [gray_weights(each) for each in pixels]
        return ["white", "black"], [np.stack([each, 1.0 - each]) for each in white]
    found = [find_colors(each) for each in pixels]
    for each, colors, name in zip(pixels, found, names, strict=True):
        near = fraction_near(each, colors)
        if near < NO_MASK:
            raise InputError(
                f"{name}: no mask: {near:.0%} of its pixels have one of its {len(colors)} flat "
                "colors\npaint every region in one flat color"
            )
        if len(colors) > MOST:
            raise InputError(f"{name}: more than {MOST} flat colors; expected fewer")
    colors = merge(found)
    weights = []
    for each, own in zip(pixels, found, strict=True):
        nearest = [int(np.argmin([np.abs(color - c).sum() for c in colors])) for color in own]
        planes = np.zeros((len(colors), *each.shape[:2]), np.float32)
        for index, plane in zip(nearest, color_weights(each, own), strict=True):
            planes[index] += plane
        weights.append(planes)
    return [hexadecimal(color) for color in colors], weights


def is_gray(pixels: np.ndarray) -> bool:
    """Return whether a mask (H, W, 3) uint8 has no colors, apart from noise."""
    red, green, blue = np.moveaxis(pixels.astype(np.int16), 2, 0)
    pairs = ((red, green), (green, blue), (blue, red))
    colored = np.any([np.abs(one - other) > GRAY for one, other in pairs], axis=0)
    return bool(colored.mean() <= RAREST)


def gray_weights(pixels: np.ndarray) -> np.ndarray:
    """Convert gray levels to weights: white is 1, black 0.

    Args:
        pixels: (H, W, 3) uint8.

    Returns:
        (H, W) float32. Levels within `SNAP` of black and white count as these.

    Example:
        >>> gray_weights(np.full((1, 1, 3), 255, np.uint8))
        array([[1.]], dtype=float32)
    """
    gray = np.asarray(Image.fromarray(pixels).convert("L"), np.float32)
    return np.clip((gray - SNAP) / (255.0 - 2.0 * SNAP), 0.0, 1.0)


def find_colors(pixels: np.ndarray) -> Colors:
    """Find the colors of the regions of a mask, the largest region first.

    Only pixels in flat areas count, so that an edge is no region. A color is a peak
    of their histogram: a wide soft border, which passes through all colors
    between two regions, has none.

    Args:
        pixels: (H, W, 3) uint8.

    Returns:
        (3,) float32 in [0, 255] each, at most `MOST` + 1.
    """
    flat = pixels[_is_flat(pixels)]  # (N, 3)
    if not len(flat):
        return []
    red, green, blue = (flat >> 2).astype(np.int32).T
    bins = (red << 12) + (green << 6) + blue
    counts = np.bincount(bins)
    sums = np.stack([np.bincount(bins, flat[:, channel]) for channel in range(3)], axis=1)
    means, counts = sums[counts > 0] / counts[counts > 0, None], counts[counts > 0]
    left, colors = counts.astype(np.float64), []
    for _ in range(TRIALS):
        if len(colors) > MOST or left.max() == 0:
            break
        center = means[np.argmax(left)]
        center = np.average(means, axis=0, weights=counts * (_far(means, center) <= PEAK))
        distance = _far(means, center)
        here = counts[distance <= PEAK].sum()
        peaked = here >= 0.5 * counts[distance <= TOLERANCE].sum()
        apart = all(_far(center, color) > TOLERANCE for color in colors)
        if peaked and apart and here >= RAREST * pixels[..., 0].size:
            colors.append(center.astype(np.float32))
            left[distance <= TOLERANCE] = 0.0
        left[distance <= PEAK] = 0.0
        left[np.argmax(left)] *= here > 0  # a mean that moved away from its bins
    return colors


def merge(found: Sequence[Colors]) -> Colors:
    """Merge the colors of several masks: those within `TOLERANCE` are one.

    Args:
        found: Of each mask, from `find_colors`.

    Returns:
        The colors of the first mask, then those that only later ones have.
    """
    colors: Colors = []
    for color in (color for each in found for color in each):
        if all(_far(color, other) > TOLERANCE for other in colors):
            colors.append(color)
    return colors


def color_weights(pixels: np.ndarray, colors: Colors) -> np.ndarray:
    """Compute how much of each color a pixel has.

    In a flat area of one color a pixel belongs to it alone. Any other is a mixture
    of the two colors between which it lies best, with a preference for those
    nearby: an olive edge between red and green is no mixture of black and yellow,
    and a purple one between red and blue is no purple region.

    Args:
        pixels: (H, W, 3) uint8.
        colors: (3,) each, in [0, 255].

    Returns:
        (K, H, W) float32, at least 0, with a sum of 1 at every pixel.
    """
    nearest, distance = _nearest(pixels, colors)
    pure = (distance <= PURE) & _is_flat(pixels)
    weights = np.zeros((len(colors), *nearest.shape), np.float32)
    for index, plane in enumerate(weights):
        plane[pure & (nearest == index)] = 1.0
    levels = [_levels(plane > 0.0, ~pure) for plane in weights]
    first, second, share = _mixtures(pixels[~pure].astype(np.float32), colors, levels)
    for index, plane in enumerate(weights):
        plane[~pure] = (first == index) * (1.0 - share) + (second == index) * share
    return weights


def fraction_near(pixels: np.ndarray, colors: Colors) -> float:
    """Return the fraction of the pixels within `TOLERANCE` of one of the colors."""
    return float((_nearest(pixels[::2, ::2], colors)[1] <= TOLERANCE).mean()) if colors else 0.0


def hexadecimal(color: np.ndarray) -> str:
    """Name a color as web pages do.

    Example:
        >>> hexadecimal(np.array([255.0, 0.0, 127.6]))
        '#ff0080'
    """
    return "#" + "".join(f"{round(float(channel)):02x}" for channel in color)


def _far(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    return np.sqrt(np.square(one - other).sum(axis=-1))


def _is_flat(pixels: np.ndarray) -> np.ndarray:
    """Which pixels of (H, W, 3) differ little from their eight neighbors, (H, W)."""
    high = low = np.pad(pixels, ((1, 1), (1, 1), (0, 0)), mode="edge")
    high = np.maximum(np.maximum(high[:-2], high[1:-1]), high[2:])
    high = np.maximum(np.maximum(high[:, :-2], high[:, 1:-1]), high[:, 2:])
    low = np.minimum(np.minimum(low[:-2], low[1:-1]), low[2:])
    low = np.minimum(np.minimum(low[:, :-2], low[:, 1:-1]), low[:, 2:])
    steady = high - low <= FLAT
    return steady[..., 0] & steady[..., 1] & steady[..., 2]


def _nearest(pixels: np.ndarray, colors: Colors) -> tuple[np.ndarray, np.ndarray]:
    """The index of the nearest color of every pixel, and its distance, (H, W) each."""
    index = np.zeros(pixels.shape[:2], np.uint8)
    distance = np.zeros(pixels.shape[:2], np.float32)
    palette = np.stack(colors)  # (K, 3)
    for top in range(0, len(pixels), ROWS):  # some rows at a time, as float32 takes memory
        rows = slice(top, top + ROWS)
        part = pixels[rows].astype(np.float32)
        squared = np.square(palette).sum(axis=1) - 2.0 * part @ palette.T  # (h, W, K), less |p|^2
        index[rows] = squared.argmin(axis=-1)
        squared = squared.min(axis=-1) + np.einsum("hwc,hwc->hw", part, part)
        distance[rows] = np.sqrt(np.maximum(squared, 0.0))
    return index, distance


def _levels(present: np.ndarray, where: np.ndarray) -> np.ndarray:
    """How far the nearest place of a region is, by powers of 2, from each pixel of `where`."""
    y, x = np.nonzero(where)
    levels = np.full(len(y), LEVELS, np.uint8)
    for level in range(1, LEVELS):
        height, width = present.shape
        present = np.pad(present, ((0, height % 2), (0, width % 2)))
        present = present[::2] | present[1::2]
        present = present[:, ::2] | present[:, 1::2]  # in blocks of 2^level pixels
        wide = np.pad(present, 1)
        wide = wide[:-2] | wide[1:-1] | wide[2:]
        wide = wide[:, :-2] | wide[:, 1:-1] | wide[:, 2:]
        found = wide[y >> level, x >> level] & (levels == LEVELS)
        levels[found] = level
    return levels


def _mixtures(
    pixels: np.ndarray, colors: Colors, levels: Sequence[np.ndarray]
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The two colors that each pixel (N, 3) mixes, and the share of the second, (N,) each."""
    count = len(pixels)
    first, second = np.zeros(count, np.uint8), np.zeros(count, np.uint8)
    share, best = np.zeros(count, np.float32), np.full(count, np.inf, np.float32)
    for i, start in enumerate(colors):
        for j in range(i, len(colors)):
            line = colors[j] - start
            length = float(np.sqrt(line @ line))
            t = np.clip((pixels - start) @ line / max(length, 1e-6) ** 2, 0.0, 1.0)
            off = np.square(pixels - start - t[:, None] * line).sum(axis=1)
            apart = NEAR * np.maximum(levels[i], levels[j]).astype(np.float32)
            cost = off + np.square(apart)
            better = cost < best
            dead = min(PURE / max(length, 1e-6), 0.25)  # what counts as pure at either end
            t = np.clip((t - dead) / (1.0 - 2.0 * dead), 0.0, 1.0)
            first[better], second[better], share[better] = i, j, t[better]
            best[better] = cost[better]
    return first, second, share
