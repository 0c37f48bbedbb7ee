"""Checkerboards: energy at the frequencies of strided upsampling.

A layer that doubles the resolution treats even and odd pixels differently, which
adds patterns of a period of 2 pixels (the last doubling) or 4 (the one before) to
every image: Odena et al. 2016, "Deconvolution and Checkerboard Artifacts". In the
mean power spectrum they are peaks at multiples of a half and a quarter of the
sampling frequency (Zhang et al. 2019, "Detecting and Simulating Artifacts in GAN
Fake Images", section 3), where real images have none.
"""

import numpy as np

PERIODS = (2, 4)  # pixels
RING = 2  # bins from a peak to its neighbors; a Hann window spreads a peak over one bin
NOTHING = 1e-6  # power of a frequency that is not there


def peaks(images: np.ndarray) -> dict[int, np.ndarray]:
    """Compare the power at the frequencies of each period with that of their neighbors.

    The power is the mean over images and channels, under a Hann window, so that
    opposite borders which differ do not count. The neighbors of a frequency are the
    median of the 16 bins at a distance of `RING`.

    Args:
        images: (N, H, W, C), any range; at least 16 pixels a side.

    Returns:
        {period: ratios (K,)}: about 1 without a pattern. K is 3 for a period of 2
        pixels, along each axis and both, and 12 for 4.

    Example:
        >>> board = np.indices((32, 32)).sum(axis=0) % 2  # black and white pixels
        >>> noise = np.random.default_rng(0).normal(size=(500, 32, 32, 1))
        >>> [round(found.max()) for found in peaks(noise + board[..., None]).values()]
        [100, 1]
    """
    height, width = (side // 4 * 4 for side in images.shape[1:3])
    power = _spectrum(images[:, :height, :width])  # (height, width)
    ratios = {period: [] for period in PERIODS}
    for down in range(4):
        for across in range(4):
            if down or across:
                ratio = _over_neighbors(power, down * height // 4, across * width // 4)
                ratios[4 if down % 2 or across % 2 else 2].append(ratio)
    return {period: np.array(found) for period, found in ratios.items()}


def checkerboard(real: np.ndarray, fake: np.ndarray) -> dict[str, float]:
    """Compare the peaks of generated images with those of real ones.

    Args:
        real: (N, H, W, C).
        fake: (M, H, W, C), in the same range.

    Returns:
        {period in pixels: largest ratio of two peaks}: at most about 1 without a
        checkerboard.

    Example:
        >>> noise = np.random.default_rng(0).normal(size=(2, 500, 32, 32, 1))
        >>> board = np.indices((32, 32)).sum(axis=0) % 2
        >>> round(checkerboard(noise[0], noise[1] + board[..., None])["2"])
        97
    """
    both = zip(peaks(real).items(), peaks(fake).values(), strict=True)
    return {str(period): float((found / expected).max()) for (period, expected), found in both}


def _spectrum(images: np.ndarray, size: int = 256) -> np.ndarray:
    """Return the mean power of images without their means, (H, W), a slice of them at a time."""
    count, height, width, channels = images.shape
    rows, columns = (0.5 - 0.5 * np.cos(2 * np.pi * np.arange(n) / n) for n in (height, width))
    window = (rows[:, None] * columns)[..., None]  # (H, W, 1)
    total = np.zeros((height, width))
    for start in range(0, count, size):
        part = images[start : start + size].astype(np.float32)
        part = (part - part.mean(axis=(1, 2), keepdims=True)) * window
        total += (np.abs(np.fft.fft2(part, axes=(1, 2))) ** 2).sum(axis=(0, 3))
    return total / (count * channels)


def _over_neighbors(power: np.ndarray, row: int, column: int) -> float:
    """Divide the power of a frequency by the median of the square of bins around it."""
    reach = np.arange(-RING, RING + 1)
    around = power[np.ix_((row + reach) % len(power), (column + reach) % power.shape[1])]
    ring = np.ones(around.shape, bool)
    ring[1:-1, 1:-1] = False
    return float((around[RING, RING] + NOTHING) / (np.median(around[ring]) + NOTHING))
