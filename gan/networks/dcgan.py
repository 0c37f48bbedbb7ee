"""DCGAN (Radford et al. 2016): strided convolutions and batch normalization.

Deviations from the paper, each measured on two CPU cores: small widths, kernel 4
(a multiple of the stride, so no uneven overlap and no checkerboard: Odena et
al. 2016), Glorot's initialization.
"""

from types import SimpleNamespace

import keras
from keras import layers

from common import fast
from gan.config import NetworkConfig
from gan.layers import heads
from gan.layers.minibatch_deviation import minibatch_deviation
from gan.networks.base import ImageSpec, require_square

RESOLUTIONS = (16, 20, 24, 28, 32, 40, 48, 56, 64, 80, 96, 112, 128)
KERNEL = 4  # pixels
LEAK = 0.2  # slope of LeakyReLU below zero: Radford et al. 2016, section 4
LABEL_NORM = (
    0.25  # of a label's embedding relative to the latent; at 0.5, or free, classes collapse
)
MAX_WIDENING = 8  # no layer is wider than this many times the base width
BATCH_NORM = {"momentum": 0.9, "epsilon": 1e-5}


def base_and_doublings(resolution: int) -> tuple[int, int]:
    """Compute where the generator starts and how often it doubles.

    A resolution that would start at 7 pixels starts at 4, doubles once more, and
    is cropped at the end: 28 is 4 * 2^3 - 4. On MNIST the third doubling divides
    the Frechet distance by three.

    Args:
        resolution: One of `RESOLUTIONS`, in pixels.

    Returns:
        The side of the first feature map, 4 to 6 pixels, and the number of doublings.

    Example:
        >>> base_and_doublings(32), base_and_doublings(28)
        ((4, 3), (4, 3))
    """
    doublings = 0
    while resolution % 2 == 0 and resolution > 7:
        resolution //= 2
        doublings += 1
    return (4, doublings + 1) if resolution == 7 else (resolution, doublings)


def margin(resolution: int) -> int:
    """Compute by how many pixels on each side the networks' own square exceeds `resolution`.

    Example:
        >>> margin(32), margin(28)
        (0, 2)
    """
    base, doublings = base_and_doublings(resolution)
    return ((base << doublings) - resolution) // 2


def build_generator(spec: ImageSpec, config: NetworkConfig) -> keras.Model:
    """Build a network from latent vectors to images.

    With classes, the label's learned embedding is appended to the latent vector.
    Deviation: Mirza and Osindero 2014, section 4.1, append one-hot labels.

    Args:
        spec: Shape of the images; height and width are equal and in `RESOLUTIONS`.
        config: `latent_size`, `width`, `upsampling` and `kernels` are used.

    Returns:
        A model (B, latent_size) or [(B, latent_size), (B,)] -> float32
        (B, H, W, C) in [-1, 1].

    Raises:
        InputError: The images are not square.

    Example:
        >>> build_generator(ImageSpec(32, 32, 3), NetworkConfig())(tf.zeros((2, 64))).shape
        TensorShape([2, 32, 32, 3])
    """
    resolution = require_square("dcgan", spec)
    source = fast.layers(config.kernels)
    base, doublings = base_and_doublings(resolution)
    widths = [config.width * min(2**level, MAX_WIDENING) for level in reversed(range(doublings))]
    latent = keras.Input((config.latent_size,), name="latent")
    inputs, x = latent, latent
    if spec.classes:
        label = keras.Input((), dtype="int32", name="label")
        embedded = layers.Embedding(spec.classes, config.latent_size, name="label_embedding")(label)
        embedded = layers.UnitNormalization()(embedded)
        embedded = layers.Rescaling(LABEL_NORM * config.latent_size**0.5)(embedded)
        inputs, x = [latent, label], layers.Concatenate()([latent, embedded])
    x = layers.Dense(base * base * widths[0], use_bias=False)(x)
    x = source.ReLU()(source.BatchNormalization(**BATCH_NORM)(x))
    x = layers.Reshape((base, base, widths[0]))(x)
    upsample = UPSAMPLING[config.upsampling]
    for width in widths[1:]:
        x = upsample(source, x, width)
        x = source.ReLU()(source.BatchNormalization(**BATCH_NORM)(x))
    x = upsample(source, x, spec.channels)
    if margin(resolution):
        x = layers.Cropping2D(margin(resolution))(x)
    image = layers.Activation("tanh", dtype="float32", name="image")(x)
    return keras.Model(inputs, image, name="generator")


def _transposed(source: SimpleNamespace, x, width: int):
    return source.Conv2DTranspose(width, KERNEL, strides=2, padding="same", use_bias=False)(x)


def _resize(source: SimpleNamespace, x, width: int):
    return source.Conv2D(width, 3, padding="same", use_bias=False)(layers.UpSampling2D()(x))


def _subpixel(source: SimpleNamespace, x, width: int):
    return source.DepthToSpace()(source.Conv2D(4 * width, 3, padding="same")(x))


UPSAMPLING = {"transposed": _transposed, "resize": _resize, "subpixel": _subpixel}


def build_discriminator(spec: ImageSpec, config: NetworkConfig) -> keras.Model:
    """Build a network from images to logits, positive for real.

    With classes, the label enters as a projection: `gan.layers.heads.linear`.

    Args:
        spec: Shape of the images; height and width are equal and in `RESOLUTIONS`.
        config: `discriminator_width` or else `width`, `normalization`,
            `minibatch_deviation` and `kernels` are used.

    Returns:
        A model (B, H, W, C) or [(B, H, W, C), (B,)] -> float32 (B,).

    Raises:
        InputError: The images are not square.

    Example:
        >>> discriminator = build_discriminator(ImageSpec(32, 32, 3), NetworkConfig())
        >>> discriminator(tf.zeros((2, 32, 32, 3))).shape
        TensorShape([2])
    """
    resolution = require_square("dcgan", spec)
    source = fast.layers(config.kernels)
    _, doublings = base_and_doublings(resolution)
    base_width = config.discriminator_width or config.width
    widths = [base_width * min(2**level, MAX_WIDENING) for level in range(doublings)]
    image = keras.Input((resolution, resolution, spec.channels), name="image")
    x = image
    if margin(resolution):
        sides = (margin(resolution),) * 2
        x = keras.ops.pad(x, ((0, 0), sides, sides, (0, 0)), mode="symmetric")
    normalized = config.normalization
    for level, width in enumerate(widths):
        use_bias = level == 0 or normalized != "batch"
        convolution = source.Conv2D(width, KERNEL, strides=2, padding="same", use_bias=use_bias)
        if normalized == "spectral":  # Miyato et al. 2018; one power iteration a call
            # float32, or Keras 3.15 would round the kernels themselves at every call
            convolution = layers.SpectralNormalization(convolution, dtype="float32")
        x = convolution(x)
        if level > 0:  # not at the input: Radford et al. 2016, section 3
            x = NORMALIZATION[normalized](source, x)
        x = source.LeakyReLU(LEAK)(x)
    x = minibatch_deviation(x, config)
    features = layers.Flatten(name="features")(x)  # (B, F)
    return heads.linear(image, features, spec.classes)


def _batch(source: SimpleNamespace, x):
    return source.BatchNormalization(**BATCH_NORM)(x)


def _layer(source: SimpleNamespace, x):
    return layers.GroupNormalization(groups=1)(x)  # over H, W and C, as WGAN-GP's critic


def _identity(source: SimpleNamespace, x):
    return x


NORMALIZATION = {"batch": _batch, "layer": _layer, "spectral": _identity, "none": _identity}
