import keras
import numpy as np
import pytest
import tensorflow as tf

from common.fast.normalization import BatchNormalization


@pytest.mark.parametrize("shape", [(8, 5), (4, 3, 3, 5)])
def test_fused_batch_normalization_is_batch_normalization(shape):
    inputs = tf.constant(np.random.default_rng(0).normal(2.0, 3.0, shape).astype(np.float32))
    ours, theirs = (
        layer(momentum=0.9, epsilon=1e-5)
        for layer in (BatchNormalization, keras.layers.BatchNormalization)
    )
    results = []
    for layer in (ours, theirs):
        layer.build(shape)
        layer.gamma.assign([1.0, 2.0, 0.5, 1.0, 3.0])
        layer.beta.assign([0.0, 1.0, 0.0, -1.0, 0.0])
        with tf.GradientTape() as tape:
            tape.watch(inputs)
            outputs = layer(inputs, training=True)
            loss = tf.reduce_sum(tf.sin(outputs))
        variables = [inputs, layer.gamma.value, layer.beta.value]
        results.append([outputs, *tape.gradient(loss, variables), layer.moving_mean.value])
    for one, other in zip(*results, strict=True):
        np.testing.assert_allclose(one, other, atol=1e-4)
    # the running variance is that of Keras times n / (n - 1)
    count = np.prod(shape[:-1])
    biased = np.var(inputs.numpy().reshape(-1, 5), axis=0)
    np.testing.assert_allclose(theirs.moving_variance, 0.9 + 0.1 * biased, rtol=1e-4)
    unbiased = biased * count / (count - 1)
    np.testing.assert_allclose(ours.moving_variance, 0.9 + 0.1 * unbiased, rtol=1e-4)
    np.testing.assert_allclose(
        ours(inputs, training=False),
        (inputs - ours.moving_mean) / np.sqrt(ours.moving_variance + 1e-5) * ours.gamma + ours.beta,
        rtol=1e-3,
        atol=1e-4,
    )
