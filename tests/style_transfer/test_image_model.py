import keras
import numpy as np
import pytest
import tensorflow as tf

from style_transfer.image_model import StyledImage, optimizer_state, resize_optimizer_state
from tests.style_transfer.bowl import distance_to, fit, start


def test_the_image_moves_to_the_minimum_and_the_average_follows():
    model = fit(StyledImage(start(), distance_to(0.8)), 200)
    np.testing.assert_allclose(model.image.numpy(), 0.8, atol=0.01)
    np.testing.assert_allclose(model.average.numpy(), 0.8, atol=0.03)
    assert model.steps_done == 200


@pytest.mark.parametrize("xla", [False, True])
def test_an_execution_is_several_steps_and_returns_the_last_logs(xla):
    together = StyledImage(start(), distance_to(0.8))
    together.compile(keras.optimizers.Adam(0.02), xla=xla, steps_per_execution=5)
    logs = together.make_train_function()(None)
    one_by_one = StyledImage(start(), distance_to(0.8))
    one_by_one.compile(keras.optimizers.Adam(0.02))
    for _ in range(5):
        last = one_by_one.train_step(None)
    assert set(logs) == {"loss", "bowl"}
    assert logs["bowl"] == pytest.approx(float(last["bowl"]), rel=1e-5)
    assert together.steps_done == one_by_one.steps_done == 5
    np.testing.assert_allclose(together.image.numpy(), one_by_one.image.numpy(), rtol=1e-5)


def test_the_image_stays_in_its_range():
    model = fit(StyledImage(start(), distance_to(7.0)), 60)
    assert model.image.numpy().max() <= 1.0
    np.testing.assert_allclose(model.image.numpy(), 1.0, atol=1e-3)


def test_the_average_is_a_plain_mean_at_first():
    model = StyledImage(start(0.0), distance_to(0.0))
    for value in (0.2, 0.4, 0.9):
        model.image.assign(start(value))
        model.follow()
    np.testing.assert_allclose(model.average.numpy(), 0.5, rtol=1e-5)


def test_the_loss_is_the_sum_of_the_terms():
    def terms(image):
        values = tf.reduce_mean(image, axis=(1, 2, 3))
        return {"one": values, "two": 2.0 * values}

    logs, gradient = StyledImage(start(0.5), terms).loss_and_gradient()
    assert {name: float(value) for name, value in logs.items()} == {
        "loss": pytest.approx(1.5),
        "one": pytest.approx(0.5),
        "two": pytest.approx(1.0),
    }
    np.testing.assert_allclose(gradient, 3.0 / start().size, rtol=1e-5)


def test_moments_are_carried_to_another_size():
    small = fit(StyledImage(start(), distance_to(0.8)), 20)
    steps, moments = optimizer_state(small.optimizer)
    assert steps == 20
    assert [m.shape for m in moments] == [(1, 4, 6, 3)] * 2
    large = StyledImage(start(size=(8, 12)), distance_to(0.8))
    large.compile(keras.optimizers.Adam())
    resize_optimizer_state(large.optimizer, steps, moments)
    after_steps, after = optimizer_state(large.optimizer)
    assert after_steps == 20
    for before, now in zip(moments, after, strict=True):
        assert now.shape == (1, 8, 12, 3)
        assert now.mean() == pytest.approx(before.mean(), rel=1e-4)
    assert (after[1] >= 0).all()
