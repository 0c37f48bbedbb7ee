import numpy as np
import pytest
import tensorflow as tf

from common.extractors.compact import Features
from common.losses import content
from common.losses.feature_map import moments


def constant(values):
    return tf.constant(values, tf.float32)


def column(*values):
    """One example of one channel."""
    return tf.reshape(constant(values), (1, -1, 1, 1))


def test_squared_distance_by_hand():
    found = content.squared_distance(column(1.0, 2.0), column(1.0, 4.0))
    assert found.shape == (1,)
    assert float(found[0]) == pytest.approx((4 / 2) / (17 / 2))


def test_huber_distance_is_squared_within_one_unit_and_linear_beyond():
    target = column(1.0, 1.0)  # root mean square 1
    near = content.huber_distance(column(1.5, 1.0), target)
    far = content.huber_distance(column(4.0, 1.0), target)
    assert float(near[0]) == pytest.approx(0.25 / 2)
    assert float(far[0]) == pytest.approx((2 * 3 - 1) / 2)


@pytest.mark.parametrize("distance", [content.squared_distance, content.huber_distance])
def test_every_example_has_its_own_distance(distance):
    value, target = constant(np.random.default_rng(0).normal(size=(2, 3, 4, 5, 6)))
    alone = [float(distance(value[i : i + 1], target[i : i + 1])[0]) for i in range(3)]
    np.testing.assert_allclose(distance(value, target), alone, rtol=1e-5)


@pytest.mark.parametrize("batch", [1, 2])
@pytest.mark.parametrize("places", [1, 4])
def test_content_through_a_head_is_the_distance_of_the_expanded_activations(places, batch):
    random = np.random.default_rng(1)
    head = constant(random.normal(size=(4, places, 7)))
    value, target = (
        Features(values, moments(values), head)
        for values in (
            constant(random.random((batch, 4, 6, 3))),
            constant(random.random((1, 4, 6, 3))),
        )
    )
    pairs = (("squared", content.squared_distance), ("huber", content.huber_distance))
    for name, distance in pairs:
        expected = distance(value.expanded(), target.expanded())
        found = content.CONTENT[name](target)(value)
        assert found.shape == (batch,)
        np.testing.assert_allclose(found, expected, rtol=1e-4)


@pytest.mark.parametrize("name", content.CONTENT)
def test_content_without_a_head_is_the_distance_of_the_values(name):
    value, target = constant(np.random.default_rng(0).random((2, 1, 4, 6, 3)))
    plain = {"squared": content.squared_distance, "huber": content.huber_distance}[name]
    loss = content.CONTENT[name](Features(target, moments(target)))
    np.testing.assert_allclose(loss(Features(value, moments(value))), plain(value, target), 1e-6)
