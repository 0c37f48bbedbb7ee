import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given
from hypothesis import strategies as some

from common.extractors.compact import Features
from common.losses.feature_map import moments
from common.losses.sorted_projections import quantiles, sliced


def of(values):
    values = tf.constant(values, tf.float32)
    return Features(values, moments(values))


def test_one_channel_is_the_squared_wasserstein_distance_of_sorted_values():
    target, value = np.array([3.0, 1.0]), np.array([2.0, 6.0])  # sorted: 1, 3 and 2, 6
    found = sliced(of(target.reshape(1, 1, 2, 1)))(of(value.reshape(1, 2, 1, 1)))
    expected = ((2.0 - 1.0) ** 2 + (6.0 - 3.0) ** 2) / (1.0**2 + 3.0**2)
    np.testing.assert_allclose(found, [expected], rtol=1e-5)


def test_the_order_of_places_does_not_count():
    values = np.random.default_rng(0).normal(size=(1, 5, 6, 4))
    assert float(sliced(of(values))(of(values[:, ::-1]))[0]) == 0.0


def test_it_tells_apart_what_has_equal_moments():
    rare, even = np.array([-3.0] + [0.0] * 16 + [3.0]), np.array([-1.0] * 9 + [1.0] * 9)
    assert np.var(rare) == np.var(even)
    found = sliced(of(rare.reshape(1, 1, 18, 1)))(of(even.reshape(1, 1, 18, 1)))
    assert float(found[0]) == pytest.approx(4 / 3)  # (2 x 2^2 + 16 x 1) / 18, over 1


def test_the_gradient_reaches_every_place():
    values = tf.Variable(np.random.default_rng(1).normal(size=(1, 4, 4, 3)), dtype=tf.float32)
    loss = sliced(of(np.random.default_rng(2).normal(size=(1, 3, 5, 3))))
    with tf.GradientTape() as tape:
        distance = loss(Features(values, moments(values)))
    assert np.all(tape.gradient(distance, values).numpy() != 0.0)


@given(have=some.lists(some.integers(-9, 9), min_size=1, max_size=9), count=some.integers(1, 12))
def test_quantiles_are_ordered_and_between_the_extremes(have, count):
    ordered = tf.sort(tf.constant([[have]], tf.float32))
    found = quantiles(ordered, count).numpy()[0, 0]
    assert found.shape == (count,)
    assert np.all(np.diff(found) >= -1e-6)
    assert min(have) - 1e-6 <= found[0]
    assert found[-1] <= max(have) + 1e-6
