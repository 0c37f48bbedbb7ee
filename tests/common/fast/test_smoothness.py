import numpy as np
import pytest
import tensorflow as tf

from common.fast.smoothness import plain_roughness, roughness

SHAPES = [(1, 5, 7, 3), (1, 1, 6, 3), (1, 6, 1, 2), (1, 1, 1, 3), (3, 5, 4, 3)]


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("degree", [1, 2])
def test_roughness_and_its_gradient_are_the_plain_form(shape, degree):
    image = tf.constant(np.random.default_rng(0).random(shape), tf.float32)
    found = []
    for cost in (plain_roughness, roughness):
        with tf.GradientTape() as tape:
            tape.watch(image)
            value = cost(image, degree)
            loss = tf.reduce_sum(0.5 * value)
        gradient = tape.gradient(loss, image)
        found.append((value, tf.zeros_like(image) if gradient is None else gradient))
    for plain, fast in zip(*found, strict=True):
        assert fast.shape == plain.shape
        np.testing.assert_allclose(fast, plain, rtol=1e-5, atol=1e-7)


@pytest.mark.parametrize("shape", SHAPES[:4])
@pytest.mark.parametrize(("degree", "cost"), [(1, np.abs), (2, np.square)])
def test_the_gradient_is_the_slope_in_every_number(shape, degree, cost):
    # far enough from equal neighbors for a step of 1e-3 not to reach the corner of |x|
    image = np.random.default_rng(0).permutation(np.prod(shape)).reshape(shape) / 100.0

    def expected(image):
        parts = [cost(np.diff(image, axis=axis)) for axis in (2, 1)]
        return sum(part.mean() for part in parts if part.size)

    tensor = tf.constant(image, tf.float32)
    with tf.GradientTape() as tape:
        tape.watch(tensor)
        value = 0.5 * roughness(tensor, degree)
    slopes = np.zeros(shape)
    for place in np.ndindex(*shape):
        step = np.zeros(shape)
        step[place] = 1e-3
        slopes[place] = (expected(image + step) - expected(image - step)) / 2e-3
    assert float(value[0]) == pytest.approx(0.5 * expected(image), rel=1e-5)
    np.testing.assert_allclose(tape.gradient(value, tensor), 0.5 * slopes, rtol=1e-4, atol=1e-7)
