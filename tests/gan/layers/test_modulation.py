"""Modulated convolutions against convolutions with one kernel per image, and their stock forms."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from common import fast
from gan.layers.modulation import EPSILON, LearnedConstant, Modulated, Noise

RANDOM = np.random.default_rng(0)


def normal(*shape):
    return RANDOM.normal(size=shape).astype(np.float32)


def convolution(kind="Conv2D", kernels="keras", filters=5, size=3, **options):
    source = getattr(fast.layers(kernels), kind)
    return source(filters, size, padding="same", use_bias=False, **options)


def of_images(layer, images, styles):
    """Karras et al. 2020, equations 1 and 3, with one convolution per image."""
    kernel = layer.layer.kernel.numpy()  # (k, k, C, D)
    outputs = []
    for image, style in zip(images, styles, strict=True):
        weights = kernel * style[:, None]
        weights /= np.sqrt((weights**2).sum(axis=(0, 1, 2)) + EPSILON)
        outputs.append(tf.nn.conv2d(image[None], weights, 1, "SAME")[0])
    return np.stack(outputs)


@pytest.mark.parametrize("kernels", fast.KERNELS)
def test_scaled_activations_are_scaled_weights(kernels):
    layer = Modulated(convolution(kernels=kernels))
    images, styles = normal(4, 6, 6, 3), normal(4, 3)
    np.testing.assert_allclose(layer([images, styles]), of_images(layer, images, styles), atol=1e-5)


def test_a_value_by_hand():
    layer = Modulated(convolution(filters=1, size=1))
    images = np.ones((2, 1, 1, 2), np.float32)
    styles = np.array([[1, 1], [2, 1]], np.float32)
    layer([images, styles])
    layer.layer.set_weights([np.array([3, 4], np.float32).reshape(1, 1, 2, 1)])
    layer.bias.assign([0.5])
    expected = [0.5 + 7 / 5, 0.5 + 10 / np.sqrt(52)]  # (6 + 4) / |(6, 4)|
    np.testing.assert_allclose(np.ravel(layer([images, styles])), expected, rtol=1e-6)


def test_the_size_of_the_styles_does_not_count_unless_the_result_is_not_demodulated():
    images, styles = normal(2, 6, 6, 3), normal(2, 3)
    layer = Modulated(convolution())
    np.testing.assert_allclose(
        layer([images, 10 * styles]), layer([images, styles]), rtol=1e-3, atol=1e-5
    )
    layer = Modulated(convolution(), demodulate=False)
    np.testing.assert_allclose(
        layer([images, 10 * styles]), 10 * layer([images, styles]), rtol=1e-4, atol=1e-4
    )


@pytest.mark.parametrize(("kind", "size", "strides"), [("Conv2D", 3, 1), ("Conv2DTranspose", 4, 2)])
def test_unit_inputs_give_outputs_of_the_gain(kind, size, strides):
    layer = Modulated(convolution(kind, filters=64, size=size, strides=strides), gain=3.0)
    outputs = layer([normal(16, 16, 16, 48), np.exp(normal(16, 48))]).numpy()
    assert outputs.shape == (16, 16 * strides, 16 * strides, 64)
    assert outputs[:, 2:-2, 2:-2].std() == pytest.approx(3.0, rel=0.05)


@pytest.mark.parametrize("kind", ["Conv2D", "Conv2DTranspose"])
def test_both_kernels_have_the_same_gradients(kind):
    images, styles = tf.constant(normal(2, 6, 6, 3)), tf.constant(normal(2, 3))
    options = {"size": 4, "strides": 2} if kind == "Conv2DTranspose" else {}
    layers = [Modulated(convolution(kind, kernels, **options)) for kernels in fast.KERNELS]
    found = []
    for layer in layers:
        layer([images, styles])
        layer.set_weights(layers[0].get_weights())
        with tf.GradientTape() as tape:
            tape.watch([images, styles])
            loss = tf.reduce_sum(tf.sin(layer([images, styles])))
        found.append(tape.gradient(loss, [images, styles, *layer.trainable_variables]))
    for one, other in zip(*found, strict=True):
        assert np.abs(one).max() > 0
        np.testing.assert_allclose(one, other, rtol=1e-4, atol=1e-4)


def test_noise_starts_at_zero_and_is_new_for_every_image_in_training():
    layer, images = Noise(seed=1), np.zeros((3, 4, 4, 2), np.float32)
    np.testing.assert_array_equal(layer(images, training=True), images)
    layer.strength.assign(0.5)
    first, second = (layer(images, training=True).numpy() for _ in range(2))
    np.testing.assert_array_equal(first[..., 0], first[..., 1])  # one number for all channels
    assert len(np.unique(np.concatenate([first[..., 0], second[..., 0]]))) == 2 * 3 * 4 * 4
    assert first.std() == pytest.approx(0.5, rel=0.3)
    again = Noise(seed=1)
    again(images)
    again.strength.assign(0.5)
    again(images, training=True)  # the first draw of the same stream
    np.testing.assert_array_equal(again(images, training=True), first)


def test_noise_of_sampling_is_the_same_for_all_images():
    layer, images = Noise(), np.zeros((3, 4, 4, 2), np.float32)
    layer(images)
    layer.strength.assign(2.0)
    found = layer(images).numpy()
    np.testing.assert_array_equal(found, np.broadcast_to(found[:1], found.shape))
    np.testing.assert_allclose(found[0, ..., :1], 2.0 * layer.constant.numpy())
    assert [weight.name for weight in layer.trainable_weights] == ["strength"]


def test_a_learned_constant_does_not_depend_on_its_inputs():
    layer = LearnedConstant((2, 2, 3))
    found = layer(normal(4, 7)).numpy()
    np.testing.assert_array_equal(found, np.broadcast_to(layer.constant, (4, 2, 2, 3)))


@pytest.mark.parametrize("demodulate", [True, False])
@pytest.mark.parametrize("kind", ["Conv2D", "Conv2DTranspose"])
def test_stock_forms_compute_the_same(kind, demodulate):
    w = keras.Input((4,))
    x, style = LearnedConstant((6, 6, 3))(w), keras.layers.Dense(3)(w)
    layer = Modulated(convolution(kind), demodulate, gain=1.5)
    outputs = Noise()(layer([x, style]))
    model = keras.Model(w, outputs)
    for weight in model.weights:
        weight.assign(normal(*weight.shape))

    def expand(layer, inputs, **_):
        return layer.as_stock(inputs) if hasattr(layer, "as_stock") else layer(inputs)

    stock = keras.models.clone_model(model, None, lambda layer: layer, expand)
    assert all(type(layer).__module__.startswith("keras.") for layer in stock.layers)
    given = normal(5, 4)
    np.testing.assert_allclose(stock(given), model(given), rtol=1e-5, atol=1e-5)
