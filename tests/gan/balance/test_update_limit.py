import numpy as np
import pytest
import tensorflow as tf

from gan.balance import update_limit

START = tf.constant(0, tf.int64)


def network(value):
    import keras

    layers = [keras.layers.Input((4,)), keras.layers.Dense(4, kernel_initializer="zeros")]
    built = keras.Sequential(layers)
    built.layers[0].kernel.assign(value * tf.ones((4, 4)))
    return built.trainable_variables


def test_a_long_step_is_cut_to_a_share_of_the_norm_and_a_short_one_left():
    limit = update_limit.UpdateLimit(1)
    variables = network(1.0)  # norm 4
    before = [tf.identity(v.value) for v in variables]
    for moved, expected in ((1.0, 0.1), (0.05, 0.05)):
        variables[0].assign(before[0] + moved)
        variables[1].assign(before[1] + 10.0 * moved)
        limit.limit_update("discriminator", variables, before, START)
        np.testing.assert_allclose(variables[0], before[0] + expected, rtol=1e-5)
        np.testing.assert_allclose(variables[1], before[1] + 10.0 * expected, rtol=1e-5)
    metrics = limit.scalars(START)
    assert float(metrics["balance/update_limit_discriminator"]) == 1.0
    assert float(metrics["balance/update_limit_generator"]) == 1.0


def test_the_limit_falls_with_images_and_is_shared_by_the_steps_of_a_round():
    def limit(images, steps=1, network="generator"):
        return float(update_limit.UpdateLimit(steps).limit(network, tf.constant(images, tf.int64)))

    assert limit(0) == pytest.approx(0.1)
    assert limit(6000) == pytest.approx(0.05)  # 1 / sqrt(1 + 6000 / 2000)
    assert limit(500_000) == limit(60_000) == pytest.approx(0.1 / 31**0.5)
    assert limit(0, steps=5) == pytest.approx(0.02)
    assert limit(0, steps=5, network="discriminator") == pytest.approx(0.1)


def test_a_step_that_is_not_finite_is_left_for_the_guard_to_see():
    limit = update_limit.UpdateLimit(1)
    variables = network(1.0)
    before = [tf.identity(v.value) for v in variables]
    variables[0].assign(float("nan") * tf.ones((4, 4)))
    limit.limit_update("generator", variables, before, START)
    assert np.isnan(variables[0]).all()
