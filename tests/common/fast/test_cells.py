import numpy as np
import pytest
import tensorflow as tf

from common.fast import cells


@pytest.mark.parametrize("size", [(4, 6), (5, 3)])
def test_the_arranged_image_and_its_gradient_are_the_plain_form(size):
    image = tf.constant(np.random.default_rng(0).random((2, *size, 3)), tf.float32)
    found = []
    for arrange in (cells.cells, cells.plain_cells):
        with tf.GradientTape() as tape:
            tape.watch(image)
            values = arrange(image, tf.float32)
            shares = np.random.default_rng(1).normal(size=values.shape)
            total = tf.reduce_sum(shares * values)
        found.append((values, tape.gradient(total, image)))
    assert found[0][0].shape == (2, -(-size[0] // 2) + 2, -(-size[1] // 2) + 2, 12)
    for ours, expected in zip(*found, strict=True):
        np.testing.assert_allclose(ours, expected, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("size", [(4, 6), (5, 7)])
def test_the_gradient_of_the_maximum_is_the_plain_forms(size):
    values = tf.constant(np.random.default_rng(0).normal(size=(2, *size, 3)), tf.float32)
    found = []
    for pool in (cells.max_pool, cells.plain_max_pool):
        with tf.GradientTape() as tape:
            tape.watch(values)
            total = tf.reduce_sum(tf.sin(pool(values)))
        found.append(tape.gradient(total, values))
    np.testing.assert_allclose(found[0], found[1], rtol=1e-6)


def test_equal_maxima_share_the_gradient():
    flat = tf.ones((1, 2, 2, 1))
    with tf.GradientTape() as tape:
        tape.watch(flat)
        total = tf.reduce_sum(cells.max_pool(flat))
    np.testing.assert_array_equal(tape.gradient(total, flat), np.full((1, 2, 2, 1), 0.25))


def test_the_border_is_repeated():
    values = tf.reshape(tf.range(4.0), (1, 2, 2, 1))
    expected = [[0, 0, 1, 1], [0, 0, 1, 1], [2, 2, 3, 3], [2, 2, 3, 3]]
    np.testing.assert_array_equal(cells.repeat_border(values)[0, ..., 0], expected)
