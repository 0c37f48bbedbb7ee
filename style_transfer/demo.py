"""The embedded demonstration: a photo from matplotlib and a painting generated from noise."""

from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw

PALETTE = (  # night blue to lamp yellow, red, green, blue
    (18, 30, 74),
    (26, 58, 124),
    (44, 96, 164),
    (92, 148, 192),
    (170, 196, 190),
    (236, 208, 120),
    (246, 170, 52),
)


def photograph() -> Path:
    """Return the file of a portrait of Grace Hopper (United States Navy, public domain)."""
    import matplotlib

    return Path(matplotlib.get_data_path()) / "sample_data" / "grace_hopper.jpg"


def painting(size: int = 768, seed: int = 0) -> np.ndarray:
    """Draw thousands of curved strokes along a swirling field.

    A second field chooses the colors, so that they form regions. Thick strokes lie
    below thin ones.

    Args:
        size: Side in pixels.
        seed: Decides everything.

    Returns:
        uint8 (size, size, 3).
    """
    random = np.random.default_rng(seed)
    angle = 2.0 * np.pi * smooth_noise(size, size / 3.0, random)
    tone = smooth_noise(size, size / 5.0, random)
    order = np.argsort(np.argsort(tone.ravel())).reshape(tone.shape) / tone.size  # in [0, 1)
    canvas = Image.new("RGB", (size, size), PALETTE[1])
    draw = ImageDraw.Draw(canvas)
    palette = np.asarray(PALETTE, np.float64)
    for thickness, count in ((0.022, 1500), (0.012, 3500), (0.006, 5000)):
        width = max(1, round(thickness * size))
        for start in random.uniform(0, size, (count, 2)):
            points = _follow(angle, start, step=width * 0.8, steps=9)
            x, y = points[len(points) // 2].astype(int) % size
            shade = order[y, x] * (len(palette) - 1) + random.normal(0.0, 0.35)
            shade = float(np.clip(shade, 0, len(palette) - 1.001))
            share = shade - int(shade)
            color = (1 - share) * palette[int(shade)] + share * palette[int(shade) + 1]
            color = np.clip(color + random.normal(0.0, 9.0, 3), 0, 255).astype(int)
            draw.line([tuple(p) for p in points], tuple(color), width, joint="curve")
    return np.asarray(canvas)


def smooth_noise(size: int, scale: float, random: np.random.Generator) -> np.ndarray:
    """Draw Gaussian noise without detail finer than about `scale` pixels.

    Returns:
        (size, size), standard deviation 1.
    """
    frequency = np.hypot(np.fft.fftfreq(size)[:, None], np.fft.fftfreq(size)[None, :])
    spectrum = np.fft.fft2(random.normal(size=(size, size)))
    noise = np.fft.ifft2(spectrum * np.exp(-0.5 * (frequency * scale) ** 2)).real
    return noise / noise.std()


def _follow(angle: np.ndarray, start: np.ndarray, step: float, steps: int) -> np.ndarray:
    """Return a path (steps, 2) of x, y along the field, which wraps around."""
    size = len(angle)
    points = [start]
    for _ in range(steps - 1):
        x, y = points[-1].astype(int) % size
        direction = angle[y, x]
        points.append(points[-1] + step * np.array([np.cos(direction), np.sin(direction)]))
    return np.asarray(points)
