import dataclasses
import json
import shutil

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

from common import runs
from common.errors import InputError
from common.files import write_json
from style_transfer import colors
from style_transfer.feedforward import apply, palette_layers, saved
from style_transfer.feedforward.fit import train
from style_transfer.feedforward.palettes import StylePalette, change, change_pixels, moments
from tests.style_transfer.feedforward.tiny import tiny


def image(seed, low=0, high=256, size=(40, 60)):
    """Random colors of unequal variance whose channels vary together."""
    random = np.random.default_rng(seed)
    values = random.uniform(low, high, (*size, 1)) + random.normal(0, (4, 12, 30), (*size, 3))
    return values.clip(0, 255).astype(np.uint8)


def unit(pixels):
    return pixels.astype(np.float32) / 255


STYLES = [image(1, 0, 90), image(2, 160, 256)]


@pytest.mark.parametrize("weights", [(1.0, 0.0), (0.0, 1.0), (0.25, 0.75)])
def test_a_photo_gets_the_palette_that_stylize_gives_it(weights):
    photo = unit(image(0))
    palettes = [StylePalette.of(style, 0.5) for style in STYLES]
    expected = colors.with_palette(photo, [unit(style) for style in STYLES], weights, 0.5)
    found = change(colors.moments(photo), palettes, weights)(photo)
    np.testing.assert_allclose(found, expected, atol=2e-6)
    pixels = change_pixels(moments(image(0)), palettes, weights)(image(0))
    assert np.abs(pixels - 255 * expected).max() <= 0.51


def test_a_large_photo_is_mapped_in_bands_by_the_colors_of_a_sample():
    photo, palettes = image(0, size=(300, 200)), [StylePalette.of(STYLES[0], 1.0)]
    assert photo[..., 0].size > 2 * colors.BAND
    expected = colors.matched(unit(photo), unit(STYLES[0]))
    found = change(colors.moments(unit(photo)), palettes, [1.0])(unit(photo))
    np.testing.assert_allclose(found, expected, atol=2e-6)
    for sampled, whole in zip(moments(photo), colors.moments(unit(photo)), strict=True):
        np.testing.assert_allclose(sampled, whole, atol=5e-3)


def test_palettes_survive_json():
    palette = StylePalette.of(STYLES[0], 0.3)
    again = StylePalette.restore(json.loads(json.dumps(palette.state())))
    for one, other in zip(palette, again, strict=True):
        np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize("share", [0.4, 1.0])
def test_layers_of_sums_and_products_do_the_same(share):
    photos = np.stack(
        [unit(image(seed, low, high)) for seed, low, high in ((3, 0, 60), (4, 0, 256))]
    )
    palettes = [StylePalette.of(style, share) for style in STYLES]
    weights = np.array([[0.3, 0.7], [1.0, 0.0]], np.float32)
    found = palette_layers.moved(tf.constant(photos), tf.constant(weights), palettes).numpy()
    for photo, weight, result in zip(photos, weights, found, strict=True):
        expected = change(colors.moments(photo), palettes, weight)(photo)
        np.testing.assert_allclose(result, expected, atol=1e-3)


def test_layers_take_gray_and_flat_images():
    gray = np.repeat(unit(image(5))[..., :1], 3, axis=2)
    photos = np.stack([gray, np.full_like(gray, 0.3)])
    palettes = [StylePalette.of(STYLES[0], 1.0)]
    found = palette_layers.moved(tf.constant(photos), tf.ones((2, 1)), palettes).numpy()
    for photo, result in zip(photos, found, strict=True):
        expected = change(colors.moments(photo), palettes, [1.0])(photo)
        np.testing.assert_allclose(result, expected, atol=5e-3)


@pytest.mark.parametrize("color", [None, 0.4])
def test_layers_take_gray_and_flat_styles(color):
    gray = np.repeat(STYLES[0][..., :1], 3, axis=2)
    style = gray if color is None else np.full_like(gray, 255 * color)
    photo, palettes = unit(image(5)), [StylePalette.of(style, 1.0)]
    found = palette_layers.moved(tf.constant(photo[None]), tf.ones((1, 1)), palettes).numpy()[0]
    expected = change(colors.moments(photo), palettes, [1.0])(photo)
    np.testing.assert_allclose(found, expected, atol=1e-3)


def test_the_inverse_root_of_a_matrix():
    factor = np.random.default_rng(0).normal(size=(3, 3))
    matrix = (factor @ factor.T + 1e-4 * np.eye(3)).astype(np.float32)
    inverse = palette_layers.inverse_root(tf.constant(matrix[None])).numpy()[0]
    np.testing.assert_allclose(inverse @ matrix @ inverse, np.eye(3), atol=1e-3)


def test_a_brush_moves_colors_before_it_paints(untrained):
    brush = apply.load(untrained)
    photo = image(0, size=(32, 48))
    plain = dataclasses.replace(brush, palettes=())
    moved = change_pixels(moments(photo), brush.palettes, [1.0, 0.0])(photo)
    assert np.abs(moved.astype(int) - photo).mean() > 5
    found = brush.paint(Image.fromarray(photo), (1, 0))
    np.testing.assert_array_equal(found, plain.paint(Image.fromarray(moved), (1, 0)))


def edited(run, target, change_data):
    """Copy a run and change the data of its config.json."""
    shutil.copytree(run, target)
    about = runs.read_object(target / runs.CONFIG)
    change_data(about["data"])
    write_json(target / runs.CONFIG, about)
    return target


@pytest.mark.slow
def test_a_run_without_palettes_is_resumed_and_extended_without(trained, files, tmp_path):
    old = edited(trained, tmp_path / "old", lambda data: data.pop("palettes"))
    assert apply.load(old).palettes == ()
    config = saved.read(old, "--resume").config
    config = dataclasses.replace(config, run_dir=None, resume=old, steps=8)
    assert train(config).steps == 8
    assert saved.read(old, "--model").palettes == ()
    more = tiny(files, "one.png", run_dir=tmp_path / "more", add_style=old, steps=1)
    train(more)
    assert saved.read(tmp_path / "more", "--model").palettes == ()


@pytest.mark.slow
def test_an_extended_run_has_the_palettes_of_all_styles(trained, files, tmp_path):
    train(tiny(files, "one.png", run_dir=tmp_path / "more", add_style=trained, steps=1))
    first, second, third = saved.read(tmp_path / "more", "--model").palettes
    np.testing.assert_array_equal(first.covariance, third.covariance)
    assert not np.array_equal(first.covariance, second.covariance)


@pytest.mark.parametrize(
    "damage",
    [
        lambda data: data["palettes"].pop(),
        lambda data: data["palettes"][0].pop("mean"),
        lambda data: data["palettes"][1].update(mean=[None, 0.1, 0.2]),
        lambda data: data["palettes"][1].update(share=1.5),
        lambda data: data.update(palettes=""),
        lambda data: data.update(palettes=3),
    ],
)
def test_damaged_palettes_are_named(untrained, tmp_path, damage):
    run = edited(untrained, tmp_path / "run", damage)
    with pytest.raises(InputError, match=r"--model .*run: config.json has no valid palette for"):
        saved.read(run, "--model")
