"""Sliced Wasserstein distances of sets of images, in pixel space."""

import numpy as np

PATCH, PATCHES = 7, 16  # pixels of a side; patches per image and level
SMALLEST_LEVEL = 16  # pixels


def sliced_wasserstein(
    real: np.ndarray, fake: np.ndarray, projections: int = 128, seed: int = 0
) -> float:
    """Compare two sets of images along random directions in pixel space.

    Cheap enough for every tick of a run. It detects collapse, noise and wrong
    brightness, but not whether an image is readable.

    Args:
        real: (N, ...).
        fake: (N, ...) of the same shape and value range.
        projections: Random unit vectors to average over.
        seed: Seed of the vectors.

    Returns:
        The mean over the directions of the 1-Wasserstein distance between the
        projected sets (Rabin et al. 2012), in units of the pixels. Projections
        are float32, means are summed in float64.

    Raises:
        ValueError: Different shapes, or values that are not finite.

    Example:
        >>> black, white = (np.full((64, 16, 16, 1), value) for value in (-1.0, 1.0))
        >>> sliced_wasserstein(black, black)
        0.0
        >>> sliced_wasserstein(black, white) > 1.0
        True
    """
    real, fake = (np.asarray(x, np.float32).reshape(len(x), -1) for x in (real, fake))  # (N, D)
    if real.shape != fake.shape:
        raise ValueError(f"real and fake: expected one shape, got {real.shape} and {fake.shape}")
    directions = np.random.default_rng(seed).normal(size=(real.shape[1], projections))
    directions = (directions / np.linalg.norm(directions, axis=0)).astype(np.float32)
    gaps = np.sort(real @ directions, axis=0) - np.sort(fake @ directions, axis=0)  # (N, P)
    distance = float(np.abs(gaps).mean(dtype=np.float64))
    if not np.isfinite(distance):
        raise ValueError("real and fake: expected finite pixels")
    return distance


def laplacian_wasserstein(real: np.ndarray, fake: np.ndarray, seed: int = 0) -> dict[int, float]:
    """Compute the sliced Wasserstein distance of 7x7 patches per level of a Laplacian pyramid.

    Karras et al. 2018 (progressive growing, PGGAN), section 5: from fine detail
    to the coarse whole.

    Deviations: both sets are normalized by the mean and standard deviation of
    the real patches' channels, where PGGAN's code normalizes each set by its
    own, which hides a wrong brightness or contrast; a deviation counts at least
    one gray level, so that a constant channel (such as an opaque alpha) does not
    divide by zero. 16 patches per image instead of 128, 2x2 means instead of a
    Gaussian filter between levels, no factor of 1000.

    Args:
        real: (N, H, W, C), of at least 16 pixels a side; integers in [0, 255], or
            floats in [-1, 1].
        fake: The same shape and range.
        seed: Seed of the patches and directions.

    Returns:
        {shorter side of the level in pixels: distance}.

    Raises:
        ValueError: Different shapes, or values that are not finite.

    Example:
        >>> images = np.random.default_rng(0).integers(0, 255, (8, 32, 32, 1))
        >>> laplacian_wasserstein(images, images)
        {32: 0.0, 16: 0.0}
    """
    if np.shape(real) != np.shape(fake):
        raise ValueError(f"real and fake: expected one shape, got {real.shape} and {fake.shape}")
    gray_level = 1.0 if np.issubdtype(np.asarray(real).dtype, np.integer) else 1.0 / 127.5
    distances, random = {}, np.random.default_rng(seed)
    real, fake = (np.asarray(images, np.float32) for images in (real, fake))
    while True:
        size = real.shape[1:3]
        last = any(side % 2 == 1 or side // 2 < SMALLEST_LEVEL for side in size)
        halves = [] if last else [_halved(images) for images in (real, fake)]
        levels = (real, fake)
        if not last:
            levels = tuple(
                images - half.repeat(2, axis=1).repeat(2, axis=2)
                for images, half in zip((real, fake), halves, strict=True)
            )
        places = [random.integers(0, side - PATCH + 1, len(real) * PATCHES) for side in size]
        patches = [_patches(images, places) for images in levels]
        mean, deviation = _moments(patches[0])
        first, second = ((each - mean) / np.maximum(deviation, gray_level) for each in patches)
        distances[min(size)] = sliced_wasserstein(first, second, seed=seed)
        if last:
            return distances
        real, fake = halves


def _moments(patches: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Mean and standard deviation of each channel, (C,) each, summed in float64."""
    axes = (0, 1, 2)
    return patches.mean(axes, dtype=np.float64), patches.std(axes, dtype=np.float64)


def _halved(images: np.ndarray) -> np.ndarray:
    count, height, width, channels = images.shape
    return images.reshape(count, height // 2, 2, width // 2, 2, channels).mean(axis=(2, 4))


def _patches(images: np.ndarray, places: np.ndarray) -> np.ndarray:
    """Patches (N * PATCHES, PATCH, PATCH, C) at the given top and left."""
    windows = np.lib.stride_tricks.sliding_window_view(images, (PATCH, PATCH), axis=(1, 2))
    which = np.arange(len(images)).repeat(PATCHES)
    return windows[which, places[0], places[1]].transpose(0, 2, 3, 1)
