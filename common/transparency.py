"""Transparent images as opaque ones that can be painted, and their alpha put back."""

import numpy as np
from PIL import Image

ENOUGH = 16.0 / 255.0  # alpha from which 8 bits hold the color well enough to be kept
SQUARE, BRIGHT, DARK = 8, 255, 204  # pixels of a side, and the two grays of a checkerboard


def fill(image: Image.Image) -> np.ndarray:
    """Give the transparent pixels of an image the colors of their neighbors.

    Laying an image over white (or black) and giving the result the old alpha
    counts the background twice: edges get a white (or dark) fringe. Here every
    pixel keeps its own color, whatever its alpha, and where alpha is too low
    to tell a color it is taken from the nearest visible pixels, by averages
    over growing windows (the pull-push algorithm of Gortler et al. 1996, "The
    Lumigraph").

    Args:
        image: Mode RGBA, or any other, which is converted to RGB only.

    Returns:
        float32 (H, W, 3) in [0, 1].

    Example:
        >>> painted = paint(fill(image))  # (H, W, 3)
        >>> result = with_alpha(painted, image)  # (H, W, 4)
    """
    if image.mode != "RGBA":
        return np.asarray(image.convert("RGB"), np.float32) / 255.0
    values = np.asarray(image, np.float32) / 255.0
    weight = np.minimum(values[..., 3:] / ENOUGH, 1.0)  # (H, W, 1)
    return _pull_push(values[..., :3], weight)


def with_alpha(colors: np.ndarray, image: Image.Image) -> np.ndarray:
    """Put the alpha channel of `image` beside painted colors.

    Args:
        colors: float (H, W, 3) in [0, 1].
        image: An image of W x H pixels; only mode RGBA has an alpha channel.

    Returns:
        float32 (H, W, 4) in [0, 1], or `colors` if the image is opaque.
    """
    if image.mode != "RGBA":
        return colors.astype(np.float32)
    alpha = np.asarray(image.getchannel("A"), np.float32)[..., None] / 255.0
    return np.concatenate([colors.astype(np.float32), alpha], axis=2)


def over_checker(image: np.ndarray) -> np.ndarray:
    """Lay an image with alpha over a checkerboard, as image editors show transparency.

    Args:
        image: uint8 (H, W, C); without 4 channels it is returned as it is.

    Returns:
        uint8 (H, W, 3), or the image.

    Example:
        >>> over_checker(np.zeros((16, 16, 4), np.uint8))[0, ::8, 0]
        array([255, 204], dtype=uint8)
    """
    if image.shape[2] != 4:
        return image
    rows, columns = (np.arange(length) // SQUARE for length in image.shape[:2])
    ground = np.where((rows[:, None] + columns) % 2, DARK, BRIGHT)[..., None]  # (H, W, 1)
    alpha = image[..., 3:].astype(np.float32) / 255.0
    return np.rint(image[..., :3] * alpha + ground * (1.0 - alpha)).astype(np.uint8)


def _pull_push(colors: np.ndarray, weight: np.ndarray) -> np.ndarray:
    """Blend colors (H, W, 3) of weight (H, W, 1) below 1 with those of a coarser level."""
    if (weight >= 1.0).all():
        return colors
    height, width, _ = colors.shape
    if height == width == 1:
        return colors if weight.any() else np.ones_like(colors)  # nothing is visible: white
    halves = ((0, height % 2), (0, width % 2), (0, 0))
    weighted = _halve(np.pad(colors * weight, halves))
    total = _halve(np.pad(weight, halves))
    coarse = _pull_push(weighted / np.maximum(total, 1e-12), np.minimum(4.0 * total, 1.0))
    return weight * colors + (1.0 - weight) * _double(coarse)[:height, :width]


def _halve(values: np.ndarray) -> np.ndarray:
    """Average blocks of 2x2 pixels of (H, W, C)."""
    height, width, channels = values.shape
    return values.reshape(height // 2, 2, width // 2, 2, channels).mean(axis=(1, 3))


def _double(values: np.ndarray) -> np.ndarray:
    """Enlarge (H, W, C) to (2 H, 2 W, C), bilinearly."""
    for axis in (0, 1):
        places = np.arange(values.shape[axis])
        before = np.take(values, places - 1, axis, mode="clip")
        after = np.take(values, places + 1, axis, mode="clip")
        pair = [0.75 * values + 0.25 * before, 0.75 * values + 0.25 * after]
        shape = list(values.shape)
        shape[axis] *= 2
        values = np.stack(pair, axis=axis + 1).reshape(shape)
    return values
