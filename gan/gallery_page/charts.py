"""Line charts as SVG text, whose colors a style sheet sets."""

import math
from collections.abc import Mapping, Sequence
from html import escape

WIDTH, HEIGHT = 440, 230  # of a chart, in its own units
LEFT, RIGHT, TOP, BOTTOM = 48, 14, 34, 34  # margins around the plot
WIDE = 50.0  # ratio of the largest to the smallest value above which the axis is logarithmic
MOST_POINTS = 240  # per line

Points = Sequence[tuple[float, float]]


def ticks(low: float, high: float, about: int = 5) -> list[float]:
    """Choose round numbers between two values.

    Args:
        low: Smallest value.
        high: Largest value, above `low`.
        about: Number of ticks to aim for.

    Returns:
        Multiples of 1, 2, 2.5 or 5 times a power of ten within [low, high].

    Example:
        >>> ticks(0.0, 1.0)
        [0.0, 0.2, 0.4, 0.6, 0.8, 1.0]
    """
    rough = (high - low) / about
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(power * unit for unit in (1, 2, 2.5, 5, 10) if power * unit >= 0.999 * rough)
    first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
    return [round(number * step, 12) for number in range(first, last + 1)]


def thin(points: Points, most: int = MOST_POINTS) -> list[tuple[float, float]]:
    """Keep at most `most` points, evenly chosen, the first and the last among them.

    Example:
        >>> thin([(0, 1.0), (1, 2.0), (2, 3.0)], most=2)
        [(0, 1.0), (2, 3.0)]
    """
    if len(points) <= most:
        return list(points)
    return [points[round(n * (len(points) - 1) / (most - 1))] for n in range(most)]


def line_chart(title: str, lines: Mapping[str, Points], unit: str = "thousand images") -> str:
    """Draw lines over a common axis.

    The vertical axis is logarithmic if the values are positive and span more than
    a factor of 50.

    Args:
        title: Above the chart.
        lines: {name: (x, y) in the order of x}; those without points are left out.
        unit: Of x.

    Returns:
        An `<svg>` element; empty if no line has points. Line n has the class
        `line-n`. Every point tells its values on hover.

    Example:
        >>> line_chart("Loss", {"generator": [(0, 1.0), (10, 0.5)]})[:4]
        '<svg'
    """
    lines = {name: thin(points) for name, points in lines.items() if points}
    if not lines:
        return ""
    values = [y for points in lines.values() for _, y in points]
    logarithmic = min(values) > 0.0 and max(values) / min(values) > WIDE
    across = _Axis([x for points in lines.values() for x, _ in points], LEFT, WIDTH - RIGHT)
    up = _Axis(values, HEIGHT - BOTTOM, TOP, logarithmic)
    scale = ", logarithmic axis" if logarithmic else ""
    label = f"{title}: {', '.join(lines)}{scale}"
    parts = [
        f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{escape(label)}">',
        f'<text class="title" x="{LEFT}" y="16">{escape(title)}</text>',
        *_grid(across, up, unit),
    ]
    for number, (name, points) in enumerate(lines.items(), 1):
        places = [(across.place(x), up.place(y)) for x, y in points]
        path = " ".join(f"{x:.1f},{y:.1f}" for x, y in places)
        parts.append(f'<polyline class="line line-{number}" points="{path}"/>')
        for (x, y), (left, top) in zip(points, places, strict=True):
            text = escape(f"{name} {number_text(y)} at {number_text(x)} {unit}")
            parts.append(
                f'<circle class="dot line-{number}" cx="{left:.1f}" cy="{top:.1f}" r="6">'
                f"<title>{text}</title></circle>"
            )
    parts += _legend(lines)
    return "\n".join([*parts, "</svg>"])


def number_text(value: float) -> str:
    """Write a number with three or four significant digits and no exponent if it is short.

    Example:
        >>> number_text(0.00123), number_text(1234.5), number_text(2.0)
        ('0.00123', '1,234', '2')
    """
    if value == 0.0:
        return "0"
    if 1000 <= abs(value) < 1e7:
        return f"{value:,.0f}"
    return f"{value:.3g}"


class _Axis:
    """A linear or logarithmic map from values to places."""

    def __init__(self, values: Sequence[float], start: float, end: float, log: bool = False):
        self.start, self.end, self.log = start, end, log
        low, high = (self._scaled(bound) for bound in (min(values), max(values)))
        if high - low < 1e-9 * max(1.0, abs(high)):
            low, high = low - 0.5 * (abs(low) or 1.0), high + 0.5 * (abs(high) or 1.0)
        self.low, self.high = low, high

    def _scaled(self, value: float) -> float:
        return math.log10(value) if self.log else value

    def place(self, value: float) -> float:
        share = (self._scaled(value) - self.low) / (self.high - self.low)
        return self.start + share * (self.end - self.start)

    def ticks(self) -> list[float]:
        if not self.log:
            return ticks(self.low, self.high, about=4)
        powers = range(math.floor(self.low), math.ceil(self.high) + 1)
        return [
            unit * 10.0**power
            for power in powers
            for unit in ((1, 3) if self.high - self.low < 3 else (1,))
            if self.low <= math.log10(unit) + power <= self.high
        ]


def _grid(across: _Axis, up: _Axis, unit: str) -> list[str]:
    parts = []
    for value in up.ticks():
        y = up.place(value)
        parts.append(f'<path class="grid" d="M{LEFT} {y:.1f}H{WIDTH - RIGHT}"/>')
        text = escape(number_text(value))
        parts.append(f'<text class="tick" x="{LEFT - 6}" y="{y + 4:.1f}" dx="0">{text}</text>')
    bottom = HEIGHT - BOTTOM
    for value in across.ticks():
        x = across.place(value)
        text = escape(number_text(value))
        parts.append(f'<text class="tick mid" x="{x:.1f}" y="{bottom + 15}">{text}</text>')
    parts.append(f'<path class="axis" d="M{LEFT} {bottom}H{WIDTH - RIGHT}"/>')
    parts.append(f'<text class="unit" x="{WIDTH - RIGHT}" y="{HEIGHT - 5}">{escape(unit)}</text>')
    return parts


def _legend(lines: Mapping[str, Points]) -> list[str]:
    """Name each line with its last value, from the right edge leftwards."""
    parts, right = [], WIDTH - RIGHT
    for number, (name, points) in reversed(list(enumerate(lines.items(), 1))):
        text = f"{name} {number_text(points[-1][1])}"
        parts.append(f'<text class="key" x="{right}" y="16">{escape(text)}</text>')
        right -= 6.3 * len(text) + 6
        parts.append(f'<rect class="swatch line-{number}" x="{right - 6}" y="8" width="9" '
                     'height="9" rx="2"/>')  # fmt: skip
        right -= 20
    return parts
