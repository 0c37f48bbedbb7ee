"""The style losses, by hand and by their closed forms."""

import numpy as np
import pytest
import tensorflow as tf
from scipy import linalg

from common.extractors.compact import Features
from common.losses import style
from common.losses.feature_map import Moments


def constant(values):
    return tf.constant(values, tf.float32)


def known(mean, second):
    """Features of one example with these moments."""
    return Features(None, Moments(constant(mean)[None], constant(second)[None]))


def gaussian(mean, covariance):
    mean, covariance = np.asarray(mean, np.float64), np.asarray(covariance, np.float64)
    return known(mean, covariance + np.outer(mean, mean))


def of(values):
    return Features(values, style.moments(values))


def distance(statistic, value, target):
    found = style.STYLE[statistic](target)(value)
    assert found.shape == (1,)
    return float(found[0])


def test_gram_matrix_by_hand():
    features = constant([[[[1.0, 2.0], [3.0, -2.0]]]])  # two places of two channels
    assert style.gram_matrix(features).numpy().tolist() == [[[5.0, -2.0], [-2.0, 4.0]]]


def test_gram_matrix_is_the_product_of_equation_3_per_example():
    features = np.random.default_rng(0).normal(size=(3, 4, 5, 6)).astype(np.float32)
    for found, example in zip(style.gram_matrix(constant(features)), features, strict=True):
        flat = example.reshape(20, 6)
        np.testing.assert_allclose(found, flat.T @ flat / 20, rtol=1e-4, atol=1e-5)


def test_moments_by_hand():
    features = constant([[[[1.0, 2.0], [3.0, -2.0]]]])
    found = style.moments(features)
    assert found.mean.numpy().tolist() == [[2.0, 0.0]]
    assert found.second.numpy().tolist() == [[[5.0, -2.0], [-2.0, 4.0]]]
    assert found.covariance().numpy().tolist() == [[[1.0, -2.0], [-2.0, 4.0]]]


def test_moments_do_not_depend_on_the_number_of_places():
    features = np.random.default_rng(0).normal(size=(1, 3, 4, 5)).astype(np.float32)
    twice = np.concatenate([features, features], axis=2)
    pairs = zip(style.moments(constant(features)), style.moments(constant(twice)), strict=True)
    for one, two in pairs:
        np.testing.assert_allclose(one, two, rtol=1e-5, atol=1e-6)


def test_gram_and_mean_by_hand():
    value, target = known([1.0, 0.0], np.diag([2.0, 1.0])), known([2.0, 1.0], np.diag([4.0, 3.0]))
    gram = (2.0**2 + 2.0**2) / (4.0**2 + 3.0**2)
    mean = (1.0**2 + 1.0**2) / (2.0**2 + 1.0**2)
    assert distance("gram_and_mean", value, target) == pytest.approx(gram + mean)


def test_gram_by_hand():
    value = known([0.0, 0.0], [[1.0, 2.0], [2.0, 0.0]])
    target = known([0.0, 0.0], [[1.0, 0.0], [0.0, 2.0]])
    assert distance("gram", value, target) == pytest.approx((4 + 4 + 4) / (1 + 4))
    assert distance("gram", target, target) == 0.0
    nothing = known([0.0], [[0.0]])
    assert np.isfinite(distance("gram", nothing, nothing))


@pytest.mark.parametrize("statistic", style.STYLE)
def test_every_example_has_its_own_value(statistic):
    random = np.random.default_rng(0)
    loss = style.STYLE[statistic](of(constant(random.normal(size=(1, 8, 8, 4)))))
    batch = constant(random.normal(size=(3, 6, 7, 4)))
    found = loss(of(batch))
    assert found.shape == (3,)
    alone = [float(loss(of(batch[index : index + 1]))[0]) for index in range(3)]
    np.testing.assert_allclose(found, alone, rtol=1e-3)


def test_wasserstein_distance_of_gaussians_on_one_axis():
    # Known: (m - m*)^2 + (s - s*)^2, over E f*^2.
    value, target = gaussian([1.0], [[4.0]]), gaussian([3.0], [[9.0]])
    expected = ((1 - 3) ** 2 + (2 - 3) ** 2) / (9 + 9)
    assert distance("wasserstein", value, target) == pytest.approx(expected, rel=1e-3)


def test_wasserstein_distance_is_scipys():
    random = np.random.default_rng(0)
    a, b = random.normal(size=(2, 6, 20))
    means = random.normal(size=(2, 6))
    covariances = a @ a.T / 20, b @ b.T / 20
    cross = linalg.sqrtm(covariances[0] @ covariances[1]).real
    expected = np.sum((means[0] - means[1]) ** 2) + np.trace(sum(covariances) - 2 * cross)
    target = gaussian(means[1], covariances[1])
    expected /= np.trace(target.moments().second[0])
    found = distance("wasserstein", gaussian(means[0], covariances[0]), target)
    assert found == pytest.approx(expected, rel=1e-3)


def test_wasserstein_gradient_vanishes_at_the_target_and_points_home_elsewhere():
    target = gaussian([0.0, 0.0], [[1.0, 0.3], [0.3, 2.0]])
    loss, goal = style.wasserstein(target), target.moments()
    for factor, sign in ((1.0, 0), (2.0, 1), (0.5, -1)):
        scale = tf.Variable(factor)
        with tf.GradientTape() as tape:
            found = loss(Features(None, Moments(goal.mean, scale * goal.second)))
        gradient = float(tape.gradient(found, scale))
        # d/ds of (sqrt(s) - 1)^2 is 1 - 1 / sqrt(s).
        assert gradient == pytest.approx(1.0 - factor**-0.5, abs=5e-3)
        assert np.sign(round(gradient, 2)) == sign


