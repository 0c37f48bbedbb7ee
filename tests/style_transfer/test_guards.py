import keras
import numpy as np
import pytest
import tensorflow as tf

from common.callbacks import Ending, StopOnNonFinite
from style_transfer.guards import Anneal, KeepLastGood, StopAtTolerance
from style_transfer.image_model import StyledImage
from tests.style_transfer.bowl import distance_to, fit, start


def test_the_rate_falls_by_equal_factors():
    rates = []
    hear = keras.callbacks.LambdaCallback(
        on_train_batch_end=lambda batch, logs: rates.append(float(model.optimizer.learning_rate))
    )
    model = StyledImage(start(), distance_to(0.8))
    fit(model, 25, [Anneal(0.08, 0.005, 20), hear], rate=0.08)  # five at a time
    assert rates == pytest.approx([0.08, 0.04, 0.02, 0.01, 0.005])


def test_a_rate_that_another_callback_sets_falls_by_the_same_factors():
    rates = []
    hear = keras.callbacks.LambdaCallback(
        on_train_batch_end=lambda batch, logs: rates.append(float(model.optimizer.learning_rate))
    )

    def double(batch, logs=None):
        if batch == 5:
            model.optimizer.learning_rate = 2.0 * float(model.optimizer.learning_rate)

    change = keras.callbacks.LambdaCallback(on_train_batch_begin=double)
    model = StyledImage(start(), distance_to(0.8))
    fit(model, 20, [Anneal(0.08, 0.005, 20), change, hear], rate=0.08)
    assert rates == pytest.approx([0.08, 0.08, 0.04, 0.02])


def test_a_level_ends_at_its_tolerance():
    ending = Ending()
    model = StyledImage(start(), lambda x: {"flat": 1.0 + 0.0 * tf.reduce_mean(x)})
    fit(model, 1000, [StopAtTolerance(0.01, ending)])
    assert ending.status == "tolerance"
    assert model.steps_done <= 2 * StopAtTolerance.WINDOW + 5


def test_a_tolerance_of_0_never_ends_a_level():
    ending = Ending()
    model = StyledImage(start(), lambda x: {"flat": 1.0 + 0.0 * tf.reduce_mean(x)})
    fit(model, 100, [StopAtTolerance(0.0, ending)])
    assert not ending.decided


def test_a_level_continues_while_the_loss_falls():
    ending = Ending()
    fit(StyledImage(start(), distance_to(1.0)), 100, [StopAtTolerance(0.01, ending)], rate=1e-3)
    assert not ending.decided


def test_a_non_finite_loss_ends_the_level_at_its_last_good_state():
    ending, keep = Ending(), KeepLastGood()

    def breaks(image):
        mean = tf.reduce_mean(image)
        return {"cliff": tf.where(mean > 0.7, np.nan, 1.0) * tf.reduce_mean(tf.square(image - 1.0))}

    model = StyledImage(start(), breaks)
    fit(model, 500, [StopOnNonFinite(keep.restore, ending), keep])
    assert ending.status == "diverged"
    assert "cliff" in ending.reason
    assert model.steps_done < 500
    assert np.isfinite(model.average.numpy()).all()
    assert 0.5 < model.average.numpy().mean() <= 0.71
