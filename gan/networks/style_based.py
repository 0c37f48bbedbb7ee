"""A style-based generator with output skips: StyleGAN2 (Karras et al. 2020).

A mapping network turns a latent vector into w, which scales the channels of every
convolution (`gan.layers.modulation`). The image is the sum of the images of all
resolutions. The discriminator is residual, without normalization.

Deviations, most of them for the speed of a CPU: one transposed convolution per
resolution instead of two 3x3 convolutions and a blur (option `depth`), the blur only in the
last, at full resolution, which has no other; two layers in the mapping network, which learn
as fast as all others.
Weights start with the variance that Karras et al. 2018, section 4.1, apply at run
time: no equalized learning rate, whose effect under Adam is a rate per layer. The
latent vector is not normalized here: the preset's prior is the sphere. A final tanh
keeps images in [-1, 1].
"""

from types import SimpleNamespace

import keras
from keras import layers

from common import fast
from common.key_values import check_number
from gan.config import NetworkConfig
from gan.layers import heads
from gan.layers.minibatch_deviation import minibatch_deviation
from gan.layers.modulation import LearnedConstant, Modulated, Noise
from gan.networks.base import MAPPED, ImageSpec, require_square
from gan.networks.dcgan import LABEL_NORM
from gan.networks.resnet import sides
from gan.path_length import PathLength

RESOLUTIONS = (16, 20, 24, 28, 32, 40, 48, 56, 64, 80, 96, 112, 128)
FIXED = {"upsampling": "transposed", "normalization": "none"}
HAS_MAPPING = True
KERNEL = 3  # pixels
STRIDED = 4  # pixels; a multiple of the stride, so no uneven overlap (Odena et al. 2016)
LEAK = 0.2  # slope of LeakyReLU below zero: Karras et al. 2018, appendix A
MAX_WIDENING = 4  # no layer is wider than this many times the base width
VARIANCE = 2.0 / (1.0 + LEAK**2)  # of what LeakyReLU maps to a mean square of 1
IMAGE_VARIANCE = 0.05  # far from where tanh saturates


def widths(base: int, levels: int) -> list[int]:
    """List the filters of each level, half the resolution first.

    Example:
        >>> widths(32, 4)
        [32, 64, 128, 128]
    """
    return [base * min(2**level, MAX_WIDENING) for level in range(levels)]


def build_generator(
    spec: ImageSpec,
    config: NetworkConfig,
    *,
    mapping_depth: int = 2,
    mapping_size: int = 128,
    depth: int = 1,
) -> keras.Model:
    """Build a style-based network from latent vectors to images.

    With classes, the label's learned embedding is appended to the latent vector.

    Args:
        spec: Shape of the images; height and width are equal and in `RESOLUTIONS`.
        config: `latent_size`, `width` and `kernels` are used.
        mapping_depth: Layers of the mapping network.
        mapping_size: Dimensionality of w.
        depth: Convolutions per resolution; the paper has 2.

    Returns:
        A model (B, latent_size) or [(B, latent_size), (B,)] -> float32
        (B, H, W, C) in [-1, 1]. The output of its layer "mapped" is w.

    Raises:
        InputError: The images are not square, or an option is not a positive integer.

    Example:
        >>> build_generator(ImageSpec(32, 32, 3), NetworkConfig()).output_shape
        (None, 32, 32, 3)
    """
    _, *inner = sides(require_square("style_based", spec))
    numbers = {"mapping_depth": mapping_depth, "mapping_size": mapping_size, "depth": depth}
    for name, value in numbers.items():
        check_number(name, value, least=1)
    source = fast.layers(config.kernels)
    latent = keras.Input((config.latent_size,), name="latent")
    inputs, w = latent, latent
    if spec.classes:
        label = keras.Input((), dtype="int32", name="label")
        embedded = layers.Embedding(spec.classes, config.latent_size, name="label_embedding")(label)
        embedded = layers.UnitNormalization()(embedded)
        embedded = layers.Rescaling(LABEL_NORM * config.latent_size**0.5)(embedded)
        inputs, w = [latent, label], layers.Concatenate()([latent, embedded])
    for level in range(mapping_depth):
        w = layers.Dense(mapping_size, kernel_initializer=_scaled(VARIANCE))(w)
        w = layers.LeakyReLU(LEAK, name=MAPPED if level == mapping_depth - 1 else None)(w)

    *narrower, widest = widths(config.width, len(inner))
    x = LearnedConstant((inner[-1], inner[-1], widest))(w)
    for _ in range(depth):
        x = _styled(source, _convolution(source, widest), x, w)
    image = _to_image(_pointwise(source, spec.channels), x, w)
    for width in reversed(narrower):
        x = _styled(source, _doubling(source, width), x, w)  # sides double
        for _ in range(depth - 1):
            x = _styled(source, _convolution(source, width), x, w)
        image = _add(_twice(image), _to_image(_pointwise(source, spec.channels), x, w))
    last = _doubling(source, spec.channels, kernel_initializer=_scaled(IMAGE_VARIANCE))
    image = _add(_twice(image), _without_checkerboard(_to_image(last, x, w)))
    image = layers.Activation("tanh", dtype="float32", name="image")(image)
    return keras.Model(inputs, image, name="generator")


