"""Optical flow, images moved along it, and where it can be trusted.

Ruder, Dosovitskiy and Brox 2016, Artistic Style Transfer for Videos, section 4.3, with
the dense inverse search of Kroeger et al. 2016 (OpenCV) as the flow.
"""

import importlib.util
from collections.abc import Callable

import numpy as np
from PIL import Image

Flow = Callable[[np.ndarray, np.ndarray], np.ndarray]
WINDOW = 5  # pixels of the side of the square whose difference is averaged


def has_opencv() -> bool:
    """Return whether OpenCV, an optional package, is installed."""
    return importlib.util.find_spec("cv2") is not None


def estimator(kind: str) -> Flow:
    """Make a function that estimates the flow between two frames.

    Args:
        kind: "dis" (OpenCV's dense inverse search, preset "medium"), or "none", which is
            0 everywhere.

    Returns:
        A function of two frames uint8 (H, W, 3) to float32 (H, W, 2): a pixel (x, y) of
        the first is at (x, y) + flow in the second.

    Example:
        >>> estimator("none")(frame, previous).any()
        False
    """
    if kind == "none":
        return lambda first, second: np.zeros((*first.shape[:2], 2), np.float32)
    import cv2

    search = cv2.DISOpticalFlow_create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM)
    return lambda first, second: search.calc(_gray(first), _gray(second), None)


def warp(image: np.ndarray, flow: np.ndarray) -> np.ndarray:
    """Move an image along a flow: the result at p is the image at p + flow(p), bilinearly.

    Args:
        image: float32 (H, W, C). Beyond its border the nearest pixel is taken.
        flow: float32 (H, W, 2), horizontal and vertical, in pixels.

    Returns:
        float32 (H, W, C); exact where the flow is in whole pixels.

    Example:
        >>> warp(np.arange(3.0, dtype=np.float32).reshape(1, 3, 1), shift_right)[0, :, 0]
        array([1., 2., 2.], dtype=float32)
    """
    height, width, channels = image.shape
    (x0, x1, right), (y0, y1, down) = (
        _corners(np.clip(place, 0, length - 1), length)
        for place, length in zip(_places(flow), (width, height), strict=True)
    )
    pixels = image.reshape(-1, channels)
    upper = pixels.take(y0 * width + x0, axis=0)
    upper += right[..., None] * (pixels.take(y0 * width + x1, axis=0) - upper)
    lower = pixels.take(y1 * width + x0, axis=0)
    lower += right[..., None] * (pixels.take(y1 * width + x1, axis=0) - lower)
    return upper + down[..., None] * (lower - upper)


def warp_sharply(image: np.ndarray, flow: np.ndarray) -> np.ndarray:
    """Move an image along a flow as `warp` does, with cubic interpolation.

    Keys 1981, equation 4 (Catmull-Rom). A result is moved again for every frame, and each time
    bilinear interpolation blurs it.

    Args:
        image: float32 (H, W, C) in [0, 1].
        flow: float32 (H, W, 2).

    Returns:
        float32 (H, W, C) in [0, 1]; exact where the flow is in whole pixels.
    """
    height, width, channels = image.shape
    (columns, right), (rows, down) = (
        _neighbors(np.clip(place, 0, length - 1), length)
        for place, length in zip(_places(flow), (width, height), strict=True)
    )
    pixels, moved = image.reshape(-1, channels), np.zeros((height, width, channels), np.float32)
    for row, vertical in zip(rows, down, strict=True):
        along = np.zeros_like(moved)
        for column, horizontal in zip(columns, right, strict=True):
            along += horizontal[..., None] * pixels.take(row * width + column, axis=0)
        moved += vertical[..., None] * along
    return np.clip(moved, 0.0, 1.0)


def returns(backward: np.ndarray, forward: np.ndarray) -> np.ndarray:
    """Return where a flow and the opposite one lead back to the start: no occlusion.

    Ruder et al. 2016, equation 5: |b + f|^2 <= 0.01 (|b|^2 + |f|^2) + 0.5. A place outside the
    image is an occlusion, too.

    Args:
        backward: float32 (H, W, 2), from a frame to the previous one.
        forward: float32 (H, W, 2), from the previous frame to this one, `warp`ed by
            `backward`.

    Returns:
        bool (H, W).
    """
    error = np.square(backward + forward).sum(axis=2)
    lengths = np.square(backward).sum(axis=2) + np.square(forward).sum(axis=2)
    x, y = _places(backward)
    height, width = error.shape
    inside = (x >= -0.5) & (x <= width - 0.5) & (y >= -0.5) & (y <= height - 0.5)
    return inside & (error <= 0.01 * lengths + 0.5)


def similar(frame: np.ndarray, warped: np.ndarray, tolerance: float) -> np.ndarray:
    """Return where a frame equals the moved previous one, on the mean around each place.

    Args:
        frame: float32 (H, W, 3) in [0, 1].
        warped: The same shape.
        tolerance: Largest mean absolute difference of `WINDOW` x `WINDOW` pixels and 3 colors.

    Returns:
        bool (H, W).
    """
    return box_mean(np.abs(frame - warped).mean(axis=2), WINDOW) <= tolerance


def box_mean(values: np.ndarray, side: int) -> np.ndarray:
    """Average (H, W) over a square of an odd side around each place; the border is repeated.

    Example:
        >>> box_mean(np.array([[0.0, 3.0, 0.0]]), 3)
        array([[1., 1., 1.]])
    """
    radius = side // 2
    for _ in range(2):  # along the rows, then, transposed, along the columns
        length = values.shape[1]
        padded = np.pad(values, ((0, 0), (radius, radius)), "edge")
        values = (sum(padded[:, start : start + length] for start in range(side)) / side).T
    return values


def _places(flow: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    height, width, _ = flow.shape
    rows, columns = np.ogrid[:height, :width]
    return columns + flow[..., 0], rows + flow[..., 1]


def _corners(place: np.ndarray, length: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The pixels before and after each place, and its share of the way between them."""
    before = place.astype(np.intp)
    return before, np.minimum(before + 1, length - 1), (place - before).astype(np.float32)


def _neighbors(place: np.ndarray, length: int) -> tuple[list[np.ndarray], list[np.ndarray]]:
    """The four pixels around each place, and their weights."""
    before = place.astype(np.intp)
    t = (place - before).astype(np.float32)
    weights = [
        ((2.0 - t) * t - 1.0) * t / 2.0,
        ((3.0 * t - 5.0) * t * t + 2.0) / 2.0,
        ((4.0 - 3.0 * t) * t + 1.0) * t / 2.0,
        (t - 1.0) * t * t / 2.0,
    ]
    return [np.clip(before + step, 0, length - 1) for step in (-1, 0, 1, 2)], weights


def _gray(frame: np.ndarray) -> np.ndarray:
    return np.asarray(Image.fromarray(frame).convert("L"))
