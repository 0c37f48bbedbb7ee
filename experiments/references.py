"""The networks that others publish, to measure ours against. Facts, not code, are taken over."""

from types import ModuleType

import keras
from keras import layers

from common.fast import layers as fast
from common.losses.adversarial import ADVERSARIAL
from gan.balance.base import Balance
from gan.config import Config
from gan.model import GAN


def tutorial_networks(
    source: ModuleType = fast,
) -> tuple[keras.Model, keras.Model]:
    """Generator and discriminator of TensorFlow's DCGAN tutorial, 28x28x1.

    Args:
        source: of convolutions, normalisation and leaky ReLU: gan.layers or keras.layers.
    """
    latent = keras.Input((100,))
    x = layers.Dense(7 * 7 * 256, use_bias=False)(latent)
    x = source.LeakyReLU(0.3)(source.BatchNormalization()(x))
    x = layers.Reshape((7, 7, 256))(x)
    for filters, stride in ((128, 1), (64, 2)):
        x = source.Conv2DTranspose(filters, 5, stride, padding="same", use_bias=False)(x)
        x = source.LeakyReLU(0.3)(source.BatchNormalization()(x))
    x = source.Conv2DTranspose(1, 5, 2, padding="same", use_bias=False)(x)
    generator = keras.Model(latent, layers.Activation("tanh", dtype="float32")(x))

    picture = keras.Input((28, 28, 1))
    x = picture
    for filters in (64, 128):
        x = source.Conv2D(filters, 5, 2, padding="same")(x)
        x = layers.Dropout(0.3)(source.LeakyReLU(0.3)(x))
    logits = layers.Dense(1, dtype="float32")(layers.Flatten()(x))
    return generator, keras.Model(picture, layers.Reshape((), dtype="float32")(logits))


def pytorch_networks() -> tuple[keras.Model, keras.Model]:
    """Generator and discriminator of PyTorch's DCGAN example, 64x64x3."""
    latent = keras.Input((100,))
    x = layers.Reshape((1, 1, 100))(latent)
    x = fast.Conv2DTranspose(512, 4, padding="valid", use_bias=False)(x)
    for filters in (256, 128, 64):
        x = fast.ReLU()(fast.BatchNormalization()(x))
        x = fast.Conv2DTranspose(filters, 4, 2, padding="same", use_bias=False)(x)
    x = fast.ReLU()(fast.BatchNormalization()(x))
    x = fast.Conv2DTranspose(3, 4, 2, padding="same", use_bias=False)(x)
    generator = keras.Model(latent, layers.Activation("tanh", dtype="float32")(x))

    picture = keras.Input((64, 64, 3))
    x = fast.LeakyReLU(0.2)(fast.Conv2D(64, 4, 2, padding="same", use_bias=False)(picture))
    for filters in (128, 256, 512):
        x = fast.Conv2D(filters, 4, 2, padding="same", use_bias=False)(x)
        x = fast.LeakyReLU(0.2)(fast.BatchNormalization()(x))
    x = fast.Conv2D(1, 4, padding="valid", use_bias=False, dtype="float32")(x)
    return generator, keras.Model(picture, layers.Reshape((), dtype="float32")(x))


def wrap(networks, config: Config) -> GAN:
    """A GAN around (generator, discriminator) with the plain loss; the step is the config's."""
    generator, discriminator = networks()
    averaged, _ = networks()
    return GAN(
        generator,
        discriminator,
        averaged,
        loss=ADVERSARIAL["non_saturating"],
        balance=Balance([]),
        update=config.update,
        ema_kimg=config.ema_kimg,
        seed=config.seed,
    )


def build_tutorial(config: Config, resolution: int, channels: int, classes: int) -> GAN:
    """For `gan.train.train(build=...)`."""
    return wrap(tutorial_networks, config)


def build_pytorch(config: Config, resolution: int, channels: int, classes: int) -> GAN:
    """For `gan.train.train(build=...)`."""
    return wrap(pytorch_networks, config)
