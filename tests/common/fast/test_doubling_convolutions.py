import keras
import numpy as np
import pytest
import tensorflow as tf

from common.fast.resize_convolution import ResizeConv2D, plain_resize_convolution
from common.fast.subpixel_convolution import (
    EvenSums,
    SubpixelConv2D,
    plain_subpixel_convolution,
)

KINDS = {
    "resize": {"fast": ResizeConv2D, "plain": plain_resize_convolution},
    "subpixel": {"fast": SubpixelConv2D, "plain": plain_subpixel_convolution},
}


def model(kind, form, filters=3):
    keras.utils.set_random_seed(0)
    values = keras.Input((None, None, 5))
    options = {"name": "up", "bias_initializer": "random_normal"}
    return keras.Model(values, KINDS[kind][form](filters, **options)(values))


@pytest.mark.parametrize("kind", KINDS)
def test_both_forms_and_their_gradients_agree(kind):
    values = tf.random.stateless_normal((2, 4, 7, 5), (0, 1))
    upstream = tf.random.stateless_normal((2, 8, 14, 3), (1, 1))
    results = []
    for form in KINDS[kind]:
        built = model(kind, form)
        built.set_weights(model(kind, "fast").get_weights())
        with tf.GradientTape() as tape:
            tape.watch(values)
            outputs = built(values)
            total = tf.reduce_sum(upstream * outputs)
        results.append([outputs, *tape.gradient(total, [values, *built.trainable_variables])])
    for one, other in zip(*results, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-5, atol=1e-4)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("form", ["fast", "plain"])
def test_a_flat_map_stays_flat(kind, form):
    doubling = model(kind, form)
    doubling.set_weights(model(kind, "fast").get_weights())
    outputs = doubling(tf.ones((1, 4, 5, 5))).numpy()
    assert outputs.std(axis=-1).min() > 1e-3
    np.testing.assert_allclose(outputs, outputs[:, :1, :1] + 0 * outputs, atol=1e-5)


def test_each_of_four_pixels_reads_nine_places():
    """Of a kernel of ones, a place in the middle reaches 6 by 6 pixels with one each."""
    layer = SubpixelConv2D(1, use_bias=False, kernel_initializer="ones")
    place = np.zeros((1, 5, 5, 1), np.float32)
    place[0, 2, 2] = 1.0
    expected = np.zeros((10, 10), np.float32)
    expected[2:8, 2:8] = 1.0
    np.testing.assert_array_equal(layer(place)[0, ..., 0], expected)


def test_even_sums_are_the_nearest_kernel_that_has_them():
    """The weights of the first pixel have a mean of 2, the others of 1, all together of 1.25."""
    kernel = np.ones((6, 6, 1, 1), np.float32)
    kernel[0, 0] = 10.0
    even = EvenSums()(kernel).numpy()[..., 0, 0]
    expected = np.full((6, 6), 1.25, np.float32)
    expected[::2, ::2] = 0.25
    expected[0, 0] = 9.25
    np.testing.assert_allclose(even, expected, atol=1e-6)
    np.testing.assert_allclose(EvenSums()(even[..., None, None])[..., 0, 0], even, atol=1e-6)


def test_even_sums_do_not_mix_channels():
    kernel = np.random.default_rng(0).normal(size=(6, 6, 2, 3)).astype(np.float32)
    together = EvenSums()(kernel).numpy()
    for output, channel in np.ndindex(2, 3):
        part = np.s_[:, :, output : output + 1, channel : channel + 1]
        np.testing.assert_allclose(together[part], EvenSums()(kernel[part]), atol=1e-6)


@pytest.mark.parametrize("options", [{"kernel_size": 4}, {"strides": 1}, {"activation": "relu"}])
def test_options_that_the_fast_form_does_not_compute_are_refused(options):
    with pytest.raises(ValueError, match="expected"):
        SubpixelConv2D(3, **options)


def test_training_keeps_the_sums_even_and_changes_the_weights():
    doubling = model("subpixel", "fast")
    before = doubling.get_weights()[0]
    doubling.compile(keras.optimizers.SGD(0.1), "mse")
    random = np.random.default_rng(0)
    pixels = random.random((4, 8, 8, 3))
    doubling.fit(random.random((4, 4, 4, 5)), pixels, epochs=3, verbose=0)
    assert np.abs(doubling.get_weights()[0] - before).max() > 1e-3
    outputs = doubling(tf.ones((1, 4, 4, 5))).numpy()
    np.testing.assert_allclose(outputs, outputs[:, :1, :1] + 0 * outputs, atol=1e-5)
