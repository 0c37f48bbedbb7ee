import numpy as np
import pytest
import tensorflow as tf

from common.fast.activations import relu


@pytest.mark.parametrize("kind", [tf.float32, tf.bfloat16])
def test_the_gradient_of_relu_is_one_above_zero_and_nought_elsewhere(kind):
    values = tf.constant([-2.0, 0.0, 0.5, 3.0], kind)
    with tf.GradientTape() as tape:
        tape.watch(values)
        result = 3.0 * relu(values)
    np.testing.assert_array_equal(tf.cast(result, tf.float32), [0.0, 0.0, 1.5, 9.0])
    gradient = tf.cast(tape.gradient(result, values), tf.float32)
    np.testing.assert_array_equal(gradient, [0.0, 0.0, 3.0, 3.0])
