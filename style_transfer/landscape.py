"""The scene of the demonstration's painting: a moonlit river between hills and orchards.

Coordinates are fractions of the canvas, x to the right and y down. Objects are put over the sky
one after the other, from far to near; each is a region with colors and directions.
"""

import numpy as np

from style_transfer.strokes import Scene

SKY = (
    (22, 24, 84),
    (34, 54, 150),
    (44, 100, 192),
    (84, 158, 210),
    (158, 212, 208),
    (250, 232, 166),
)
GLOW = (
    (255, 252, 224),
    (255, 236, 134),
    (252, 192, 62),
    (242, 142, 58),
    (206, 220, 142),
    (104, 186, 210),
)
HILLS = (
    ((66, 62, 146), (104, 112, 190), (150, 164, 206), (236, 172, 160)),
    ((18, 70, 98), (28, 116, 122), (84, 166, 126), (216, 212, 108)),
    ((20, 58, 80), (36, 112, 80), (134, 160, 60), (242, 184, 60)),
)
FIELD = (
    (26, 70, 74),
    (48, 124, 76),
    (156, 172, 62),
    (244, 196, 72),
    (230, 112, 50),
    (150, 48, 84),
    (82, 54, 128),
)
CROWN = ((52, 28, 84), (24, 84, 84), (116, 140, 54), (240, 150, 46), (255, 206, 122))
TRUNK = ((40, 26, 66), (94, 52, 74), (176, 110, 74))
RIVER = ((18, 30, 92), (32, 72, 156), (58, 126, 190), (136, 190, 204))
GLINT = ((255, 246, 196), (255, 216, 96), (246, 154, 54))
WALLS = ((238, 214, 170), (206, 190, 204), (244, 178, 116))
ROOFS = ((206, 74, 52), (120, 54, 96), (232, 122, 48))
SAIL = ((255, 244, 208), (250, 176, 66), (206, 82, 48))
HORIZON = 0.60


def scene(side: int, random: np.random.Generator) -> Scene:
    """Compose the scene.

    Args:
        side: Cells of the grid per side.
        random: Moves lights, whirls, ridges and trees a little.

    Returns:
        Colors, directions, regions and detail.
    """
    y, x = (np.mgrid[:side, :side] + 0.5) / side
    moon = np.array([0.30, 0.29]) + random.uniform(-0.02, 0.02, 2)
    canvas = Canvas(*_sky(x, y, moon, random))
    for number, palette in enumerate(HILLS):
        ridge = _ridge(x, HORIZON - 0.075 + 0.055 * number, 0.034 + 0.004 * number, random)
        depth = y - ridge
        wave = np.cos(2 * np.pi * (depth * (24 - 5 * number) + 0.6 * np.sin(7 * x + 3 * number)))
        tone = 0.45 + 0.42 * wave - 1.2 * depth + 0.25 * np.exp(-((x - moon[0]) ** 2) / 0.05)
        canvas.put(depth > 0, ramp(palette, tone), _slope(ridge) * (1 - 3 * depth), 0.4)
    _fields(x, y, canvas, random)
    _river(x, y, moon, canvas, random)
    _village(x, y, canvas)
    _boat(x, y, canvas)
    for foot, base, radius in ((0.665, 0.79, 0.058), (0.055, 0.80, 0.085), (0.88, 0.90, 0.135)):
        _tree(x, y, (foot + random.uniform(-0.015, 0.015), base, radius), canvas, random)
    return Scene(canvas.color, canvas.angle, canvas.region, np.clip(canvas.detail, 0, 1))


class Canvas:
    """Grids of colors, directions, regions and detail, on which objects are put."""

    def __init__(self, color: np.ndarray, angle: np.ndarray, detail: np.ndarray):
        """Start with a background.

        Args:
            color: (N, N, 3).
            angle: (N, N).
            detail: (N, N).
        """
        self.color, self.angle, self.detail = color, angle, detail
        self.region = np.zeros(angle.shape, int)

    def put(self, mask: np.ndarray, color: np.ndarray, angle: np.ndarray, detail: float) -> None:
        """Put an object over what is there.

        Args:
            mask: (N, N) bool, where it is.
            color: Broadcast to (N, N, 3).
            angle: Broadcast to (N, N).
            detail: In [0, 1].
        """
        self.color[mask] = np.broadcast_to(color, self.color.shape)[mask]
        self.angle[mask] = np.broadcast_to(angle, mask.shape)[mask]
        self.detail[mask] = detail
        self.region[mask] = self.region.max() + 1


