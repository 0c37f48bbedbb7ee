import re
import xml.etree.ElementTree as ElementTree

import pytest

from gan.gallery_page.charts import (
    BOTTOM,
    HEIGHT,
    LEFT,
    RIGHT,
    TOP,
    WIDTH,
    line_chart,
    number_text,
    thin,
    ticks,
)


@pytest.mark.parametrize(
    ("low", "high", "expected"),
    [
        (0.0, 1.0, [0.0, 0.2, 0.4, 0.6, 0.8, 1.0]),
        (-3.0, 7.0, [-2.0, 0.0, 2.0, 4.0, 6.0]),
        (1190.0, 2440.0, [1250.0, 1500.0, 1750.0, 2000.0, 2250.0]),
    ],
)
def test_ticks_are_round_numbers_within_the_range(low, high, expected):
    assert ticks(low, high) == expected


def test_few_points_stay_and_many_become_fewer():
    points = [(n, float(n)) for n in range(1000)]
    assert thin(points[:3]) == points[:3]
    assert len(thin(points, 10)) == 10
    assert thin(points, 10)[0] == points[0]
    assert thin(points, 10)[-1] == points[-1]


@pytest.mark.parametrize(
    ("value", "text"),
    [(0.0, "0"), (0.00123, "0.00123"), (1234.5, "1,234"), (2.0, "2"), (1e-9, "1e-09")],
)
def test_numbers_are_short(value, text):
    assert number_text(value) == text


def places(svg, number=1):
    path = re.search(rf'class="line line-{number}" points="([^"]*)"', svg)[1]
    return [tuple(map(float, pair.split(","))) for pair in path.split()]


def test_a_line_fills_the_plot_from_corner_to_corner():
    svg = line_chart("Loss <G>", {"a": [(0, 1.0), (5, 2.0), (10, 3.0)], "none": []})
    ElementTree.fromstring(svg)  # well formed
    assert "Loss &lt;G&gt;" in svg
    assert "none" not in svg
    left, right, top, bottom = LEFT, WIDTH - RIGHT, TOP, HEIGHT - BOTTOM
    middle = ((left + right) / 2, (top + bottom) / 2)
    assert places(svg) == [(left, bottom), middle, (right, top)]


def test_values_over_a_wide_range_have_a_logarithmic_axis():
    svg = line_chart("Distance", {"a": [(0, 100.0), (1, 10.0), (2, 1.0)]})
    top, middle, bottom = (y for _, y in places(svg))
    assert middle == pytest.approx((top + bottom) / 2)
    assert "logarithmic" in svg


def test_a_constant_or_single_value_is_drawn_in_the_middle():
    for points in ([(3, 0.5)], [(3, 0.0), (4, 0.0)]):
        (_, y), *_ = places(line_chart("Loss", {"a": points}))
        assert y == pytest.approx((TOP + HEIGHT - BOTTOM) / 2)
    assert line_chart("Loss", {"a": []}) == ""
