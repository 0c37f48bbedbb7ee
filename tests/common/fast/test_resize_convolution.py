import keras
import numpy as np
import pytest
import tensorflow as tf

from common.fast.resize_convolution import ResizeConv2D, plain_resize_convolution

FORMS = {"fast": ResizeConv2D, "plain": plain_resize_convolution}


def model(form, filters=3):
    keras.utils.set_random_seed(0)
    values = keras.Input((None, None, 5))
    options = {"name": "up", "bias_initializer": "random_normal"}
    return keras.Model(values, FORMS[form](filters, **options)(values))


def test_both_forms_and_their_gradients_agree():
    values = tf.random.stateless_normal((2, 4, 7, 5), (0, 1))
    upstream = tf.random.stateless_normal((2, 8, 14, 3), (1, 1))
    results = []
    for form in FORMS:
        built = model(form)
        with tf.GradientTape() as tape:
            tape.watch(values)
            outputs = built(values)
            total = tf.reduce_sum(upstream * outputs)
        results.append([outputs, *tape.gradient(total, [values, *built.trainable_variables])])
    for one, other in zip(*results, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-5, atol=1e-4)


@pytest.mark.parametrize("form", FORMS)
def test_a_flat_map_stays_flat(form):
    outputs = model(form)(tf.ones((1, 4, 4, 5))).numpy()
    np.testing.assert_allclose(outputs, outputs[:, :1, :1] + 0 * outputs, atol=1e-5)
