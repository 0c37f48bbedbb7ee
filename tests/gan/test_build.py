"""From a configuration to a compiled model."""

import dataclasses

import keras
import numpy as np
import pytest
import tensorflow as tf

from common.errors import InputError
from common.fast.optimizers import Adam
from common.muon import Muon
from gan import build
from gan.build import build_gan, compile_gan
from gan.config import BalanceConfig, Config, NetworkConfig, OptimizerConfig
from gan.networks.base import ImageSpec

SPEC = ImageSpec(16, 16, 1)


@pytest.fixture
def small():
    return Config(networks=NetworkConfig(latent_size=8, width=4), precision="float32")


def with_networks(config, **changes):
    networks = dataclasses.replace(config.networks, **changes)
    return dataclasses.replace(config, networks=networks)


@pytest.mark.parametrize(("mode", "expected"), [("auto", 0.5), ("fixed", 0.9)])
def test_the_automatic_balance_lowers_momentum(small, mode, expected):
    heavy = OptimizerConfig(beta_1=0.9)
    balance = BalanceConfig(mode=mode)
    config = dataclasses.replace(small, generator=heavy, discriminator=heavy, balance=balance)
    gan = build_gan(config, SPEC)
    compile_gan(gan, config)
    assert gan.generator_optimizer.beta_1 == gan.discriminator_optimizer.beta_1 == expected


def test_a_network_can_be_trained_with_muon(small):
    settings = OptimizerConfig(
        optimizer="muon", learning_rate=0.01, beta_1=0.3, beta_2=0.98, clip_norm=2.0
    )
    config = dataclasses.replace(small, generator=settings)
    gan = build_gan(config, SPEC)
    compile_gan(gan, config)
    muon = gan.generator_optimizer
    assert (type(muon), type(gan.discriminator_optimizer)) == (Muon, Adam)
    assert (muon.momentum, muon.adam_beta_1, muon.adam_beta_2) == (0.3, 0.3, 0.98)
    assert (muon.global_clipnorm, float(muon.learning_rate)) == (2.0, pytest.approx(0.01))
    before = {variable.path: variable.numpy() for variable in gan.generator.trainable_variables}
    gradients = [tf.ones(variable.shape) for variable in gan.generator.trainable_variables]
    gan.apply("generator", muon, gradients)
    for variable in gan.generator.trainable_variables:
        moved = np.sqrt(np.square(variable.numpy() - before[variable.path]).mean())
        assert 0.0 < moved < 0.03, variable.path


@pytest.mark.parametrize(
    ("schedule", "expected"),
    [("constant", 0.01), ("inverse", 0.01 / 3), ("linear", 0.0), ("cosine", 0.0)],
)
def test_rates_fall_with_the_images_seen(small, schedule, expected):
    falling = OptimizerConfig(learning_rate=0.01, schedule=schedule, decay_kimg=2.0)
    config = dataclasses.replace(small, generator=falling)
    gan = build_gan(config, SPEC)
    compile_gan(gan, config)
    assert float(gan.generator_optimizer.learning_rate) == pytest.approx(0.01)
    gan.images_seen.assign(4000)
    rate = float(gan.generator_optimizer.learning_rate)
    assert rate == pytest.approx(expected, abs=1e-9)


def test_each_rate_is_its_schedule_times_the_scale_of_the_balance(small):
    falling = OptimizerConfig(learning_rate=0.01, schedule="linear", decay_kimg=2.0)
    balance = BalanceConfig(pause_accuracy=0.9)
    config = dataclasses.replace(small, discriminator=falling, balance=balance)
    gan = build_gan(config, SPEC)
    compile_gan(gan, config)
    gan.images_seen.assign(1000)
    assert float(gan.discriminator_optimizer.learning_rate) == pytest.approx(0.005)
    assert float(gan.generator_optimizer.learning_rate) == pytest.approx(0.004)
    gan.balance.controls[0].paused.assign(1.0)
    assert float(gan.rates["discriminator"].in_effect()) == 0.0
    assert float(gan.rates["generator"].in_effect()) == pytest.approx(0.004)


def test_the_kernels_choose_layers_and_optimizer(small):
    for kernels, optimizer in (("fast", Adam), ("keras", keras.optimizers.Adam)):
        config = with_networks(small, kernels=kernels)
        gan = build_gan(config, SPEC)
        compile_gan(gan, config)
        assert type(gan.generator_optimizer) is type(gan.discriminator_optimizer) is optimizer
        stock = all(type(x).__module__.startswith("keras.") for x in gan.generator.layers)
        assert stock == (kernels == "keras")


def test_float16_scales_the_loss_and_the_others_do_not(small):
    for precision in ("float32", "float16"):
        config = dataclasses.replace(small, precision=precision)
        build.set_precision_and_seed(config)
        gan = build_gan(config, SPEC)
        compile_gan(gan, config)
        scaled = isinstance(gan.generator_optimizer, keras.optimizers.LossScaleOptimizer)
        assert scaled == (precision == "float16")


def test_the_seed_decides_the_initial_weights(small):
    def weights(seed):
        config = dataclasses.replace(small, seed=seed)
        build.set_precision_and_seed(config)
        return build_gan(config, SPEC).generator.get_weights()

    first, again, other = weights(1), weights(1), weights(2)
    assert all((one == same).all() for one, same in zip(first, again, strict=True))
    assert any((one != different).any() for one, different in zip(first, other, strict=True))


def test_options_reach_the_family_and_unknown_ones_are_refused(small):
    def has_batch(*options):
        config = with_networks(small, name="resnet", normalization="none", options=options)
        generator = build_gan(config, SPEC).generator
        return any(isinstance(x, keras.layers.BatchNormalization) for x in generator.layers)

    assert has_batch()
    assert not has_batch("generator_normalization=none")
    with pytest.raises(InputError, match="depth: unknown to resnet"):
        has_batch("depth=2")


def test_a_family_that_cannot_make_the_images_is_refused(small):
    with pytest.raises(InputError, match="--resolution 16: tutorial cannot make it"):
        build_gan(with_networks(small, name="tutorial"), SPEC)
    with pytest.raises(InputError, match="--networks dcgann: unknown"):
        build_gan(with_networks(small, name="dcgann"), SPEC)


def test_real_inputs_of_the_family_are_used(small, monkeypatch):
    from gan.networks import dcgan

    monkeypatch.setattr(dcgan, "real_inputs", lambda images: 0.0 * images, raising=False)
    images = build_gan(small, SPEC).real_inputs(tf.ones((1, 16, 16, 1)))
    assert float(tf.reduce_sum(images)) == 0.0


def test_a_compiled_model_keeps_its_optimizers(small):
    gan = build_gan(small, SPEC)
    gan.compile("rmsprop", keras.optimizers.SGD(1e-3, clipvalue=1.0))
    optimizers = gan.generator_optimizer, gan.discriminator_optimizer
    compile_gan(gan, small, steps_per_execution=3)
    assert (gan.generator_optimizer, gan.discriminator_optimizer) == optimizers
    assert float(gan.discriminator_optimizer.learning_rate) == pytest.approx(1e-3)
    assert gan.steps_per_execution == 3
