"""The networks of TensorFlow's DCGAN tutorial: 28x28 pixels, latent size 100.

https://www.tensorflow.org/tutorials/generative/dcgan. The published sizes are
fixed, as a reference to compare with: only `kernels` of the configuration is
used. Both networks are unconditional. The preset of the same name adds the
tutorial's optimizers.
"""

import keras
from keras import layers

from common import fast
from gan.config import NetworkConfig
from gan.networks.base import ImageSpec

RESOLUTIONS = (28,)
FIXED = {
    "latent_size": 100,
    "normalization": "none",
    "width": 64,
    "discriminator_width": 64,
    "upsampling": "transposed",
    "minibatch_deviation": 0,
}
LATENT_SIZE = FIXED["latent_size"]
LEAK = 0.3  # slope of LeakyReLU below zero
DROPOUT = 0.3


def build_generator(spec: ImageSpec, config: NetworkConfig) -> keras.Model:
    """Build a network from latent vectors to images of 28x28 pixels.

    Args:
        spec: `channels` is used; the tutorial has one.
        config: `kernels` is used.

    Returns:
        A model (B, 100) -> float32 (B, 28, 28, C) in [-1, 1].

    Example:
        >>> build_generator(ImageSpec(28, 28, 1), NetworkConfig()).output_shape
        (None, 28, 28, 1)
    """
    source = fast.layers(config.kernels)
    latent = keras.Input((LATENT_SIZE,), name="latent")
    x = layers.Dense(7 * 7 * 256, use_bias=False)(latent)
    x = source.LeakyReLU(LEAK)(source.BatchNormalization()(x))
    x = layers.Reshape((7, 7, 256))(x)
    for filters, stride in ((128, 1), (64, 2)):
        x = source.Conv2DTranspose(filters, 5, stride, padding="same", use_bias=False)(x)
        x = source.LeakyReLU(LEAK)(source.BatchNormalization()(x))
    x = source.Conv2DTranspose(spec.channels, 5, 2, padding="same", use_bias=False)(x)
    image = layers.Activation("tanh", dtype="float32", name="image")(x)
    return keras.Model(latent, image, name="generator")


def build_discriminator(spec: ImageSpec, config: NetworkConfig) -> keras.Model:
    """Build a network from images of 28x28 pixels to logits, positive for real.

    Args:
        spec: `channels` is used; the tutorial has one.
        config: `kernels` is used.

    Returns:
        A model (B, 28, 28, C) -> float32 (B,).

    Example:
        >>> build_discriminator(ImageSpec(28, 28, 1), NetworkConfig()).count_params()
        212865
    """
    source = fast.layers(config.kernels)
    image = keras.Input((28, 28, spec.channels), name="image")
    x = image
    for filters in (64, 128):
        x = source.Conv2D(filters, 5, 2, padding="same")(x)
        x = layers.Dropout(DROPOUT)(source.LeakyReLU(LEAK)(x))
    x = layers.Flatten(name="features")(x)
    logits = layers.Dense(1, dtype="float32", name="logits")(x)  # (B, 1)
    return keras.Model(image, layers.Reshape((), dtype="float32")(logits), name="discriminator")
