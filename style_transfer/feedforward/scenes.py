"""Content to practise on without photos: generated scenes and matplotlib's photograph.

The scenes are dead leaves (Lee, Mumford and Huang 2001, Occlusion Models for Natural
Images): opaque shapes of power-law sizes that hide each other, whose edges and
contrasts have the statistics of photographs. Here each has a gradient and a cloudy
texture, and some are long.
"""

import numpy as np
from tqdm import tqdm

from common import images as image_io
from style_transfer import demo, landscape

SCENES, LANDSCAPES = 12, 3
LARGEST = 512  # pixels of a scene's side; the leaves' statistics are those of any scale
SIZES = 0.012, 0.45  # radii of the leaves, as fractions of the side
LEAVES = 700


def contents(side: int, seed: int) -> list[np.ndarray]:
    """Return the embedded photograph, dead leaves and landscapes; this takes some seconds.

    Args:
        side: Of the scenes, in pixels; they have at most `LARGEST`.
        seed: Decides on the scenes.

    Returns:
        uint8 (H, W, 3) each. The photograph is there as often as all scenes together, as
        it is the only one.

    Example:
        >>> len(contents(64, seed=0))
        30
    """
    random, drawn = np.random.default_rng(seed), min(side, LARGEST)
    photo = image_io.as_image(demo.photograph())
    longer = min(side, max(photo.size))
    photo = np.asarray(image_io.resize(photo, image_io.fit_longer_side(photo.size, longer)))
    artists = [dead_leaves] * SCENES + [_landscape] * LANDSCAPES
    found = [draw(drawn, random) for draw in tqdm(artists, desc="drawing scenes", leave=False)]
    return [photo] * len(found) + found


def dead_leaves(side: int, random: np.random.Generator, leaves: int = LEAVES) -> np.ndarray:
    """Draw one scene.

    Args:
        side: In pixels.
        random: Decides everything.
        leaves: Number of shapes.

    Returns:
        uint8 (side, side, 3).

    Example:
        >>> dead_leaves(64, np.random.default_rng(0)).shape
        (64, 64, 3)
    """
    texture = clouds(side, random)
    palette = np.clip(random.uniform(0, 1, (6, 1)) + random.normal(0, 0.15, (6, 3)), 0, 1)
    scene = np.empty((side, side, 3), np.float32)
    scene[:] = palette[0] + 0.4 * (texture[..., None] - 0.5)
    low, high = (size * side for size in SIZES)
    # radii with density r^-3, the large ones mostly behind
    radii = low / np.sqrt(random.uniform((low / high) ** 2, 1.0, leaves))
    radii = radii[np.argsort(-radii * random.uniform(0.3, 1.0, leaves))]
    for radius in radii:
        _put_leaf(scene, texture, palette, radius, random)
    return (255.0 * np.clip(scene, 0.0, 1.0)).astype(np.uint8)


def _landscape(side: int, random: np.random.Generator) -> np.ndarray:
    color = landscape.scene(min(side, demo.CELLS), random).color
    return np.clip(color, 0, 255).astype(np.uint8)


def clouds(side: int, random: np.random.Generator, exponent: float = 1.6) -> np.ndarray:
    """Draw noise with a power spectrum of f^(-2 exponent), (side, side) in [0, 1]."""
    down, across = np.fft.fftfreq(side)[:, None], np.fft.rfftfreq(side)[None]
    frequency = np.maximum(np.hypot(down, across), 1.0 / side)
    spectrum = np.fft.rfft2(random.normal(size=(side, side))) / frequency**exponent
    values = np.fft.irfft2(spectrum, (side, side))
    return ((values - values.min()) / max(np.ptp(values), 1e-9)).astype(np.float32)


def _put_leaf(scene, texture, palette, radius, random):
    """Put a shape at a random place over what is there."""
    side = len(scene)
    x, y = random.uniform(-0.1 * side, 1.1 * side, 2)
    left, right = (int(np.clip(x + sign * radius, 0, side)) for sign in (-1, 1))
    top, bottom = (int(np.clip(y + sign * radius, 0, side)) for sign in (-1, 1))
    if right - left < 2 or bottom - top < 2:
        return
    down, across = np.mgrid[top:bottom, left:right].astype(np.float32)
    down, across = (down - y) / radius, (across - x) / radius
    turn, thin = random.uniform(0, 2 * np.pi), random.choice((1.0, 1.0, 0.6, 0.25))
    along = across * np.cos(turn) + down * np.sin(turn)
    beside = (down * np.cos(turn) - across * np.sin(turn)) / thin
    power = random.choice((1.0, 2.0, 2.0, 8.0))  # diamonds, ellipses, boxes
    inside = np.abs(along) ** power + np.abs(beside) ** power < 1.0
    along = along[inside]
    first, second = palette[random.integers(len(palette), size=2)]
    first = np.clip(first + random.normal(0, 0.12, 3), 0, 1)
    share = 0.5 + 0.5 * np.clip(along, -1, 1) * random.uniform(0, 1)
    color = first + share[:, None] * random.uniform(0, 0.6) * (second - first)  # (N, 3)
    grain = texture[top:bottom, left:right][:: random.choice((-1, 1))][inside]
    scene[top:bottom, left:right][inside] = color + random.uniform(0, 0.7) * (grain[:, None] - 0.5)
