import numpy as np
import pytest
import tensorflow as tf

from gan.balance import adaptive_rate, augment, auto, build, update_limit
from gan.balance.auto import OverfittingAugmentation
from gan.config import BalanceConfig
from tests.gan.balance.test_update_limit import network

START = tf.constant(0, tf.int64)


def test_auto_is_the_three_controls_and_is_inactive_until_enabled():
    auto = build.build_balance(BalanceConfig(mode="auto"), seed=0)
    resting = build.build_balance(BalanceConfig(on_alarm="balance"), seed=0)
    for built in (auto, resting):
        assert built.limits_updates
        (only,) = built.controls
        assert [type(control) for control in only.controls] == [
            OverfittingAugmentation,
            update_limit.UpdateLimit,
            adaptive_rate.AdaptiveLearningRate,
        ]
    saturated = {"discriminator/r_t": tf.constant(1.0), "images": tf.constant(500)}
    for built, expected in ((auto, 1 / 64), (resting, 1.0)):
        for _ in range(60):
            built.observe(saturated)
        assert float(built.learning_rate_scale("discriminator")) == pytest.approx(expected)
    variables = network(1.0)
    before = [tf.identity(v.value) for v in variables]
    variables[0].assign(2.0 * before[0])
    resting.limit_update("generator", variables, before, START)
    np.testing.assert_array_equal(variables[0], 2.0 * before[0])
    resting.enable()
    resting.limit_update("generator", variables, before, START)
    np.testing.assert_allclose(variables[0], 1.1 * before[0], rtol=1e-5)
    resting.update_overfitting(1.0)
    resting.observe(saturated)
    assert float(resting.learning_rate_scale("discriminator")) == pytest.approx(0.5)
    assert float(resting.scalars(START)["balance/augment"]) > 0.0


def test_auto_leaves_an_augmentation_of_your_own_alone():
    built = build.build_balance(BalanceConfig(mode="auto", augment=0.3), seed=0)
    kinds = [type(control) for control in built.controls]
    assert kinds == [augment.Augmentation, auto.Auto]
    assert float(built.scalars(START)["balance/augment"]) == pytest.approx(0.3)
