import keras
import numpy as np
import tensorflow as tf

from style_transfer.image_model import StyledImage
from style_transfer.lbfgs import corrections, fit_lbfgs
from tests.style_transfer.bowl import distance_to, start


def test_lbfgs_finds_the_minimum_in_a_few_iterations_and_calls_its_callbacks():
    heard = []
    listen = keras.callbacks.LambdaCallback(on_train_batch_end=lambda _, logs: heard.append(logs))
    model = StyledImage(start(), distance_to(0.3))
    fit_lbfgs(model, 20, [listen])
    np.testing.assert_allclose(model.average.numpy(), 0.3, atol=1e-3)
    assert 1 <= len(heard) <= 20
    assert set(heard[0]) == {"loss", "bowl"}
    assert heard[-1]["loss"] <= heard[0]["loss"]


def test_lbfgs_keeps_the_image_in_its_range():
    model = StyledImage(start(), distance_to(7.0))
    fit_lbfgs(model, 60, [])
    assert model.image.numpy().max() <= 1.0
    np.testing.assert_allclose(model.image.numpy(), 1.0, atol=1e-3)


def test_lbfgs_stops_when_a_callback_says_so():
    class Stop(keras.callbacks.Callback):
        def on_train_batch_end(self, batch, logs=None):
            self.model.stop_training = True

    model = StyledImage(start(), lambda x: {"hard": tf.reduce_mean(tf.sqrt(tf.abs(x - 0.3)))})
    fit_lbfgs(model, 50, [Stop()])
    assert model.steps_done == 1


def test_large_images_keep_fewer_corrections():
    assert corrections(1024 * 1024 * 3) == 20
    assert corrections(2048 * 2048 * 3) == 5
    assert corrections(4096 * 4096 * 3) == 3
