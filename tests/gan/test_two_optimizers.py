"""Optimizers of any kind."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from gan.callbacks.checkpoints import checkpoint_variables
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


def test_each_optimizer_has_only_its_own_network():
    gan = make(optimizer=keras.optimizers.Adam)
    slots = {
        id(gan.generator): gan.generator_optimizer,
        id(gan.discriminator): gan.discriminator_optimizer,
    }
    for network, optimizer in zip((gan.generator, gan.discriminator), slots.values(), strict=True):
        shapes = sorted(tuple(v.shape) for v in network.trainable_variables for _ in range(2))
        held = sorted(tuple(v.shape) for v in optimizer.variables if v.shape != ())
        assert held == shapes


def test_a_loss_scale_changes_no_gradient_and_an_overflow_no_weight():
    def scaled(rate):
        return keras.optimizers.LossScaleOptimizer(keras.optimizers.SGD(rate), initial_scale=8.0)

    plain, held = make(), make(optimizer=scaled)
    expected, found = (gan.train_step(batch()) for gan in (plain, held))
    for name, value in expected.items():
        np.testing.assert_allclose(found[name], value, rtol=1e-4, atol=1e-6, err_msg=name)
    for one, other in zip(values(plain.generator), values(held.generator), strict=True):
        np.testing.assert_allclose(other, one, rtol=1e-4, atol=1e-6)
    before = values(held.generator)
    held.generator_optimizer.dynamic_scale.assign(float("inf"))
    held.scalars.reset_state()
    metrics = held.train_step(batch())
    assert not moved(before, held.generator)
    assert float(metrics["gradient_norm/generator"]) == 0.0
    saved = [variable.path for variable in checkpoint_variables(held)]
    assert sum("dynamic_scale" in path for path in saved) == 2
