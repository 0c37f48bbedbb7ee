"""Content and style of any shape, flat images and equal images."""

import dataclasses

import numpy as np
import pytest
import tensorflow as tf

from common.errors import InputError
from style_transfer import prepare, stylize
from style_transfer.config import CONTENTS, SMALLEST_SIDE, STYLES
from style_transfer.objective import Objective
from style_transfer.optimize import load_extractor
from style_transfer.plan import choose_weights
from tests.style_transfer.quick import quick

CONTENT, STYLE = "content", "style"
FLAT = [  # which images, statistic, optimizer; a flat content with each of the statistics
    *(((CONTENT,), statistic, "adam") for statistic in STYLES),
    ((CONTENT,), "wasserstein", "lbfgs"),
    ((STYLE,), "wasserstein", "adam"),
    ((STYLE,), "gram_and_mean", "adam"),
    ((CONTENT, STYLE), "wasserstein", "adam"),
    ((CONTENT, STYLE), "gram_and_mean", "lbfgs"),
]


def shaped(image, width, height):
    """Return the image repeated and cut to a shape."""
    rows, columns = -(-height // len(image)), -(-width // image.shape[1])
    return np.tile(image, (rows, columns, 1))[:height, :width]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("content_size", "style_size"),
    [
        ((60, 80), (300, 16)),  # a style of another aspect
        ((300, 101), (700, 500)),  # much larger than the content
    ],
)
def test_content_and_style_have_any_shape(content, style, content_size, style_size):
    config = quick(48)
    given = shaped(content, *content_size), shaped(style, *style_size)
    result = stylize.stylize(*given, config)
    scale = 48 / max(content_size)
    assert result.shape[:2] == tuple(round(scale * side) for side in content_size[::-1])
    assert np.isfinite(result).all()
    assert result.std() > 0.02


@pytest.mark.slow
def test_a_long_panorama_is_stylized(content, style):
    """Its early levels would be thinner than the smallest side and are left out."""
    panorama = shaped(content, 1500, 200)
    result = stylize.stylize(panorama, style, quick(256, optimization={"iterations": 2}))
    assert result.shape == (34, 256, 3)
    goal, _ = prepare.prepare(prepare.read(panorama, style, quick(256))[0], [], (256, 34), quick())
    assert 0.005 < np.abs(result - goal).mean() < 0.4


def test_a_panorama_that_would_be_too_thin_is_refused(content, style):
    with pytest.raises(InputError, match=rf"512x9 pixels .* at least {SMALLEST_SIDE} per side"):
        stylize.stylize(shaped(content, 3000, 50), style, quick(512))


@pytest.mark.slow
def test_a_transparent_style_has_the_colors_of_what_is_visible(content):
    """A red disc on nothing paints red, whatever color is hidden around it."""
    y, x = np.mgrid[:64, :64] - 31.5
    inside = np.hypot(x, y) < 24
    config = quick(32, strength=1.0, optimization={"iterations": 15})
    results = []
    for hidden in (0, 255):
        style = np.full((64, 64, 4), hidden, np.uint8)
        style[inside] = (200, 30, 30, 255)
        style[~inside, 3] = 0
        results.append(stylize.stylize(content, style, config))
    np.testing.assert_array_equal(*results)
    red, green, _ = results[0].mean(axis=(0, 1))
    assert red > 1.5 * green


@pytest.mark.slow
@pytest.mark.parametrize(("flat", "statistic", "optimizer"), FLAT)
def test_flat_images_are_stylized(content, style, flat, statistic, optimizer):
    content = np.full_like(content, 128) if "content" in flat else content
    style = np.full_like(style, 200) if "style" in flat else style
    config = quick(32, statistic=statistic, strength=0.9, optimization={"optimizer": optimizer})
    result = stylize.stylize(content, style, config)
    goal, _ = prepare.prepare(prepare.read(content, style, config)[0], [], (24, 32), config)
    assert np.isfinite(result).all()
    assert np.abs(result - goal).mean() > 5e-4  # not the content itself, silently


@pytest.fixture(scope="module")
def extractor():
    return load_extractor(quick())


@pytest.mark.parametrize("kind", ["painting", "flat", "black"])
@pytest.mark.parametrize("content_distance", CONTENTS)
@pytest.mark.parametrize("statistic", STYLES)
def test_the_loss_of_equal_images_is_0_and_none_is_below(
    extractor, style, statistic, content_distance, kind
):
    image = {"painting": style, "flat": np.full_like(style, 90), "black": np.zeros_like(style)}
    same = tf.constant(image[kind][None, :32, :32] / np.float32(255.0))
    weights = dataclasses.replace(choose_weights(quick(), extractor), total_variation=0.0)
    kinds = {"statistic": statistic, "content_distance": content_distance}
    objective = Objective(extractor, same, [(same, 1.0)], weights, **kinds)
    near = [same + step * (-1) ** np.indices((32, 32)).sum(0)[..., None] for step in (0, 1e-4)]
    for each, bound in zip(near, (1e-6, 0.1), strict=True):
        for name, value in objective(tf.cast(each, tf.float32)).items():
            assert 0.0 <= float(value[0]) <= bound, name
