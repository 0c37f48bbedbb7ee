"""Learning rates that schedules, Keras's callbacks and balance controls change together."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras.optimizers.schedules import InverseTimeDecay

from gan.balance.base import Balance
from gan.balance.throttle import Pause
from gan.learning_rates import ByImagesSeen
from tests.gan.test_model import batch, make, moved, values


def rates(gan):
    return [round(float(rate()), 6) for rate in gan.rates.values()]


def test_both_rates_follow_an_assignment_by_the_same_factor():
    gan = make()
    gan.compile(keras.optimizers.SGD(0.1), keras.optimizers.Adam(0.02))
    gan.optimizer.learning_rate = 0.05
    assert rates(gan) == [0.05, 0.01]
    gan.discriminator_optimizer.learning_rate = 0.02
    assert rates(gan) == [0.1, 0.02]


def test_the_update_has_the_rate_that_a_callback_has_set():
    changed, twin = make(rate=0.1), make(rate=0.02)
    changed.optimizer.learning_rate = 0.02
    metrics = changed.train_step(batch())
    twin.train_step(batch())
    for network in ("generator", "discriminator"):
        for one, other in zip(
            values(getattr(changed, network)), values(getattr(twin, network)), strict=True
        ):
            np.testing.assert_allclose(one, other, rtol=1e-5, atol=1e-7)
    assert float(metrics["learning_rate/discriminator"]) == pytest.approx(0.02)


def test_schedules_count_steps_and_ours_count_images():
    gan = make()
    half = InverseTimeDecay(0.1, 8, 1.0)
    gan.compile(keras.optimizers.SGD(half), keras.optimizers.SGD(ByImagesSeen(half)))
    gan.train_step(batch(8))
    assert rates(gan) == [pytest.approx(0.1 / (1 + 1 / 8), rel=1e-4), 0.05]
    gan.optimizer.learning_rate = 0.5 * float(gan.optimizer.learning_rate)
    assert rates(gan)[1] == 0.025


def test_a_callback_reads_no_scale_of_the_balance_and_a_step_applies_it():
    pause = Pause(
        "pause_accuracy", "discriminator/accuracy", pause=0.9, resume=0.5, strong_is_high=True
    )
    gan = make(rate=0.1, balance=Balance([pause]))
    pause.paused.assign(1.0)
    pause.running.assign(1.0)
    before = values(gan.discriminator), values(gan.generator)
    gan.train_step(batch())
    assert not moved(before[0], gan.discriminator)
    assert moved(before[1], gan.generator)
    assert rates(gan) == [0.1, 0.1]
    assert float(gan.rates["discriminator"].in_effect()) == 0.0


def test_a_rate_that_has_decayed_to_zero_stays():
    gan = make()
    zero = ByImagesSeen(keras.optimizers.schedules.PolynomialDecay(0.1, 8, 0.0))
    gan.compile(keras.optimizers.SGD(zero), keras.optimizers.SGD(0.1))
    gan.images_seen.assign(8)
    gan.optimizer.learning_rate = 0.5
    assert rates(gan) == [0.0, 0.1]


def test_keras_schedulers_move_both_networks():
    gan = make(rate=0.1)
    stream = tf.data.Dataset.from_tensors(batch()).repeat()
    halve = keras.callbacks.LearningRateScheduler(lambda epoch, rate: 0.5 * rate)
    plateau = keras.callbacks.ReduceLROnPlateau("loss", factor=0.5, patience=1, min_delta=1e9)
    logs = gan.fit(
        stream, steps_per_epoch=1, epochs=3, verbose=0, shuffle=False, callbacks=[halve, plateau]
    ).history
    expected = [0.05, 0.025, 0.00625]  # the plateau acts from the second epoch
    assert logs["learning_rate/generator"] == pytest.approx(expected)
    assert logs["learning_rate/discriminator"] == pytest.approx(expected)


def test_a_loss_scale_keeps_the_rate():
    gan = make()
    gan.compile(
        keras.optimizers.LossScaleOptimizer(keras.optimizers.SGD(0.1)), keras.optimizers.SGD(0.1)
    )
    gan.optimizer.learning_rate = 0.01
    assert rates(gan) == [0.01, 0.01]
