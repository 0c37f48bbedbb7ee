import keras
import numpy as np
import pytest
import tensorflow as tf

from common.callbacks import Ending, StopOnNonFinite
from style_transfer.guards import Anneal, KeepGood, StopAtTolerance
from style_transfer.image_model import StyledPicture, carry, state
from style_transfer.lbfgs import fit_lbfgs
from style_transfer.progress import Pyramid


def distance_to(value):
    """A bowl whose bottom is a picture of one value."""
    return lambda image: {"bowl": tf.reduce_mean(tf.square(image - value))}


def fit(model, iterations, callbacks=(), rate=0.02):
    model.compile(keras.optimizers.Adam(rate, beta_1=0.9, beta_2=0.99), steps_per_execution=5)
    ticks = tf.data.Dataset.from_tensors(0.0).repeat()
    model.fit(ticks, steps_per_epoch=iterations, callbacks=list(callbacks), verbose=0)
    return model


def start(value=0.5, size=(4, 6)):
    return np.full((1, *size, 3), value, np.float32)


def test_the_picture_moves_to_the_minimum_and_the_average_follows():
    model = fit(StyledPicture(start(), distance_to(0.8)), 200)
    np.testing.assert_allclose(model.picture.numpy(), 0.8, atol=0.01)
    np.testing.assert_allclose(model.average.numpy(), 0.8, atol=0.03)
    assert model.steps_done == 200


def test_an_execution_is_as_many_steps_and_tells_of_the_last():
    together = StyledPicture(start(), distance_to(0.8))
    together.compile(keras.optimizers.Adam(0.02), steps_per_execution=5)
    logs = together.make_train_function()(None)
    one_by_one = StyledPicture(start(), distance_to(0.8))
    one_by_one.compile(keras.optimizers.Adam(0.02))
    for _ in range(5):
        last = one_by_one.train_step(None)
    assert set(logs) == {"loss", "bowl"}
    assert logs["bowl"] == pytest.approx(float(last["bowl"]), rel=1e-5)
    assert together.steps_done == one_by_one.steps_done == 5
    np.testing.assert_allclose(together.picture.numpy(), one_by_one.picture.numpy(), rtol=1e-6)


@pytest.mark.parametrize("minimise", [fit, lambda model, n: fit_lbfgs(model, n, [])])
def test_the_picture_stays_in_its_range(minimise):
    model = StyledPicture(start(), distance_to(7.0))
    minimise(model, 60)
    assert model.picture.numpy().max() <= 1.0
    np.testing.assert_allclose(model.picture.numpy(), 1.0, atol=1e-3)


def test_the_average_is_a_plain_mean_at_first():
    model = StyledPicture(start(0.0), distance_to(0.0))
    for value in (0.2, 0.4, 0.9):
        model.picture.assign(start(value))
        model.follow()
    np.testing.assert_allclose(model.average.numpy(), 0.5, rtol=1e-5)


def test_lbfgs_finds_the_bottom_in_a_few_iterations_and_tells_its_callbacks():
    heard = []
    listen = keras.callbacks.LambdaCallback(on_train_batch_end=lambda _, logs: heard.append(logs))
    model = StyledPicture(start(), distance_to(0.3))
    fit_lbfgs(model, 20, [listen])
    np.testing.assert_allclose(model.average.numpy(), 0.3, atol=1e-3)
    assert 1 <= len(heard) <= 20
    assert set(heard[0]) == {"loss", "bowl"}
    assert heard[-1]["loss"] <= heard[0]["loss"]


def test_lbfgs_stops_when_a_callback_says_so():
    class Stop(keras.callbacks.Callback):
        def on_train_batch_end(self, batch, logs=None):
            self.model.stop_training = True

    model = StyledPicture(start(), lambda x: {"hard": tf.reduce_mean(tf.sqrt(tf.abs(x - 0.3)))})
    fit_lbfgs(model, 50, [Stop()])
    assert model.steps_done == 1


def test_moments_are_carried_to_another_size():
    small = fit(StyledPicture(start(), distance_to(0.8)), 20)
    steps, moments = state(small.optimizer)
    assert steps == 20
    assert [m.shape for m in moments] == [(1, 4, 6, 3)] * 2
    large = StyledPicture(start(size=(8, 12)), distance_to(0.8))
    large.compile(keras.optimizers.Adam())
    carry(large.optimizer, steps, moments)
    after_steps, after = state(large.optimizer)
    assert after_steps == 20
    for before, now in zip(moments, after, strict=True):
        assert now.shape == (1, 8, 12, 3)
        assert now.mean() == pytest.approx(before.mean(), rel=1e-4)
    assert (after[1] >= 0).all()


def test_the_rate_falls_by_equal_factors():
    rates = []
    hear = keras.callbacks.LambdaCallback(
        on_train_batch_end=lambda batch, logs: rates.append(float(model.optimizer.learning_rate))
    )
    model = StyledPicture(start(), distance_to(0.8))
    fit(model, 25, [Anneal(0.08, 0.005, 20), hear])  # five at a time
    assert rates == pytest.approx([0.08, 0.04, 0.02, 0.01, 0.005])


def test_a_level_ends_when_the_loss_has_settled():
    ending = Ending()
    model = StyledPicture(start(), lambda x: {"flat": 1.0 + 0.0 * tf.reduce_mean(x)})
    fit(model, 1000, [StopAtTolerance(0.01, ending)])
    assert ending.status == "tolerance"
    assert model.steps_done <= 2 * StopAtTolerance.WINDOW + 5


def test_a_level_goes_on_while_the_loss_falls():
    ending = Ending()
    fit(StyledPicture(start(), distance_to(1.0)), 100, [StopAtTolerance(0.01, ending)], rate=1e-3)
    assert not ending.decided


def test_a_non_finite_loss_ends_the_level_at_its_last_good_state():
    ending, keep = Ending(), KeepGood()

    def breaks(image):
        mean = tf.reduce_mean(image)
        return {"cliff": tf.where(mean > 0.7, np.nan, 1.0) * tf.reduce_mean(tf.square(image - 1.0))}

    model = StyledPicture(start(), breaks)
    fit(model, 500, [StopOnNonFinite(keep.step_back, ending), keep])
    assert ending.status == "diverged"
    assert "cliff" in ending.reason
    assert model.steps_done < 500
    assert np.isfinite(model.average.numpy()).all()
    assert 0.5 < model.average.numpy().mean() <= 0.71


def test_the_share_of_all_work_counts_pixels():
    pyramid = Pyramid(pictures=2)
    pyramid.begin([((3, 2), 10), ((6, 4), 10)])  # 60 and 240 units of work
    pyramid.set_model(StyledPicture(start(), distance_to(0.5)))
    pyramid.on_train_begin()
    assert pyramid.share() == 0.0
    pyramid.model.iteration.assign(5)
    assert pyramid.share() == pytest.approx(0.5 * 30 / 300)
    pyramid.on_train_begin()
    assert pyramid.share() == pytest.approx(0.5 * (60 + 120) / 300)
    pyramid.begin([((3, 2), 10)])
    pyramid.on_train_begin()
    assert pyramid.share() == pytest.approx(0.5 + 0.5 * 0.5)
