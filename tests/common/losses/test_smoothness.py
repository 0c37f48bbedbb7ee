import numpy as np
import pytest
import tensorflow as tf

from common.losses import smoothness


def constant(values):
    return tf.constant(values, tf.float32)


def test_total_variation_by_hand():
    image = constant([[[[0.0], [1.0]], [[0.5], [0.5]]]])  # (1, 2, 2, 1)
    # across: 1 and 0; down: .5 and -.5
    assert float(smoothness.total_variation(image)[0]) == pytest.approx(0.5 + 0.5)
    assert float(smoothness.squared_total_variation(image)[0]) == pytest.approx(0.5 + 0.25)


def test_total_variation_keeps_channels_and_rows_apart():
    stripes = np.zeros((1, 4, 4, 3), np.float32)
    stripes[..., 1] = 1.0  # green everywhere: no neighbor differs
    assert float(smoothness.total_variation(constant(stripes))[0]) == 0.0
    stripes[:, 2:] = 0.0  # one edge across 4 columns, in one of three channels
    found = float(smoothness.total_variation(constant(stripes))[0])
    assert found == pytest.approx(4 / (3 * 4 * 3))


def test_total_variation_of_one_pixel_is_zero():
    assert float(smoothness.total_variation(constant(np.ones((1, 1, 1, 3))))[0]) == 0.0


@pytest.mark.parametrize("name", smoothness.SMOOTHNESS)
def test_every_example_has_its_own_value(name):
    loss = smoothness.SMOOTHNESS[name]
    images = constant(np.random.default_rng(0).random((3, 5, 6, 3)))
    found = loss(images)
    assert found.shape == (3,)
    alone = [float(loss(images[index : index + 1])[0]) for index in range(3)]
    np.testing.assert_allclose(found, alone, rtol=1e-5)
