"""A training run of seconds: flags of the command line, and changes of a configuration."""

import dataclasses

import keras

from gan.build import build_gan
from gan.model import GAN

TINY = [
    *("--batch-size", "8", "--networks.width", "4", "--evaluate-every", "0", "--set"),
    *("networks.latent_size=8", "run.tick_kimg=0.032", "run.steps_per_execution=2"),
]


class Unserializable(keras.layers.Layer):
    """A layer without get_config, whose argument Keras cannot record."""

    def __init__(self, function):
        super().__init__()
        self.function = function

    def call(self, x):
        return self.function(x)


def run_of(config, **changes):
    """Return the configuration with changed fields of `run`."""
    return dataclasses.replace(config, run=dataclasses.replace(config.run, **changes))


def with_generators(gan, change):
    """Return a GAN with the networks of another, whose generators are changed."""
    return GAN(
        change(gan.generator),
        gan.discriminator,
        change(gan.ema_generator),
        loss=gan.loss_pair,
        balance=gan.balance,
        seed=gan.initial_seed,
    )


def build_with_tanh(config, spec):
    """Build networks with the weights of the DCGAN, but with another activation."""
    return with_generators(build_gan(config, spec), _with_tanh)


def _with_tanh(network):
    def exchange(layer):
        if layer.__class__.__name__ == "ReLU":
            return keras.layers.Activation("tanh")
        return layer.__class__.from_config(layer.get_config())

    return keras.models.clone_model(network, clone_function=exchange)
