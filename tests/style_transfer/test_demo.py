"""The photo and the painting of the demonstration."""

import colorsys

import numpy as np
import pytest

from style_transfer import demo


def test_the_painting_depends_on_the_seed_alone():
    first = demo.painting(48, seed=1)
    assert first.shape == (48, 48, 3)
    assert first.dtype == np.uint8
    np.testing.assert_array_equal(demo.painting(48, seed=1), first)
    assert (demo.painting(48, seed=2) != first).any()


@pytest.mark.parametrize("seed", range(3))
def test_the_painting_is_rich_in_colors_and_lights(seed):
    pixels = demo.painting(96, seed).reshape(-1, 3) / 255.0
    hue, saturation, _ = np.array([colorsys.rgb_to_hsv(*pixel) for pixel in pixels]).T
    vivid = hue[saturation > 0.35]
    shares = np.histogram(vivid, bins=[0.0, 0.11, 0.19, 0.45, 0.55, 0.72, 1.0])[0] / len(pixels)
    assert (shares > 0.02).all(), shares  # orange, yellow, green, turquoise, blue, violet and red
    lightness = pixels @ (0.299, 0.587, 0.114)
    assert np.quantile(lightness, 0.05) < 0.25
    assert np.quantile(lightness, 0.97) > 0.75


def test_the_photo_is_a_file():
    assert demo.photograph().is_file()