def build_discriminator(
    spec: ImageSpec, config: NetworkConfig, *, discriminator_depth: int = 1
) -> keras.Model:
    """Build a residual network without normalization from images to logits, positive for real.

    With classes, the label enters as a projection: `gan.layers.heads.linear`.

    Args:
        spec: Shape of the images; height and width are equal and in `RESOLUTIONS`.
        config: `discriminator_width` or else `width`, `minibatch_deviation` and
            `kernels` are used.
        discriminator_depth: Convolutions per resolution; the paper has 2.

    Returns:
        A model (B, H, W, C) or [(B, H, W, C), (B,)] -> float32 (B,).

    Raises:
        InputError: The images are not square, or the depth is not a positive integer.

    Example:
        >>> build_discriminator(ImageSpec(32, 32, 3), NetworkConfig()).output_shape
        (None,)
    """
    side = require_square("style_based", spec)
    check_number("discriminator_depth", discriminator_depth, least=1)
    source = fast.layers(config.kernels)
    _, *inner = sides(side)
    narrowest, *wider = widths(config.discriminator_width or config.width, len(inner))
    image = keras.Input((side, side, spec.channels), name="image")
    x = source.LeakyReLU(LEAK)(_plain(source, narrowest, STRIDED, strides=2)(image))
    for width in wider:  # sides halve
        shortcut = source.Conv2D(width, 1, use_bias=False)(layers.AveragePooling2D(2)(x))
        for _ in range(discriminator_depth - 1):
            x = source.LeakyReLU(LEAK)(_plain(source, x.shape[-1], KERNEL)(x))
        x = source.LeakyReLU(LEAK)(_plain(source, width, STRIDED, strides=2)(x))
        x = layers.Rescaling(0.5**0.5)(layers.Add()([shortcut, x]))  # as appendix B
    x = minibatch_deviation(x, config)
    x = source.LeakyReLU(LEAK)(_plain(source, wider[-1], KERNEL)(x))
    x = layers.Dense(wider[-1], kernel_initializer=_scaled(VARIANCE))(layers.Flatten()(x))
    features = source.LeakyReLU(LEAK, name=heads.FEATURES)(x)  # (B, F)
    return heads.linear([image], features, spec.classes)


def generator_regularizer(
    spec: ImageSpec,
    config: NetworkConfig,
    *,
    path_length: float = 0.0,
    path_length_interval: int = 4,
) -> PathLength | None:
    """Build the path length regularization if its weight is not zero.

    Args:
        spec: Not used.
        config: Not used.
        path_length: Weight of the regularization; 2 in the paper's program.
        path_length_interval: Updates of the generator per regularization.

    Raises:
        InputError: The weight is negative, or the interval not a positive integer.

    Example:
        >>> generator_regularizer(ImageSpec(32, 32, 3), NetworkConfig(), path_length=2.0).weight
        2.0
    """
    del spec, config
    check_number("path_length", path_length, least=0, whole=False)
    check_number("path_length_interval", path_length_interval, least=1)
    return PathLength(path_length, path_length_interval) if path_length else None


def _scaled(variance: float) -> keras.initializers.Initializer:
    """Return a new initializer, since one draws the same numbers at every call."""
    return keras.initializers.VarianceScaling(variance)


def _plain(source: SimpleNamespace, width: int, size: int, **options):
    return source.Conv2D(
        width, size, padding="same", kernel_initializer=_scaled(VARIANCE), **options
    )


def _convolution(source: SimpleNamespace, width: int):
    return source.Conv2D(width, KERNEL, padding="same", use_bias=False)


def _pointwise(source: SimpleNamespace, channels: int):
    return source.Conv2D(channels, 1, use_bias=False, kernel_initializer=_scaled(IMAGE_VARIANCE))


def _doubling(source: SimpleNamespace, width: int, **options):
    return source.Conv2DTranspose(
        width, STRIDED, strides=2, padding="same", use_bias=False, **options
    )


def _style(x, w):
    """Map w to one scale per channel of x, 1 at first in the mean."""
    return layers.Dense(x.shape[-1], bias_initializer="ones")(w)


def _styled(source: SimpleNamespace, convolution: keras.layers.Layer, x, w):
    x = Noise()(Modulated(convolution, gain=VARIANCE**0.5)([x, _style(x, w)]))
    return source.LeakyReLU(LEAK)(x)


def _to_image(convolution: keras.layers.Layer, x, w):
    return Modulated(convolution, demodulate=False)([x, _style(x, w)])


def _twice(image):
    return layers.UpSampling2D(interpolation="bilinear", dtype="float32")(image)


def _without_checkerboard(image):
    """Average 2x2 pixels at every place, which removes what alternates from pixel to pixel."""
    return layers.AveragePooling2D(2, strides=1, padding="same", dtype="float32")(image)


def _add(image, more):
    return layers.Add(dtype="float32")([image, more])
