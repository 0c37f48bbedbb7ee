import dataclasses

import keras
import numpy as np
import pytest
import tensorflow as tf

from style_transfer.feedforward import network
from style_transfer.feedforward.config import UPSAMPLING
from style_transfer.feedforward.network import Shape

SHAPE = Shape(width=4, depth=1, styles=2)
STYLES = np.array([[1.0, 0.0], [0.3, 0.7]], np.float32)


@pytest.fixture(scope="module", params=["subpixel", "resize"])
def shape(request):
    return dataclasses.replace(SHAPE, upsampling=request.param)


@pytest.fixture(scope="module")
def built(shape):
    """A network whose weights are random, also those that start at 0 or 1."""
    keras.utils.set_random_seed(0)
    random = np.random.default_rng(0)
    found = network.build(shape)
    for variable in found.weights:
        variable.assign(variable + 0.1 * random.normal(size=variable.shape))
    return found


@pytest.fixture(scope="module")
def images():
    return np.random.default_rng(1).random((2, 24, 40, 3), np.float32)


def test_any_image_is_painted_within_the_range_at_its_size(built, images):
    for factor in (0.0, 1.0, 100.0):
        painted = built([factor * images, STYLES]).numpy()
        assert painted.shape == images.shape
        assert 0.0 <= painted.min() <= painted.max() <= 1.0


def test_a_flat_image_is_painted_flat_without_waves(shape):
    """Neither the enlarged maps nor the borders leave a pattern, whatever the styles' tables."""
    keras.utils.set_random_seed(0)
    flat = network.build(dataclasses.replace(shape, waves=0))
    random = np.random.default_rng(0)
    for table in network.style_tables(flat):
        table.assign(random.normal(size=table.shape))
    gray = flat([np.full((1, 32, 48, 3), 0.3, np.float32), STYLES[:1]]).numpy()
    assert np.abs(gray - 0.5).max() > 0.01
    np.testing.assert_allclose(gray, gray[:, :1, :1] + 0 * gray, atol=1e-4)


def test_waves_give_a_flat_image_texture_that_depends_on_the_position():
    """A part of an image is painted as it is in the whole, away from the borders."""
    keras.utils.set_random_seed(0)
    fixed = network.build_fixed(SHAPE)
    affine = np.tile([[[1.0], [0.0]]], (1, 1, sum(network.channels(SHAPE)))).astype(np.float32)
    gray = np.full((1, 160, 160, 3), 0.3, np.float32)
    whole = fixed([gray, affine, np.zeros((1, 2), np.float32)]).numpy()
    part = fixed([gray[:, :128, :144], affine, np.array([[32, 16]], np.float32)]).numpy()
    inner = slice(56, 72)
    assert whole[:, inner, inner].std(axis=(1, 2)).min() > 1e-3
    np.testing.assert_allclose(part[:, 56:72, 56:72], whole[:, 88:104, 72:88], atol=1e-5)
    unmoved = fixed([gray, affine, np.array([[32, 16]], np.float32)]).numpy()
    assert np.abs(unmoved - whole).max() > 1e-3


def test_every_kind_of_upsampling_can_be_configured():
    assert tuple(network.DOUBLING) == UPSAMPLING


@pytest.mark.parametrize("count", [0, 16])
def test_a_movable_network_has_the_same_weights_in_the_same_order(count):
    shape = dataclasses.replace(SHAPE, waves=count)
    both = network.build(shape), network.build(shape, movable=True)
    first, second = ([(each.path, each.shape) for each in found.weights] for found in both)
    assert first == second


def test_stock_layers_compute_the_same(built, images, shape):
    stock = network.build(shape, "keras")
    network.copy_weights(built, stock)
    assert {type(layer).__module__.split(".")[0] for layer in stock.layers} == {"keras"}
    np.testing.assert_allclose(stock([images, STYLES]), built([images, STYLES]), atol=1e-5)


def test_normalizations_that_are_fixed_to_an_image_s_statistics_paint_it_the_same(
    built, images, shape
):
    measuring, fixed = network.build_measuring(shape), network.build_fixed(shape)
    for other in (measuring, fixed):
        network.copy_weights(built, other)
    corners = np.zeros((2, 2), np.float32)
    statistics = measuring([images, STYLES, corners]).numpy()
    assert statistics.shape == (2, 2, sum(network.channels(SHAPE)))
    tables = [table.numpy() for table in network.style_tables(built)]
    affine = np.stack(
        [
            network.affine_of(found, tables, style)
            for found, style in zip(statistics, STYLES, strict=True)
        ]
    )
    np.testing.assert_allclose(fixed([images, affine, corners]), built([images, STYLES]), atol=1e-5)


def test_a_style_is_a_row_of_each_table_and_nothing_else(built, images):
    tables, shared = network.style_tables(built), network.shared_variables(built)
    assert [table.shape[0] for table in tables] == [2] * 2 * len(network.channels(SHAPE))
    assert len(tables) + len(shared) == len(built.trainable_variables)
    with tf.GradientTape() as tape:
        painted = built([images[:1], STYLES[:1]])
        loss = tf.reduce_sum(tf.square(painted))
    for gradient in tape.gradient(loss, [table.value for table in tables]):
        assert not np.any(gradient[1])  # the other style's


def test_a_mixture_of_styles_lies_between_them(built, images):
    first, second, middle = (
        built([images[:1], np.array([weights], np.float32)]).numpy()
        for weights in ([1, 0], [0, 1], [0.5, 0.5])
    )
    assert np.abs(first - second).max() > 0.01
    assert np.abs(middle - (first + second) / 2).max() < np.abs(first - second).max()


def test_the_map_at_a_quarter_of_the_size_bypasses_the_deepest_ones(images):
    cut = network.build(Shape(width=4, depth=1))
    for name in ("scale", "shift"):
        cut.get_layer(f"to_quarter_norm_{name}").set_weights([np.zeros((1, 8), np.float32)])
    painted = cut([images, np.ones((2, 1), np.float32)]).numpy()
    assert np.abs(painted[0] - painted[1]).mean() > 0.01
