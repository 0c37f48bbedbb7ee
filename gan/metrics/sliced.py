"""Distances between sets of pictures or of their features, and what a set lacks.

Everything here is NumPy in float64 on arrays that fit into memory; `real` and
`fake` are (N, D) features unless said otherwise. Which features, how many and of
which pictures decides what a number means: see `gan.evaluate`.
"""

import numpy as np


def sliced_wasserstein(
    real: np.ndarray, fake: np.ndarray, projections: int = 128, seed: int = 0
) -> float:
    """How far two sets of pictures are apart along random directions in pixel space.

    Cheap enough for every tick of a run. It sees collapse, noise and wrong
    brightness, but not whether a picture is readable.

    Args:
        real, fake: (N, ...) of one shape and the same value range.
        projections: random unit vectors to average over.
        seed: draws them.

    Returns:
        The mean over the directions of the 1-Wasserstein distance between the
        projected sets (Rabin et al. 2012), in the pictures' own units.
    """
    real, fake = (np.asarray(x, np.float32).reshape(len(x), -1) for x in (real, fake))  # (N, D)
    if real.shape != fake.shape:
        raise ValueError(f"real and fake: expected one shape, got {real.shape} and {fake.shape}")
    directions = np.random.default_rng(seed).normal(size=(real.shape[1], projections))
    directions = (directions / np.linalg.norm(directions, axis=0)).astype(np.float32)
    gaps = np.sort(real @ directions, axis=0) - np.sort(fake @ directions, axis=0)  # (N, P)
    return float(np.abs(gaps).mean())


PATCH, PATCHES = 7, 16  # pixels of a side; patches of a picture and a level
SMALLEST_LEVEL = 16  # pixels


def laplacian_wasserstein(real: np.ndarray, fake: np.ndarray, seed: int = 0) -> dict[int, float]:
    """The sliced Wasserstein distance of 7x7 patches on every level of a Laplacian pyramid.

    Karras et al. 2018, section 5: {resolution: distance}, from fine detail to
    the coarse whole; patches are normalised by the real set's mean and
    deviation of each channel. Deviations: 16 patches of a picture instead of
    128, and 2x2 means instead of a Gaussian filter between levels.

    Args:
        real, fake: (N, H, W, C) of one shape, H = W at least 16.
    """
    distances, random = {}, np.random.default_rng(seed)
    real, fake = (np.asarray(images, np.float32) for images in (real, fake))
    while True:
        size = real.shape[1]
        last = size % 2 == 1 or size // 2 < SMALLEST_LEVEL
        halves = [] if last else [_halved(images) for images in (real, fake)]
        levels = (real, fake)
        if not last:
            levels = tuple(
                images - half.repeat(2, axis=1).repeat(2, axis=2)
                for images, half in zip((real, fake), halves, strict=True)
            )
        places = random.integers(0, size - PATCH + 1, (2, len(real) * PATCHES))
        patches = [_patches(images, places) for images in levels]
        mean = patches[0].mean(axis=(0, 1, 2))
        deviation = patches[0].std(axis=(0, 1, 2)) + 1e-8
        first, second = ((each - mean) / deviation for each in patches)
        distances[size] = sliced_wasserstein(first, second, seed=seed)
        if last:
            return distances
        real, fake = halves


def _halved(images: np.ndarray) -> np.ndarray:
    count, height, width, channels = images.shape
    return images.reshape(count, height // 2, 2, width // 2, 2, channels).mean(axis=(2, 4))


def _patches(images: np.ndarray, places: np.ndarray) -> np.ndarray:
    """(N * PATCHES, PATCH, PATCH, C) at the given top and left."""
    windows = np.lib.stride_tricks.sliding_window_view(images, (PATCH, PATCH), axis=(1, 2))
    which = np.arange(len(images)).repeat(PATCHES)
    return windows[which, places[0], places[1]].transpose(0, 2, 3, 1)  # (N P, PATCH, PATCH, C)
