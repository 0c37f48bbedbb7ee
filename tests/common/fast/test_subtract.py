import numpy as np
import pytest
import tensorflow as tf

from common.fast.subtract import subtract


@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
def test_the_difference_and_its_gradient(dtype):
    random = np.random.default_rng(0)
    values, frozen, weights = (tf.constant(random.normal(size=(2, 3, 4)), dtype) for _ in range(3))
    with tf.GradientTape() as tape:
        tape.watch(values)
        difference = subtract(values, frozen)
        total = tf.reduce_sum(difference * weights)
    np.testing.assert_array_equal(difference, values - frozen)
    np.testing.assert_array_equal(tape.gradient(total, values), weights)
