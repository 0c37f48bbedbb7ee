"""Strokes follow their field, keep to their region and have the scene's colors."""

import numpy as np

from style_transfer.strokes import Layer, Scene, paint, sample, trace


def flat_scene(color=(200.0, 120.0, 40.0), angle=0.0):
    grid = (32, 32)
    region = np.zeros(grid, int)
    region[:, 16:] = 1
    return Scene(np.broadcast_to(color, (*grid, 3)), np.full(grid, angle), region, np.ones(grid))


def test_sampling_takes_the_cell_and_the_border_outside():
    grid = np.arange(4).reshape(2, 2)
    points = np.array([[0.1, 0.1], [0.9, 0.1], [0.1, 0.9], [7.0, 7.0], [-1.0, 0.2]])
    np.testing.assert_array_equal(sample(grid, points), [0, 1, 2, 3, 0])


def test_a_stroke_follows_the_field_and_is_as_long_as_asked():
    for angle, along in ((0.0, (1, 0)), (np.pi / 2, (0, 1))):
        (path,) = trace(flat_scene(angle=angle), np.array([[0.25, 0.5]]), 0.2)
        assert len(path) % 2 == 1
        np.testing.assert_allclose(path[-1] - path[0], 0.2 * np.array(along), atol=1e-9)
        np.testing.assert_allclose(path[len(path) // 2], [0.25, 0.5])


def test_a_stroke_ends_where_another_region_begins():
    (path,) = trace(flat_scene(), np.array([[0.45, 0.5]]), 0.4)
    assert path[:, 0].max() < 0.5
    assert path[:, 0].min() < 0.3


def test_strokes_cover_the_canvas_with_varied_tones_of_the_scene():
    layers = [Layer(0.06, 5.0, 4.0, 1.0, 8.0)]
    image = paint(flat_scene(), 96, layers, np.random.default_rng(0)).astype(float)
    assert image.shape == (96, 96, 3)
    assert np.abs(image.mean(axis=(0, 1)) - (200, 120, 40)).max() < 12
    assert image.std(axis=(0, 1)).min() > 6
    along, across = (np.abs(np.diff(image, axis=axis)).mean() for axis in (1, 0))
    assert along < 0.7 * across  # bristles lie along the field
