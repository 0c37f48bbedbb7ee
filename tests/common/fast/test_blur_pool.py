import numpy as np
import pytest
import tensorflow as tf

from common.fast.blur_pool import blur_pool, compiled_blur_pool, plain_blur_pool

SIZES = [(6, 8), (7, 5), (1, 2), (2, 1)]


def test_by_hand():
    values = tf.constant([1.0, 2.0, 4.0, 8.0])[None, None, :, None]
    expected = [(1 + 3 * 1 + 3 * 2 + 4) / 8, (2 + 3 * 4 + 3 * 8 + 8) / 8]
    np.testing.assert_allclose(plain_blur_pool(values)[0, 0, :, 0], expected)


@pytest.mark.parametrize("size", SIZES)
def test_compiled_and_plain_agree_in_value_and_gradient(size):
    random = np.random.default_rng(0)
    values = tf.constant(random.normal(size=(2, *size, 3)), tf.float32)
    weights = None
    found = []
    for pool in (compiled_blur_pool, plain_blur_pool):
        with tf.GradientTape() as tape:
            tape.watch(values)
            pooled = pool(values)
            if weights is None:
                weights = tf.constant(random.normal(size=pooled.shape), tf.float32)
            loss = tf.reduce_sum(pooled * weights)
        found.append((pooled, tape.gradient(loss, values)))
    for fast, plain in zip(*found, strict=True):
        assert fast.shape == plain.shape
        np.testing.assert_allclose(fast, plain, atol=1e-5)


def test_every_place_counts_equally():
    values = tf.zeros((1, 16, 16, 1))
    with tf.GradientTape() as tape:
        tape.watch(values)
        loss = tf.reduce_sum(blur_pool(values))
    np.testing.assert_allclose(tape.gradient(loss, values), 0.25)
