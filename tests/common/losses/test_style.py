"""The losses of style transfer, by hand and by their closed forms."""

import numpy as np
import pytest
import tensorflow as tf
from scipy import linalg

from common.losses import content, smoothness, style
from common.losses.style import Moments


def constant(values):
    return tf.constant(values, tf.float32)


def gaussian(mean, covariance):
    mean, covariance = np.asarray(mean, np.float64), np.asarray(covariance, np.float64)
    return Moments(constant(mean), constant(covariance + np.outer(mean, mean)))


def test_moments_by_hand():
    features = constant([[[[1.0, 2.0], [3.0, -2.0]]]])  # two places of two channels
    mean, second = style.moments(features)
    assert mean.numpy().tolist() == [2.0, 0.0]
    assert second.numpy().tolist() == [[5.0, -2.0], [-2.0, 4.0]]
    covariance = style.moments(features).covariance()
    assert covariance.numpy().tolist() == [[1.0, -2.0], [-2.0, 4.0]]


def test_moments_do_not_depend_on_the_number_of_places():
    features = np.random.default_rng(0).normal(size=(1, 3, 4, 5)).astype(np.float32)
    twice = np.concatenate([features, features], axis=2)
    pairs = zip(style.moments(constant(features)), style.moments(constant(twice)), strict=True)
    for one, two in pairs:
        np.testing.assert_allclose(one, two, rtol=1e-5, atol=1e-6)


def test_the_gradient_of_the_moments_is_that_of_automatic_differentiation():
    random = np.random.default_rng(0)
    features = tf.Variable(random.normal(size=(2, 3, 4, 5)), dtype=tf.float32)
    weigh_mean = constant(random.normal(size=5))
    weigh_second = constant(random.normal(size=(5, 5)))

    def plain():
        flat = tf.reshape(features, (-1, 5))
        count = flat.shape[0]
        second = tf.matmul(flat, flat, transpose_a=True) / count
        return tf.reduce_mean(flat, axis=0), second

    gradients = []
    for find in (plain, lambda: style.moments(features)):
        with tf.GradientTape() as tape:
            mean, second = find()
            loss = tf.reduce_sum(mean * weigh_mean) + tf.reduce_sum(second * weigh_second)
        gradients.append(tape.gradient(loss, features).numpy())
    np.testing.assert_allclose(*gradients, rtol=1e-5, atol=1e-6)


def test_moments_of_bfloat16_are_near_those_of_float32():
    features = np.random.default_rng(0).random((1, 200, 200, 3)).astype(np.float32)
    exact = style.moments(constant(features))
    rough = style.moments(tf.cast(features, tf.bfloat16))
    assert rough.mean.dtype == rough.second.dtype == tf.float32
    np.testing.assert_allclose(rough.mean, exact.mean, rtol=0.01)
    np.testing.assert_allclose(rough.second, exact.second, rtol=0.01)


def test_gram_distance_by_hand():
    value = Moments(constant([0.0, 0.0]), constant([[1.0, 2.0], [2.0, 0.0]]))
    target = Moments(constant([0.0, 0.0]), constant([[1.0, 0.0], [0.0, 2.0]]))
    assert float(style.gram_distance(value, target)) == pytest.approx((4 + 4 + 4) / (1 + 4))
    assert float(style.gram_distance(target, target)) == 0.0
    nothing = Moments(constant([0.0]), constant([[0.0]]))
    assert np.isfinite(float(style.gram_distance(nothing, nothing)))


def test_wasserstein_distance_of_gaussians_on_one_axis():
    # Known: (m - m*)^2 + (s - s*)^2, over E f*^2.
    value, target = gaussian([1.0], [[4.0]]), gaussian([3.0], [[9.0]])
    expected = ((1 - 3) ** 2 + (2 - 3) ** 2) / (9 + 9)
    assert float(style.wasserstein_distance(value, target)) == pytest.approx(expected, rel=1e-3)


def test_wasserstein_distance_is_scipys():
    random = np.random.default_rng(0)
    a, b = random.normal(size=(2, 6, 20))
    means = random.normal(size=(2, 6))
    covariances = a @ a.T / 20, b @ b.T / 20
    cross = linalg.sqrtm(covariances[0] @ covariances[1]).real
    expected = np.sum((means[0] - means[1]) ** 2) + np.trace(sum(covariances) - 2 * cross)
    target = gaussian(means[1], covariances[1])
    expected /= np.trace(target.second)
    found = style.wasserstein_distance(gaussian(means[0], covariances[0]), target)
    assert float(found) == pytest.approx(expected, rel=1e-3)


