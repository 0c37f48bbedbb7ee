import keras
import numpy as np
import pytest
import tensorflow as tf

from common.fast.orthogonalize import orthogonalize

COEFFICIENTS = 3.4445, -4.7750, 2.0315


@pytest.mark.parametrize("shape", [(40, 8), (8, 40), (12, 12)])
def test_equals_the_iterations_on_the_whole_matrix(shape):
    values = np.random.default_rng(0).normal(size=shape).astype(np.float32)
    expected = keras.optimizers.Muon().zeropower_via_newtonschulz5(tf.constant(values), 5)
    found = orthogonalize(tf.constant(values), 5, COEFFICIENTS)
    np.testing.assert_allclose(found, expected, atol=1e-4)


def test_small_singular_values_are_raised_as_by_the_plain_form():
    random = np.random.default_rng(1)
    left, right = (np.linalg.qr(random.normal(size=(rows, 16)))[0] for rows in (144, 16))
    values = (left * np.geomspace(1.0, 1e-3, 16)) @ right.T
    values = tf.constant(values, tf.float32)
    expected = keras.optimizers.Muon().zeropower_via_newtonschulz5(values, 5)
    found = orthogonalize(values, 5, COEFFICIENTS)
    np.testing.assert_allclose(found, expected, atol=1e-3)
    assert np.linalg.svd(found.numpy(), compute_uv=False).min() > 0.2


def test_zeros_stay_zeros():
    assert not orthogonalize(tf.zeros((6, 3)), 5, COEFFICIENTS).numpy().any()
