"""Models as files of Keras."""

import dataclasses

import keras
import numpy as np
import pytest
import tensorflow as tf

from common.errors import InputError
from common.losses.adversarial import AdversarialLoss
from common.losses.penalties import PENALTIES
from gan import presets
from gan.balance.base import Balance
from gan.balance.build import build_balance
from gan.balance.noise import InstanceNoise
from gan.build import build_gan, compile_gan
from gan.callbacks.checkpoints import checkpoint_variables
from gan.config import BalanceConfig, Config, NetworkConfig
from gan.networks import base as families
from gan.networks.base import ImageSpec
from gan.networks.dcgan import build_discriminator
from tests.gan.test_model import GAN, batch, make, two_scales
from tests.gan.tiny import Unserializable

LAYER = NetworkConfig(latent_size=8, width=4, normalization="layer")


def fit(gan, epochs=1):
    stream = tf.data.Dataset.from_tensors(batch()).repeat()
    return gan.fit(stream, steps_per_epoch=2, epochs=epochs, verbose=0, shuffle=False).history


def save_and_load(gan, tmp_path):
    path = tmp_path / "model.keras"
    gan.save(path)
    assert path.stat().st_size > 1000
    return keras.models.load_model(path)


@pytest.mark.slow
def test_a_loaded_model_has_the_same_state_and_trains_on_as_the_saved_one(tmp_path):
    config = BalanceConfig(mode="auto", instance_noise=0.1, label_flips=0.1)
    gan = make(
        loss="hinge",
        networks=LAYER,
        balance=build_balance(config, seed=5),
        penalty=PENALTIES["r1"],
        penalty_weight=2.0,
        ema_kimg=3.0,
    )
    gan.compile(keras.optimizers.Adam(0.01), "rmsprop", steps_per_execution=2)
    fit(gan, epochs=2)
    gan.optimizer.learning_rate = 0.005
    again = save_and_load(gan, tmp_path)
    assert type(again) is GAN
    assert [type(x) for x in (again.generator_optimizer, again.discriminator_optimizer)] == [
        keras.optimizers.Adam,
        keras.optimizers.RMSprop,
    ]
    for one, other in zip(checkpoint_variables(gan), checkpoint_variables(again), strict=True):
        np.testing.assert_array_equal(one, other, err_msg=one.path)
    assert again.rates["discriminator"]() == gan.rates["discriminator"]()
    assert (again.penalty_weight, again.ema_kimg, again.steps_per_execution) == (2.0, 3.0, 2)
    expected, found = fit(gan), fit(again)
    for name, value in expected.items():
        np.testing.assert_allclose(found[name], value, rtol=1e-4, atol=1e-6, err_msg=name)


@pytest.mark.parametrize("family", [
    each if each == "dcgan" else pytest.param(each, marks=pytest.mark.slow)
    for each in families.names()
])  # fmt: skip
def test_networks_of_every_family_are_saved(family, tmp_path):
    side = families.resolutions(family)[0]
    config = presets.apply(Config(), presets.default_preset(family))
    networks = dataclasses.replace(config.networks, name=family, width=4)
    config = dataclasses.replace(config, networks=networks, precision="float32")
    gan = build_gan(config, ImageSpec(side, side, 1))
    compile_gan(gan, config)
    again = save_and_load(gan, tmp_path)
    latents = tf.ones((2, gan.latent_size))
    np.testing.assert_allclose(again(latents), gan(latents), atol=1e-6)
    real = gan.real_inputs(tf.zeros((2, side, side, 1)))
    expected = gan.discriminator(real, training=False)
    np.testing.assert_allclose(again.discriminator(real, training=False), expected, atol=1e-5)


def test_a_loss_scale_is_saved(tmp_path):
    def scaled(rate):
        return keras.optimizers.LossScaleOptimizer(keras.optimizers.SGD(rate), initial_scale=8.0)

    gan = make(optimizer=scaled)
    gan.generator_optimizer.dynamic_scale.assign(4.0)
    again = save_and_load(gan, tmp_path)
    assert float(again.generator_optimizer.dynamic_scale) == 4.0
    assert float(again.optimizer.learning_rate) == pytest.approx(0.01)


def with_layer(layer):
    latent = keras.Input((8,))
    image = keras.layers.Reshape((16, 16, 1))(layer(keras.layers.Dense(256)(latent)))
    return keras.Model(latent, image)


def gan_of(generator, average):
    gan = GAN(
        generator,
        build_discriminator(ImageSpec(16, 16, 1), LAYER),
        average,
        loss=make().loss_pair,
        balance=Balance([]),
    )
    gan.compile("sgd", "sgd")
    return gan


def test_a_network_that_cannot_be_saved_is_refused_before_a_file_exists(tmp_path):
    gan = gan_of(*(with_layer(Unserializable(tf.tanh)) for _ in range(2)))
    with pytest.raises(InputError, match="the generator cannot be serialized"):
        gan.save(tmp_path / "model.keras")
    assert list(tmp_path.iterdir()) == []


def halves(images):
    return [images[:, ::2, ::2], images]


@keras.saving.register_keras_serializable("tests")
def registered_halves(images):
    return halves(images)


def test_functions_losses_and_controls_are_saved_by_their_names(tmp_path):
    def pairs(real_inputs):
        generator, discriminator = two_scales()
        gan = GAN(
            generator,
            discriminator,
            keras.models.clone_model(generator),
            loss=make().loss_pair,
            balance=Balance([]),
            real_inputs=real_inputs,
        )
        gan.compile("sgd", "sgd")
        return gan

    assert save_and_load(pairs(registered_halves), tmp_path).real_inputs is registered_halves
    with pytest.raises(InputError, match="real_inputs cannot be serialized"):
        pairs(halves).save(tmp_path / "other.keras")
    with pytest.raises(InputError, match="balance controls"):
        make(balance=Balance([InstanceNoise(0.1, 0.0, seed=0)])).save(tmp_path / "other.keras")
    own = make()
    own.loss_pair = AdversarialLoss(*own.loss_pair[:2], boundary=0.5)
    with pytest.raises(InputError, match="its loss is saved by name"):
        own.save(tmp_path / "other.keras")
