import keras
import numpy as np
import pytest
import tensorflow as tf

from common.fast.activations import LeakyReLU, relu
from tests.common.fast.test_kernels import first_and_second_gradients, normal


@pytest.mark.parametrize("kind", [tf.float32, tf.bfloat16])
def test_the_gradient_of_relu_is_one_above_zero_and_zero_elsewhere(kind):
    values = tf.constant([-2.0, 0.0, 0.5, 3.0], kind)
    with tf.GradientTape() as tape:
        tape.watch(values)
        result = 3.0 * relu(values)
    np.testing.assert_array_equal(tf.cast(result, tf.float32), [0.0, 0.0, 1.5, 9.0])
    gradient = tf.cast(tape.gradient(result, values), tf.float32)
    np.testing.assert_array_equal(gradient, [0.0, 0.0, 3.0, 3.0])


def test_a_leak_in_bfloat16_is_that_of_keras():
    inputs = normal(2, 4, 4, 3, dtype="bfloat16")
    for autograph in (lambda f: f, tf.function):
        results = []
        for kind in (LeakyReLU, keras.layers.LeakyReLU):
            layer = kind(0.25, dtype="bfloat16")  # a slope without rounding
            results.append(autograph(first_and_second_gradients)(layer, inputs))
        for one, other in zip(*results, strict=True):
            np.testing.assert_array_equal(tf.cast(one, "float32"), tf.cast(other, "float32"))
