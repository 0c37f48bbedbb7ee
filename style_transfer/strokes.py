"""Brush strokes along a field of directions, as Hertzmann 1998 paints: large ones first.

A stroke is a bundle of bristles, thin lines of slightly different colors that start and end at
different places. The bristles leave a relief of paint, which light from the upper left shades.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from PIL import Image, ImageDraw

STEPS = 7  # in either direction from the middle of a stroke
SCALE = 2  # the canvas is drawn larger and reduced, since Pillow's lines have hard edges
LIGHT = np.array([-0.6, -0.8])  # direction to the light, x to the right, y down
PIGMENTS = np.array(  # what a stray stroke is mixed with
    [(240, 138, 36), (250, 214, 84), (34, 132, 118), (104, 70, 160), (226, 96, 92), (238, 238, 218)]
)


class Scene(NamedTuple):
    """What is painted, on a square grid that covers the canvas.

    Attributes:
        color: (N, N, 3) in [0, 255].
        angle: (N, N), direction of the strokes in radians.
        region: (N, N) int; a stroke ends at the border of its region.
        detail: (N, N) in [0, 1], where fine strokes are needed.
    """

    color: np.ndarray
    angle: np.ndarray
    region: np.ndarray
    detail: np.ndarray


class Layer(NamedTuple):
    """Strokes of one size.

    Attributes:
        width: Of a stroke, as a fraction of the canvas.
        length: In widths.
        coverage: Area of all strokes in units of the canvas, if they lie everywhere.
        base: Probability of a stroke at a place without detail; that of the scene is
            added to it.
        variation: Standard deviation of a stroke's lightness, out of 255.
    """

    width: float
    length: float
    coverage: float
    base: float
    variation: float


def paint(
    scene: Scene, size: int, layers: Sequence[Layer], random: np.random.Generator
) -> np.ndarray:
    """Paint a scene, one layer over the other.

    Args:
        scene: Colors, directions, regions and detail.
        size: Side of the result in pixels.
        layers: From large strokes to small ones.
        random: Decides places and colors.

    Returns:
        uint8 (size, size, 3).

    Example:
        >>> layers = [Layer(0.03, 5.0, 3.0, 1.0, 9.0), Layer(0.01, 7.0, 1.0, 0.2, 12.0)]
        >>> paint(scene, 512, layers, np.random.default_rng(0)).shape
        (512, 512, 3)
    """
    side = SCALE * size
    ground = Image.fromarray(np.clip(scene.color, 0, 255).astype(np.uint8))
    colors = ground.resize((side, side), Image.Resampling.BILINEAR)
    relief = Image.new("L", (side, side), 128)
    for layer in layers:
        width = max(layer.width, 1.5 / size)
        count = int(layer.coverage / (width * width * layer.length)) + 1
        starts = _places(scene, count, layer.base, random)
        paths = trace(scene, starts, width * layer.length)
        tints = _tints(sample(scene.color, starts), layer.variation, random)
        _draw(
            (ImageDraw.Draw(colors), ImageDraw.Draw(relief)),
            paths * side,
            width * side,
            tints,
            random,
        )
    return _light(colors, relief, size)


def sample(grid: np.ndarray, points: np.ndarray) -> np.ndarray:
    """Return the values of a grid (N, N, ...) at points (..., 2), x and y in [0, 1]."""
    column, row = np.moveaxis(np.clip(points * len(grid), 0, len(grid) - 1).astype(int), -1, 0)
    return grid[row, column]


def trace(scene: Scene, starts: np.ndarray, length: float) -> np.ndarray:
    """Follow the field from the middle of each stroke, forwards and backwards.

    Args:
        scene: Names directions and regions.
        starts: (S, 2), x and y in [0, 1].
        length: Of a whole stroke, as a fraction of the canvas.

    Returns:
        (S, 2 STEPS + 1, 2). A stroke that meets another region stays at its last point.
    """
    home = sample(scene.region, starts)
    halves = []
    for sign in (-1.0, 1.0):
        point, alive, path = starts, np.ones(len(starts), bool), []
        for _ in range(STEPS):
            angle = sample(scene.angle, point)
            step = np.stack([np.cos(angle), np.sin(angle)], axis=-1) * (0.5 * sign * length / STEPS)
            alive = alive & (sample(scene.region, point + step) == home)
            point = np.where(alive[:, None], point + step, point)
            path.append(point)
        halves.append(path)
    return np.stack([*halves[0][::-1], starts, *halves[1]], axis=1)


def _places(scene: Scene, count: int, base: float, random: np.random.Generator) -> np.ndarray:
    """Spread about `count` places (S, 2) evenly, in random order, and keep those with strokes."""
    cells = int(np.ceil(np.sqrt(count)))
    grid = np.stack(np.meshgrid(np.arange(cells), np.arange(cells)), axis=-1).reshape(-1, 2)
    places = (random.permutation(grid) + random.random(grid.shape)) / cells
    return places[random.random(len(places)) < base + sample(scene.detail, places)]


def _tints(colors: np.ndarray, variation: float, random: np.random.Generator) -> np.ndarray:
    """Vary colors (S, 3): lighter or darker, warmer or cooler, and a few of another pigment."""
    count = len(colors)
    moves = np.array([(1.0, 1.0, 1.0), (1.0, 0.1, -1.0), (-0.5, 0.9, -0.4)])
    amounts = random.normal(size=(count, 3)) * (variation, 0.9 * variation, 0.6 * variation)
    stray = (random.random((count, 1)) < 0.06) * random.uniform(0.25, 0.6, (count, 1))
    pigment = PIGMENTS[random.integers(len(PIGMENTS), size=count)]
    return (1.0 - stray) * (colors + amounts @ moves) + stray * pigment


def _draw(
    surfaces: tuple[ImageDraw.ImageDraw, ImageDraw.ImageDraw],
    paths: np.ndarray,
    width: float,
    tints: np.ndarray,
    random: np.random.Generator,
) -> None:
    """Draw each path (S, P, 2), in pixels, as bristles side by side on colors and relief."""
    strokes, points, _ = paths.shape
    bristles = max(3, round(width / 4.0))
    across = np.linspace(-1.0, 1.0, bristles)  # of the half width
    along = np.gradient(paths, axis=1)
    normal = np.stack([-along[..., 1], along[..., 0]], axis=-1)
    normal /= np.maximum(np.linalg.norm(normal, axis=-1, keepdims=True), 1e-6)
    pressure = np.sin(np.pi * np.linspace(0.16, 0.86, points)) ** 0.5  # narrow ends
    offsets = 0.5 * width * across[:, None] * pressure  # (B, P)
    lines = paths[:, None] + offsets[..., None] * normal[:, None]  # (S, B, P, 2)
    facing = np.clip(normal.mean(axis=1) @ LIGHT, -1.0, 1.0)[:, None] * across  # (S, B)
    edge = facing * np.abs(across) ** 2
    grain = random.normal(size=(strokes, bristles))
    shades = np.clip(tints[:, None] + (20.0 * edge + 8.0 * grain)[..., None], 0, 255).astype(int)
    heights = np.clip(128.0 + 26.0 * grain + 60.0 * (1.0 - across**2) - 20.0, 0, 255).astype(int)
    first = random.integers(0, 3, (strokes, bristles))
    last = points - random.integers(0, 3, (strokes, bristles))
    thickness = max(2, round(1.5 * width / bristles))
    color, relief = surfaces
    for stroke in range(strokes):
        flat = lines[stroke].reshape(bristles, -1).tolist()
        for bristle in random.permutation(bristles).tolist():
            line = flat[bristle][2 * first[stroke, bristle] : 2 * last[stroke, bristle]]
            color.line(line, tuple(shades[stroke, bristle].tolist()), thickness)
            relief.line(line, int(heights[stroke, bristle]), thickness)


def _light(colors: Image.Image, relief: Image.Image, size: int) -> np.ndarray:
    """Reduce the canvas and shade it by the slope of its relief."""
    flat = np.asarray(colors.resize((size, size), Image.Resampling.LANCZOS), np.float64)
    height = np.asarray(relief.resize((size, size), Image.Resampling.BICUBIC), np.float64)
    down, right = np.gradient(height)
    shade = np.tanh(-(right * LIGHT[0] + down * LIGHT[1]) / 30.0)
    return np.clip(flat + 20.0 * shade[..., None], 0, 255).astype(np.uint8)
