"""Optimizers of any kind."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from tests.gan.test_model import batch, make, moved, values


def test_optimizers_have_names_or_options():
    gan = make()
    gan.compile("rmsprop", keras.optimizers.SGD(1.0, clipvalue=1e-3))
    assert isinstance(gan.generator_optimizer, keras.optimizers.RMSprop)
    before = values(gan.generator), values(gan.discriminator)
    gan.train_step(batch())
    assert moved(before[0], gan.generator)
    steps = [
        np.abs(new - old).max()
        for old, new in zip(before[1], values(gan.discriminator), strict=True)
    ]
    assert max(steps) == pytest.approx(1e-3, rel=1e-3)


def test_equal_names_are_two_optimizers_and_one_object_is_refused():
    gan = make()
    gan.compile("adam", "adam")
    assert gan.generator_optimizer is not gan.discriminator_optimizer
    adam = keras.optimizers.Adam()
    with pytest.raises(ValueError, match="expected two optimizers"):
        gan.compile(adam, adam)


def test_both_networks_get_a_loss_scale_in_float16():
    keras.config.set_dtype_policy("mixed_float16")
    gan = make(optimizer=keras.optimizers.SGD)
    scaled = keras.optimizers.LossScaleOptimizer
    assert isinstance(gan.generator_optimizer, scaled)
    assert isinstance(gan.discriminator_optimizer, scaled)
    assert gan.optimizer is gan.generator_optimizer


def test_the_loss_is_the_sum_of_both():
    gan = make()
    stream = tf.data.Dataset.from_tensors(batch()).repeat()
    logs = gan.fit(stream, steps_per_epoch=3, verbose=0, shuffle=False).history
    expected = logs["loss/discriminator"][0] + logs["loss/generator"][0]
    assert logs["loss"][0] == pytest.approx(expected, rel=1e-5)
