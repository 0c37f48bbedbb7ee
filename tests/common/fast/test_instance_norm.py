import keras
import numpy as np
import pytest
import tensorflow as tf

from common.fast.instance_norm import (
    EPSILON,
    InstanceNormalization,
    instance_norm,
    plain_instance_norm,
)


def test_every_channel_of_every_example_is_normalized_by_itself():
    values = tf.constant([[[[1.0, 5.0], [3.0, 5.0]]], [[[0.0, -2.0], [4.0, 2.0]]]])
    scale, shift = tf.constant([[1.0, 1.0], [2.0, 3.0]]), tf.constant([[0.0, 7.0], [1.0, 0.0]])
    expected = [[[[-1.0, 7.0], [1.0, 7.0]]], [[[-1.0, -3.0], [3.0, 3.0]]]]
    np.testing.assert_allclose(plain_instance_norm(values, scale, shift), expected, atol=2e-3)


@pytest.mark.parametrize("batch", [1, 2])
def test_both_forms_and_their_gradients_agree(batch):
    random = np.random.default_rng(0)
    inputs = [
        tf.constant(random.normal(2.0, 3.0, shape), tf.float32)
        for shape in ((batch, 6, 5, 4), (batch, 4), (batch, 4))
    ]
    weights = tf.constant(random.normal(size=(batch, 6, 5, 4)), tf.float32)
    results = []
    for form in (plain_instance_norm, instance_norm):
        with tf.GradientTape() as tape:
            tape.watch(inputs)
            values = form(*inputs)
            total = tf.reduce_sum(weights * values)
        results.append([values, *tape.gradient(total, inputs)])
    for one, other in zip(*results, strict=True):
        np.testing.assert_allclose(one, other, atol=2e-5)


def test_the_layer_is_group_normalization_with_one_channel_per_group():
    values = tf.random.stateless_normal((1, 8, 8, 3), (0, 1), mean=1.0)
    stock = keras.layers.GroupNormalization(-1, epsilon=EPSILON, center=False, scale=False)
    found = InstanceNormalization()([values, 2.0 * tf.ones((1, 3)), tf.ones((1, 3))])
    np.testing.assert_allclose(found, 2.0 * stock(values) + 1.0, atol=1e-5)