def ramp(colors: tuple, tone: np.ndarray) -> np.ndarray:
    """Interpolate between colors.

    Args:
        colors: K colors, out of 255.
        tone: Any shape, 0 for the first color and 1 for the last, clipped.

    Returns:
        (..., 3).

    Example:
        >>> ramp(((0, 0, 0), (200, 100, 0)), np.array([0.5]))
        array([[100.,  50.,   0.]])
    """
    places = np.linspace(0.0, 1.0, len(colors))
    return np.stack([np.interp(tone, places, channel) for channel in np.transpose(colors)], axis=-1)


def _sky(x, y, moon, random):
    """Colors, directions and detail of a sky that flows around whirls and lights."""
    places = (
        *((0.66, 0.20, 0.150, 1), (0.87, 0.39, 0.100, -1)),  # x, y, radius and turn of whirls
        *((0.05, 0.15, 0.110, -1), (0.53, 0.43, 0.085, 1)),
        *((0.08, 0.41, 0.042, 0), (0.23, 0.06, 0.038, 0), (0.46, 0.09, 0.034, 0)),  # and lights
        *((0.90, 0.10, 0.055, 0), (0.70, 0.44, 0.036, 0), (0.49, 0.27, 0.024, 0)),
        *((0.98, 0.25, 0.028, 0), (0.36, 0.47, 0.022, 0)),
    )
    moved = [(*random.uniform(-0.02, 0.02, 2) + each[:2], *each[2:]) for each in places]
    whirls = [each for each in moved if each[3]]
    lights = [(*moon, 0.100, 0), *(each for each in moved if not each[3])]
    drift = 0.05 * np.sin(2 * np.pi * (1.1 * x + 0.4 * y + random.random()))
    stream = y + drift + 0.015 * np.sin(2 * np.pi * (2.7 * x - 1.3 * y + random.random()))
    band = np.cos(2 * np.pi * (8 * stream + 0.25 * np.sin(2 * np.pi * 1.3 * x)))
    share, inward = np.zeros_like(x), np.zeros_like(x)
    for a, b, radius, turn in whirls:
        distance = np.hypot(x - a, y - b)
        near = np.exp(-((distance / radius) ** 2))
        stream = stream + turn * 2.6 * radius * near
        arms = turn * 2 * np.arctan2(y - b, x - a) + 11 * np.log(distance / radius + 0.12)
        weight = np.clip(1.6 * near, 0, 1)
        band = (1 - weight) * band + weight * np.cos(arms)
        share, inward = np.maximum(share, weight), inward + 0.25 * turn * near
    down, right = np.gradient(stream, 1 / len(x))
    flow = np.exp(1j * inward) * (down - 1j * right)
    tone = 0.16 + 0.46 * y / HORIZON + (0.20 + 0.12 * share) * band
    color, detail = ramp(SKY, tone), 0.35 + 0.5 * share
    for a, b, radius, _ in lights:
        away = (x - a) + 1j * (y - b)
        beyond = np.maximum(0, np.abs(away) - 0.35 * radius) / radius
        rings = 0.09 * np.cos(2 * np.pi * np.abs(away) / (0.40 * radius))
        weight = np.clip(2.2 * np.exp(-(beyond**2)) - 0.35, 0, 1)
        glow = ramp(GLOW, 0.93 * beyond + rings)
        color = color + weight[..., None] * (glow - color)
        detail = np.maximum(detail, weight)
        around = np.exp(-((beyond / 1.5) ** 2))
        flow = (1 - around) * flow / np.maximum(np.abs(flow), 1e-9)
        flow = flow + around * 1j * away / np.maximum(np.abs(away), 1e-9)
    return color, np.angle(flow), detail


def _ridge(x, height, swing, random):
    """The height of a range of hills over x."""
    waves = (
        np.sin(2 * np.pi * (rate * x + random.random())) / rate**0.7 for rate in (0.8, 1.7, 3.1)
    )
    return height + 0.6 * swing * sum(waves)


def _slope(ridge):
    """The angle of the curves y = ridge(x)."""
    return np.arctan(np.gradient(ridge, 1 / len(ridge), axis=1))


def _fields(x, y, canvas, random):
    """Fields in the foreground, in strips that converge on a point at the horizon."""
    ridge = _ridge(x, 0.735, 0.022, random)
    across = (x - 0.42) / np.maximum(y - 0.56, 0.02)
    strips = np.sin(5.2 * across + 9.0 * (y - 0.7) + random.uniform(0, 6))
    tone = 0.5 + 0.42 * strips + 0.16 * np.sin(31 * y + 8 * x)
    angle = np.arctan2(y - 0.56, x - 0.42) + 0.35 * np.sin(9 * x + 7 * y)
    canvas.put(y > ridge, ramp(FIELD, tone), angle, 0.5)


