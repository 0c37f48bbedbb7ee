"""A training run of seconds: flags of the command line, and changes of a configuration."""

import dataclasses

import keras

from gan.build import build_gan
from gan.model import GAN

TINY = [
    *("--batch-size", "8", "--networks.width", "4", "--evaluate-every", "0", "--set"),
    *("networks.latent_size=8", "run.tick_kimg=0.032", "run.steps_per_execution=2"),
]


def run_of(config, **changes):
    """Return the configuration with changed fields of `run`."""
    return dataclasses.replace(config, run=dataclasses.replace(config.run, **changes))


def build_with_tanh(config, spec):
    """Build networks with the weights of the DCGAN, but with another activation."""
    gan = build_gan(config, spec)
    generators = [_with_tanh(network) for network in (gan.generator, gan.ema_generator)]
    return GAN(
        generators[0],
        gan.discriminator,
        generators[1],
        loss=gan.loss_pair,
        balance=gan.balance,
        seed=config.seed,
    )


def _with_tanh(network):
    def exchange(layer):
        if layer.__class__.__name__ == "ReLU":
            return keras.layers.Activation("tanh")
        return layer.__class__.from_config(layer.get_config())

    return keras.models.clone_model(network, clone_function=exchange)
