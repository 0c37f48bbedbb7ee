"""DCGAN networks (Radford et al. 2016) as functional Keras models.

Deviations from the paper, each measured on two cores: small widths, kernel 4
(a multiple of the stride, so no uneven overlap and no checkerboard: Odena et
al. 2016), Glorot's initialisation.
"""

import keras
from keras import layers

from common.fast.layers import (
    BatchNormalization,
    Conv2D,
    Conv2DTranspose,
    DepthToSpace,
    LeakyReLU,
    ReLU,
)
from gan.config import NetworkConfig

KERNEL = 4  # pixels
LEAK = 0.2  # slope of LeakyReLU below zero: Radford et al. 2016, section 4
LABEL_NORM = 0.25  # of a label's embedding, the latent's being 1; at 0.5, or free, classes collapse
MAX_WIDENING = 8  # no layer is wider than this many times the base width


def base_and_doublings(resolution: int) -> tuple[int, int]:
    """The side in pixels where the generator starts, 4 to 6, and how often it doubles.

    What would start at 7 starts at 4, doubles once more, and ends a little larger
    than `resolution`, to be cropped: 28 as 4 * 2^3 - 4. On MNIST that third
    doubling is worth three times the Frechet distance.
    """
    doublings = 0
    while resolution % 2 == 0 and resolution > 7:
        resolution //= 2
        doublings += 1
    return (4, doublings + 1) if resolution == 7 else (resolution, doublings)


def margin(resolution: int) -> int:
    """Pixels on each side by which the networks' own square exceeds `resolution`."""
    base, doublings = base_and_doublings(resolution)
    return ((base << doublings) - resolution) // 2


def build_generator(
    config: NetworkConfig, resolution: int, channels: int, classes: int = 0
) -> keras.Model:
    """Latent vectors to pictures.

    Args:
        resolution: pixels of a side, 4 to 7 times a power of two.
        channels: of the picture.
        classes: 0, or the number of labels to condition on. The label's learnt
            embedding is appended to the latent vector (deviation from Mirza and
            Osindero 2014, section 4.1, who append one-hot labels).

    Returns:
        A model (B, latent_size) or [(B, latent_size), (B,)] -> float32
        (B, resolution, resolution, channels) in [-1, 1].
    """
    base, doublings = base_and_doublings(resolution)
    widths = [config.width * min(2**level, MAX_WIDENING) for level in reversed(range(doublings))]
    latent = keras.Input((config.latent_size,), name="latent")
    inputs, x = latent, latent
    if classes:
        label = keras.Input((), dtype="int32", name="label")
        embedded = layers.Embedding(classes, config.latent_size, name="label_embedding")(label)
        embedded = layers.UnitNormalization()(embedded)
        embedded = layers.Rescaling(LABEL_NORM * config.latent_size**0.5)(embedded)
        inputs, x = [latent, label], layers.Concatenate()([latent, embedded])
    x = layers.Dense(base * base * widths[0], use_bias=False)(x)
    x = ReLU()(BatchNormalization(momentum=0.9, epsilon=1e-5)(x))
    x = layers.Reshape((base, base, widths[0]))(x)
    for width in widths[1:]:
        x = _double(x, width, config.upsampling)
        x = ReLU()(BatchNormalization(momentum=0.9, epsilon=1e-5)(x))
    x = _double(x, channels, config.upsampling)
    if margin(resolution):
        x = layers.Cropping2D(margin(resolution))(x)
    picture = layers.Activation("tanh", dtype="float32", name="picture")(x)
    return keras.Model(inputs, picture, name="generator")


def _transposed(x, width):
    return Conv2DTranspose(width, KERNEL, strides=2, padding="same", use_bias=False)(x)


def _resize(x, width):
    return Conv2D(width, 3, padding="same", use_bias=False)(layers.UpSampling2D()(x))


def _subpixel(x, width):
    return DepthToSpace()(Conv2D(4 * width, 3, padding="same")(x))


UPSAMPLING = {"transposed": _transposed, "resize": _resize, "subpixel": _subpixel}


def _double(x, width: int, upsampling: str):
    return UPSAMPLING[upsampling](x, width)


def build_discriminator(
    config: NetworkConfig, resolution: int, channels: int, classes: int = 0
) -> keras.Model:
    """Pictures to logits, positive for real.

    With `classes`, the label enters as a projection (Miyato and Koyama 2018,
    equation 5): the logit gains the inner product of the features with the
    label's learnt embedding.

    Returns:
        A model (B, H, W, C) or [(B, H, W, C), (B,)] -> float32 (B,).
    """
    _, doublings = base_and_doublings(resolution)
    base_width = config.discriminator_width or config.width
    widths = [base_width * min(2**level, MAX_WIDENING) for level in range(doublings)]
    picture = keras.Input((resolution, resolution, channels), name="picture")
    inputs, x = picture, picture
    if margin(resolution):
        sides = (margin(resolution),) * 2
        x = keras.ops.pad(x, ((0, 0), sides, sides, (0, 0)), mode="symmetric")
    normalized = config.normalization
    for level, width in enumerate(widths):
        convolution = Conv2D(
            width, KERNEL, strides=2, padding="same", use_bias=level == 0 or normalized != "batch"
        )
        if normalized == "spectral":  # Miyato et al. 2018; one power iteration a call
            # float32, or Keras 3.15 would round the kernels themselves at every call
            convolution = layers.SpectralNormalization(convolution, dtype="float32")
        x = convolution(x)
        if level > 0:  # not at the input: Radford et al. 2016, section 3
            x = NORMALIZATION[normalized](x)
        x = LeakyReLU(LEAK)(x)
    features = layers.Flatten(name="features")(x)  # (B, F)
    logits = layers.Dense(1, dtype="float32", name="logits")(features)  # (B, 1)
    if classes:
        label = keras.Input((), dtype="int32", name="label")
        inputs = [picture, label]
        embedded = layers.Embedding(
            classes, features.shape[-1], embeddings_initializer="zeros", name="label_embedding"
        )(label)  # (B, F)
        projection = layers.Dot(axes=1, dtype="float32")([features, embedded])  # (B, 1)
        logits = layers.Add(dtype="float32")([logits, projection])
    return keras.Model(inputs, layers.Reshape((), dtype="float32")(logits), name="discriminator")


def _batch(x):
    return BatchNormalization(momentum=0.9, epsilon=1e-5)(x)


def _layer(x):
    return layers.GroupNormalization(groups=1)(x)  # over H, W and C, as WGAN-GP's critic


def _identity(x):
    return x


NORMALIZATION = {"batch": _batch, "layer": _layer, "spectral": _identity, "none": _identity}
