"""The scene of the painting: colors between those of its palettes, strokes around its lights."""

import numpy as np
import pytest

from style_transfer.landscape import Canvas, ramp, scene
from style_transfer.strokes import sample


def test_a_ramp_passes_through_its_colors():
    colors = ((0, 0, 0), (200, 100, 0), (200, 200, 200))
    tones = np.array([-1.0, 0.0, 0.25, 0.5, 0.75, 1.0, 2.0])
    red, green, blue = ramp(colors, tones).T
    np.testing.assert_allclose(red, [0, 0, 100, 200, 200, 200, 200])
    np.testing.assert_allclose(green, [0, 0, 50, 100, 150, 200, 200])
    np.testing.assert_allclose(blue, [0, 0, 0, 0, 100, 200, 200])


def test_an_object_covers_what_is_behind_it_and_is_a_region():
    canvas = Canvas(np.zeros((4, 4, 3)), np.zeros((4, 4)), np.zeros((4, 4)))
    mask = np.zeros((4, 4), bool)
    mask[1:3] = True
    canvas.put(mask, np.array((9, 8, 7)), 0.5, 0.25)
    canvas.put(mask & mask.T, np.array((1, 1, 1)), 0.0, 1.0)
    np.testing.assert_array_equal(canvas.region[1], [1, 2, 2, 1])
    np.testing.assert_array_equal(canvas.color[1, 0], [9, 8, 7])
    np.testing.assert_array_equal(canvas.angle[1], [0.5, 0.0, 0.0, 0.5])
    np.testing.assert_array_equal(canvas.detail[0], [0, 0, 0, 0])


@pytest.mark.parametrize("seed", range(3))
def test_strokes_turn_around_the_moon(seed):
    found = scene(120, np.random.default_rng(seed))
    lightness = found.color[20:50, 20:50].sum(axis=2)  # around it
    row, column = np.argwhere(lightness > 600).mean(axis=0)
    middle = (np.array([20 + column, 20 + row]) + 0.5) / 120
    turn = np.linspace(0, 2 * np.pi, 12, endpoint=False)
    around = middle + 0.06 * np.stack([np.cos(turn), np.sin(turn)], axis=-1)
    across = np.cos(sample(found.angle, around) - turn)  # 0: at a right angle to the radius
    assert np.median(np.abs(across)) < 0.35


def test_a_scene_has_every_cell_in_range():
    found = scene(64, np.random.default_rng(0))
    assert found.color.shape == (64, 64, 3)
    assert found.color.min() >= 0.0
    assert found.color.max() <= 255.0
    assert np.isfinite(found.angle).all()
    assert len(np.unique(found.region)) > 8  # sky, hills, fields, river, houses, boat, trees
    assert found.detail.min() >= 0.0
    assert found.detail.max() <= 1.0