def test_wasserstein_gradient_vanishes_at_the_target_and_points_home_elsewhere():
    target = gaussian([0.0, 0.0], [[1.0, 0.3], [0.3, 2.0]])
    for factor, sign in ((1.0, 0), (2.0, 1), (0.5, -1)):
        scale = tf.Variable(factor)
        with tf.GradientTape() as tape:
            loss = style.wasserstein_distance(Moments(target.mean, scale * target.second), target)
        gradient = float(tape.gradient(loss, scale))
        # d/ds of (sqrt(s) - 1)^2 is 1 - 1 / sqrt(s).
        assert gradient == pytest.approx(1.0 - factor**-0.5, abs=5e-3)
        assert np.sign(round(gradient, 2)) == sign


def test_the_root_of_a_singular_matrix_is_finite_with_its_gradient():
    matrix = tf.Variable([[1.0, 1.0], [1.0, 1.0]])
    with tf.GradientTape() as tape:
        trace = style.trace_of_root(matrix)
    assert float(trace) == pytest.approx(np.sqrt(2.0), rel=2e-2)
    assert np.isfinite(tape.gradient(trace, matrix)).all()


def test_symmetric_root():
    root = style.symmetric_root(constant([[2.0, 1.0], [1.0, 2.0]])).numpy()
    np.testing.assert_allclose(root @ root, [[2.0, 1.0], [1.0, 2.0]], rtol=1e-5)


def test_squared_distance_by_hand():
    found = content.squared_distance(constant([1.0, 2.0]), constant([1.0, 4.0]))
    assert float(found) == pytest.approx((4 / 2) / (17 / 2))


def test_huber_distance_is_squared_within_one_unit_and_linear_beyond():
    target = constant([1.0, 1.0])  # root mean square 1
    near = content.huber_distance(constant([1.5, 1.0]), target)
    far = content.huber_distance(constant([4.0, 1.0]), target)
    assert float(near) == pytest.approx(0.25 / 2)
    assert float(far) == pytest.approx((2 * 3 - 1) / 2)


def test_total_variation_by_hand():
    image = constant([[[[0.0], [1.0]], [[0.5], [0.5]]]])  # (1, 2, 2, 1)
    # across: 1 and 0; down: .5 and -.5
    assert float(smoothness.total_variation(image)) == pytest.approx(0.5 + 0.5)
    assert float(smoothness.squared_total_variation(image)) == pytest.approx(0.5 + 0.25)


def test_total_variation_keeps_channels_and_rows_apart():
    stripes = np.zeros((1, 4, 4, 3), np.float32)
    stripes[..., 1] = 1.0  # green everywhere: no neighbour differs
    assert float(smoothness.total_variation(constant(stripes))) == 0.0
    stripes[:, 2:] = 0.0  # one edge across 4 columns, in one of three channels
    assert float(smoothness.total_variation(constant(stripes))) == pytest.approx(4 / (3 * 4 * 3))


def test_total_variation_of_one_pixel_is_zero():
    assert float(smoothness.total_variation(constant(np.ones((1, 1, 1, 3))))) == 0.0


@pytest.mark.parametrize("shape", [(1, 5, 7, 3), (1, 1, 6, 3), (1, 6, 1, 2), (1, 1, 1, 3)])
@pytest.mark.parametrize(
    ("loss", "cost"),
    [(smoothness.total_variation, np.abs), (smoothness.squared_total_variation, np.square)],
)
def test_the_gradient_of_a_variation_is_its_slope_in_every_number(shape, loss, cost):
    # far enough from equal neighbours for a step of 1e-3 not to reach the corner of |x|
    image = np.random.default_rng(0).permutation(np.prod(shape)).reshape(shape) / 100.0

    def expected(image):
        parts = [cost(np.diff(image, axis=axis)) for axis in (2, 1)]
        return sum(part.mean() for part in parts if part.size)

    picture = constant(image)
    with tf.GradientTape() as tape:
        tape.watch(picture)
        value = 0.5 * loss(picture)
    slopes = np.zeros(shape)
    for place in np.ndindex(*shape):
        step = np.zeros(shape)
        step[place] = 1e-3
        slopes[place] = (expected(image + step) - expected(image - step)) / 2e-3
    assert float(value) == pytest.approx(0.5 * expected(image), rel=1e-5)
    np.testing.assert_allclose(tape.gradient(value, picture), 0.5 * slopes, rtol=1e-4, atol=1e-7)
