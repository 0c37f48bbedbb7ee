"""The networks of PyTorch's DCGAN example: 64x64 pixels, latent size 100.

https://github.com/pytorch/examples/tree/main/dcgan. The published sizes are
fixed, as a reference to compare with: only `kernels` of the configuration is
used. Both networks are unconditional. The preset of the same name adds the
example's optimizers.

Deviation: kernels start from Keras's Glorot initialization, not from a normal
distribution of standard deviation 0.02.
"""

import keras
from keras import layers

from common import fast
from gan.config import NetworkConfig
from gan.networks.base import ImageSpec

RESOLUTIONS = (64,)
FIXED = {
    "latent_size": 100,
    "normalization": "batch",
    "width": 64,
    "discriminator_width": 64,
    "upsampling": "transposed",
    "minibatch_deviation": 0,
}
LATENT_SIZE = FIXED["latent_size"]
LEAK = 0.2  # slope of LeakyReLU below zero
BATCH_NORM = {"momentum": 0.9, "epsilon": 1e-5}  # PyTorch's defaults; its momentum is 1 - 0.9


def build_generator(spec: ImageSpec, config: NetworkConfig) -> keras.Model:
    """Build a network from latent vectors to images of 64x64 pixels.

    Args:
        spec: `channels` is used; the example has three.
        config: `kernels` is used.

    Returns:
        A model (B, 100) -> float32 (B, 64, 64, C) in [-1, 1].

    Example:
        >>> build_generator(ImageSpec(64, 64, 3), NetworkConfig()).output_shape
        (None, 64, 64, 3)
    """
    source = fast.layers(config.kernels)
    latent = keras.Input((LATENT_SIZE,), name="latent")
    x = layers.Reshape((1, 1, LATENT_SIZE))(latent)
    x = source.Conv2DTranspose(512, 4, padding="valid", use_bias=False)(x)  # (B, 4, 4, 512)
    for filters in (256, 128, 64):
        x = source.ReLU()(source.BatchNormalization(**BATCH_NORM)(x))
        x = source.Conv2DTranspose(filters, 4, 2, padding="same", use_bias=False)(x)
    x = source.ReLU()(source.BatchNormalization(**BATCH_NORM)(x))
    x = source.Conv2DTranspose(spec.channels, 4, 2, padding="same", use_bias=False)(x)
    image = layers.Activation("tanh", dtype="float32", name="image")(x)
    return keras.Model(latent, image, name="generator")


def build_discriminator(spec: ImageSpec, config: NetworkConfig) -> keras.Model:
    """Build a network from images of 64x64 pixels to logits, positive for real.

    Args:
        spec: `channels` is used; the example has three.
        config: `kernels` is used.

    Returns:
        A model (B, 64, 64, C) -> float32 (B,).

    Example:
        >>> build_discriminator(ImageSpec(64, 64, 3), NetworkConfig()).input_shape
        (None, 64, 64, 3)
    """
    source = fast.layers(config.kernels)
    image = keras.Input((64, 64, spec.channels), name="image")
    x = source.LeakyReLU(LEAK)(source.Conv2D(64, 4, 2, padding="same", use_bias=False)(image))
    for filters in (128, 256, 512):
        x = source.Conv2D(filters, 4, 2, padding="same", use_bias=False)(x)
        x = source.BatchNormalization(**BATCH_NORM)(x)
        x = source.LeakyReLU(LEAK, name="features" if filters == 512 else None)(x)
    logits = source.Conv2D(1, 4, padding="valid", use_bias=False, dtype="float32")(x)
    return keras.Model(image, layers.Reshape((), dtype="float32")(logits), name="discriminator")
