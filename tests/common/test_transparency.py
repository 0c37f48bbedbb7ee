import numpy as np
import pytest
from PIL import Image

from common import transparency


def repainted(image):
    """Return what a painting that changes nothing makes of an image, as uint8."""
    result = transparency.with_alpha(transparency.fill(image), image)
    return np.rint(result * 255.0).astype(np.uint8)


@pytest.mark.parametrize(
    "color", [(0, 0, 0, 64), (200, 0, 0, 99), (255, 255, 255, 1), (9, 8, 7, 255)]
)
def test_a_uniform_transparent_image_comes_back(color):
    found = repainted(Image.new("RGBA", (5, 3), color))
    assert np.abs(found.astype(int) - color).max() <= 1


def test_alpha_is_shown_over_a_checkerboard():
    image = np.zeros((16, 24, 4), np.uint8)
    image[:, :8] = (200, 100, 0, 255)
    image[:, 8:16] = (200, 100, 0, 51)  # a fifth
    found = transparency.over_checker(image)
    assert found.shape == (16, 24, 3)
    assert found[0, ::8].tolist() == [[200, 100, 0], [203, 183, 163], [255] * 3]
    assert found[8, ::8].tolist() == [[200, 100, 0], [244, 224, 204], [204] * 3]
    assert transparency.over_checker(found) is found


def test_an_opaque_image_is_only_converted():
    image = Image.new("RGB", (2, 3), (10, 20, 30))
    colors = transparency.fill(image)
    assert colors.shape == (3, 2, 3)
    assert colors.dtype == np.float32
    np.testing.assert_allclose(colors[0, 0] * 255.0, [10, 20, 30], rtol=1e-6)
    assert transparency.with_alpha(colors, image).shape == (3, 2, 3)


@pytest.mark.parametrize("hidden", [(0, 0, 0), (255, 255, 255), (0, 255, 0)])
@pytest.mark.parametrize("side", [16, 23])
def test_an_edge_has_no_fringe_on_any_background(hidden, side):
    """A red disc with a soft edge; the color below alpha 0 must not show."""
    y, x = np.mgrid[:side, :side] - (side - 1) / 2.0
    alpha = np.clip(side / 3.0 - np.hypot(y, x) + 0.5, 0.0, 1.0)
    values = np.zeros((side, side, 4), np.uint8)
    values[..., :3] = np.where(alpha[..., None] > 0.0, (200, 0, 0), hidden)
    values[..., 3] = np.rint(255.0 * alpha)
    filled = transparency.fill(Image.fromarray(values)) * 255.0
    np.testing.assert_allclose(filled, np.broadcast_to((200.0, 0.0, 0.0), filled.shape), atol=0.01)
    np.testing.assert_array_equal(repainted(Image.fromarray(values))[..., 3], values[..., 3])


def test_hidden_pixels_take_the_nearest_visible_color():
    values = np.zeros((8, 16, 4), np.uint8)
    values[:, 0] = (255, 0, 0, 255)
    values[:, 15] = (0, 0, 255, 255)
    filled = transparency.fill(Image.fromarray(values))
    np.testing.assert_array_equal(filled[:, 0] * 255, values[:, 0, :3])
    assert (filled[:, 1, 0] > 0.7).all()
    assert (filled[:, 14, 2] > 0.7).all()
    np.testing.assert_allclose(filled.sum(axis=2), 1.0, atol=1e-5)


def test_an_image_without_a_visible_pixel_is_white():
    filled = transparency.fill(Image.new("RGBA", (3, 5), (0, 0, 0, 0)))
    np.testing.assert_array_equal(filled, np.ones((5, 3, 3)))