def _river(x, y, moon, canvas, random):
    """A river that reflects the sky and, below the moon, its light."""
    top = HORIZON + 0.045
    depth = np.clip((y - top) / (1 - top), 0, 1)
    middle = moon[0] + 0.10 * np.sin(4.4 * depth) * (1 - 0.6 * depth) + 0.05 * depth
    half = 0.03 + 0.20 * depth**1.3 + 0.012 * np.sin(15 * depth + random.uniform(0, 6))
    ripple = np.cos(2 * np.pi * (15 * np.sqrt(depth + 0.02) + 0.5 * np.sin(9 * x)))
    water = ramp(RIVER, 0.42 + 0.36 * ripple)
    column = np.exp(-(((x - moon[0] - 0.03 * ripple) / (0.035 + 0.07 * depth)) ** 2))
    light = np.clip(6 * (column * (0.7 + 0.6 * ripple) - 0.45), 0, 1)[..., None]
    water = water + light * (ramp(GLINT, 1.1 - column + 0.3 * depth) - water)
    inside = (np.abs(x - middle) < half) & (y > top)
    canvas.put(inside, water, 0.12 * np.cos(20 * x + 9 * y), 0.8)


def _village(x, y, canvas):
    """Houses with lit windows on the far bank."""
    for number, (left, base, width) in enumerate(
        ((0.40, 0.650, 0.040), (0.555, 0.655, 0.050), (0.46, 0.668, 0.055), (0.615, 0.68, 0.042))
    ):
        u, v = (x - left) / width, (base - y) / width
        wall = (u > 0) & (u < 1) & (v > 0) & (v < 0.75)
        roof = (v >= 0.75) & (v < 1.45 - 1.5 * np.abs(u - 0.5)) & (np.abs(u - 0.5) < 0.6)
        window = (np.abs(u - 0.5) < 0.2) & (np.abs(v - 0.36) < 0.2)
        canvas.put(wall, np.array(WALLS[number % 3]), np.pi / 2, 1.0)
        canvas.put(roof, np.array(ROOFS[number % 3]), np.where(u < 0.5, -0.9, 0.9), 1.0)
        canvas.put(window, np.array((255, 222, 92)), 0.0, 1.0)


def _boat(x, y, canvas):
    """A boat with two sails on the river."""
    u, v = (x - 0.385) / 0.075, (0.870 - y) / 0.075
    hull = (np.abs(u) < 0.86 + 0.8 * (v - 0.1)) & (v > -0.22) & (v < 0.14)
    main = (v > 0.2) & (u > 0.04) & (u < 0.85 * (1 - (v - 0.2) / 2.0))
    jib = (v > 0.2) & (u < -0.06) & (u > -0.6 * (1 - (v - 0.2) / 1.6))
    shadow = (np.abs(u) < 0.75 + 0.5 * (v + 0.22)) & (v < -0.26) & (np.sin(23 * v) > -0.1)
    canvas.put(shadow, ramp(SAIL, 0.7 + 0.3 * v), 0.0, 1.0)
    canvas.put(main, ramp(SAIL, 0.25 + 0.5 * u), 1.9, 1.0)
    canvas.put(jib, ramp(SAIL, 0.6 - 0.5 * u), 1.2, 1.0)
    canvas.put(hull, np.array((88, 34, 62)), 0.0, 1.0)


def _tree(x, y, place, canvas, random):
    """An orchard tree, lit from the upper left, with a trunk that stands on (foot, base)."""
    foot, base, radius = place
    middle = base - 1.9 * radius
    lean = foot + 0.10 * radius * np.sin(9 * (base - y) / radius)
    girth = 0.10 * radius * (1.0 + 1.4 * np.clip(1 - (base - y) / (0.7 * radius), 0, 1) ** 2)
    trunk = (np.abs(x - lean) < girth) & (y < base) & (y > middle)
    canvas.put(trunk, ramp(TRUNK, 0.5 - 0.5 * (x - lean) / girth), np.pi / 2, 1.0)
    away = (x - foot) / (1.05 * radius) + 1j * (y - middle) / radius
    turn = np.angle(away)
    lobes = 1 + 0.07 * np.sin(5 * turn + random.uniform(0, 6)) + 0.04 * np.sin(11 * turn)
    distance = np.abs(away) / lobes
    light = -(0.6 * away.real + 0.8 * away.imag)
    tone = 0.42 + 0.36 * light + 0.26 * np.cos(8 * distance + 3 * np.sin(2 * turn))
    canvas.put(distance < 1, ramp(CROWN, tone), turn + np.pi / 2 + 0.5 * np.sin(6 * distance), 0.9)
