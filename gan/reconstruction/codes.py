"""The encoder of real images to codes: a diagonal normal distribution for each image."""

import keras
from keras import layers, ops

from common import fast
from common.distribution import replicas
from gan.networks.base import ImageSpec

KERNEL = 4  # pixels
LEAK = 0.2  # slope of LeakyReLU below zero
MAX_WIDENING = 8  # no layer is wider than this many times the first
SMALLEST = 7  # pixels; the convolutions end at this side or below
FIRST_DEVIATION = -2.0  # logarithm, at the beginning


def build_encoder(
    spec: ImageSpec, latent_size: int, *, width: int = 16, kernels: str = "fast"
) -> keras.Model:
    """Build a network from images to the mean and log deviation of their codes.

    Strided convolutions with batch normalization, as the DCGAN's discriminator.

    Args:
        spec: Shape of the images.
        latent_size: Dimensionality of a code, Z.
        width: Filters of the first convolution.
        kernels: "fast" or "keras".

    Returns:
        A model (B, H, W, C) in [-1, 1] -> float32 mean and log deviation, (B, Z) each.

    Example:
        >>> mean, deviation = build_encoder(ImageSpec(64, 64, 3), 64)(tf.zeros((2, 64, 64, 3)))
        >>> mean.shape
        TensorShape([2, 64])
    """
    source = fast.layers(kernels)
    image = x = keras.Input((spec.height, spec.width, spec.channels), name="image")
    side, level = min(spec.height, spec.width), 0
    while side > SMALLEST:
        filters = width * min(2**level, MAX_WIDENING)
        x = source.Conv2D(filters, KERNEL, strides=2, padding="same", use_bias=False)(x)
        x = source.LeakyReLU(LEAK)(source.BatchNormalization(momentum=0.9, epsilon=1e-5)(x))
        side, level = (side + 1) // 2, level + 1
    x = layers.Flatten()(x)
    mean = layers.Dense(latent_size, dtype="float32", name="mean")(x)
    deviation = layers.Dense(
        latent_size,
        bias_initializer=keras.initializers.Constant(FIRST_DEVIATION),
        dtype="float32",
        name="log_deviation",
    )(x)
    return keras.Model(image, [mean, deviation], name="encoder")


def resized(images, height: int):
    """Average images over areas, or repeat their pixels.

    Args:
        images: (B, H, W, C).
        height: A multiple of H, or a part of it without a remainder.

    Returns:
        (B, height, ..., C); the images themselves if they have this height.

    Example:
        >>> resized(tf.ones((2, 16, 16, 3)), 64).shape
        TensorShape([2, 64, 64, 3])
    """
    found = images.shape[1]
    if found > height:
        return ops.average_pool(images, found // height)
    factor = height // found
    if factor > 1:
        images = ops.repeat(ops.repeat(images, factor, axis=1), factor, axis=2)
    return images


def draw_codes(mean, log_deviation, seed: keras.random.SeedGenerator):
    """Draw a code of each image: Kingma and Welling 2014, section 2.4.

    Args:
        mean: (B, Z).
        log_deviation: (B, Z).
        seed: Of the noise.

    Returns:
        (B, Z).
    """
    noise = replicas.draw(keras.random.normal, ops.shape(mean), seed=seed)
    return mean + ops.exp(log_deviation) * noise


def divergence(mean, log_deviation):
    """Compute the Kullback-Leibler divergence from N(0, 1) per dimension and image, in nats.

    Kingma and Welling 2014, appendix B.

    Args:
        mean: (B, Z).
        log_deviation: (B, Z).

    Returns:
        A scalar: the mean over images and dimensions.

    Example:
        >>> float(divergence(tf.ones((2, 3)), tf.zeros((2, 3))))
        0.5
    """
    variance = ops.exp(2.0 * log_deviation)
    return ops.mean(0.5 * (ops.square(mean) + variance - 1.0) - log_deviation)