def covariances(batch, channels=6):
    factors = np.random.default_rng(0).normal(size=(batch, channels, 4 * channels))
    return constant(factors @ factors.transpose(0, 2, 1) / channels)


def test_the_trace_of_the_root_is_scipys_and_its_gradient_half_the_inverse():
    matrices = covariances(3)
    with tf.GradientTape() as tape:
        tape.watch(matrices)
        traces = style.trace_of_root(matrices)
        loss = tf.reduce_sum(traces * constant([1.0, 2.0, 3.0]))
    gradient = tape.gradient(loss, matrices).numpy()
    for index, matrix in enumerate(matrices.numpy().astype(np.float64)):
        root = linalg.sqrtm(matrix).real
        assert float(traces[index]) == pytest.approx(np.trace(root), rel=1e-4)
        expected = (index + 1) * 0.5 * np.linalg.inv(root)
        symmetric = 0.5 * (gradient[index] + gradient[index].T)
        np.testing.assert_allclose(symmetric, expected, rtol=1e-3, atol=1e-3)


def test_the_root_of_a_singular_matrix_is_finite_with_its_gradient():
    for matrix in ([[1.0, 1.0], [1.0, 1.0]], [[0.0, 0.0], [0.0, 0.0]], [[0.0, 0.0], [0.0, -1.0]]):
        matrix = tf.Variable([matrix])
        with tf.GradientTape() as tape:
            trace = style.trace_of_root(matrix)
        assert float(trace[0]) == pytest.approx(np.sqrt(2.0 * float(matrix[0, 0, 1])), abs=1e-2)
        assert np.isfinite(tape.gradient(trace, matrix)).all()


def test_symmetric_root():
    matrices = covariances(2)
    root = style.symmetric_root(matrices)
    np.testing.assert_allclose(root @ root, matrices, rtol=1e-3, atol=1e-3)
    by_hand = style.symmetric_root(constant([[[2.0, 1.0], [1.0, 2.0]]])).numpy()[0]
    np.testing.assert_allclose(by_hand @ by_hand, [[2.0, 1.0], [1.0, 2.0]], rtol=1e-5)


@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
@pytest.mark.parametrize("level", [0.0, 0.3, 40.0])
def test_wasserstein_of_flat_features_is_finite_with_its_gradient(level, dtype):
    textured = np.random.default_rng(0).random((1, 9, 9, 64)).astype(np.float32)
    flat = tf.fill((1, 9, 9, 64), level)
    for value, target in ((flat, textured), (textured, flat), (flat, flat)):
        value, target = tf.cast(value, dtype), tf.cast(target, dtype)
        loss = style.wasserstein(of(target))
        with tf.GradientTape() as tape:
            tape.watch(value)
            found = loss(of(value))
        assert np.isfinite(found).all()
        assert np.isfinite(tf.cast(tape.gradient(found, value), tf.float32)).all()
    assert float(style.wasserstein(of(flat))(of(flat))[0]) == 0.0


@pytest.mark.parametrize("channels", [3, 64, 256])
def test_wasserstein_of_equal_features_is_0_and_of_near_ones_never_below(channels):
    random = np.random.default_rng(0)
    low_rank = random.normal(size=(1, 12, 12, 4)) @ random.normal(size=(4, channels))
    features = constant(np.maximum(low_rank, 0.0))
    loss = style.wasserstein(of(features))
    assert float(loss(of(features))[0]) == 0.0
    distances = []
    for size in (1e-4, 1e-3, 1e-2, 0.1, 1.0):
        near = features + size * constant(random.normal(size=features.shape))
        distances.append(float(loss(of(near))[0]))
    assert min(distances) >= 0.0
    assert distances[-1] > distances[-2] > distances[-3]


def test_a_statistic_may_read_the_activations_themselves(monkeypatch):
    """Sorted projections, as of the sliced Wasserstein distance, in one function and one row."""

    def sorted_channels(target):
        goal = tf.sort(tf.reshape(target.expanded(), (1, -1, 4)), axis=1)

        def loss(value):
            found = tf.sort(tf.reshape(value.expanded(), (value.values.shape[0], -1, 4)), axis=1)
            return tf.reduce_mean(tf.square(found - goal), axis=(1, 2))

        return loss

    monkeypatch.setitem(style.STYLE, "sorted", sorted_channels)
    features = constant(np.random.default_rng(0).normal(size=(1, 5, 6, 4)))
    mirrored = features[:, ::-1]
    assert distance("sorted", of(mirrored), of(features)) == 0.0
    assert distance("sorted", of(features + 1.0), of(features)) == pytest.approx(1.0)


@pytest.mark.parametrize("statistic", style.MASKABLE)
def test_places_of_weight_0_do_not_count(statistic):
    value, target = constant(np.random.default_rng(0).normal(size=(2, 1, 6, 5, 4)))
    upper = constant(np.repeat([1.0, 0.0], 3)[None, :, None] * np.ones((1, 6, 5)))

    def masked(features):
        return Features(features, style.moments(features, upper), None, upper)

    found = distance(statistic, masked(value), masked(target))
    cut = distance(statistic, of(value[:, :3]), of(target[:, :3]))
    assert found == pytest.approx(cut, rel=1e-4)
    assert set(style.MASKABLE) <= style.STYLE.keys()
