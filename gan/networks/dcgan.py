"""DCGAN (Radford et al. 2016): strided convolutions and batch normalization.

Deviations from the paper, each measured on two CPU cores: small widths, kernel 4
(a multiple of the stride, so no uneven overlap and no checkerboard: Odena et
al. 2016), Glorot's initialization.
"""

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import keras
from keras import layers

from common import fast
from common.key_values import check_number
from gan.config import NetworkConfig
from gan.layers import heads
from gan.layers.minibatch_deviation import minibatch_deviation
from gan.networks.base import ImageSpec

RESOLUTIONS = (16, 20, 24, 28, 32, 40, 48, 56, 64, 80, 96, 112, 128)
MAX_ASPECT = 2
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


def layout(spec: ImageSpec) -> tuple[tuple[int, int], int, tuple[int, int]]:
    """Compute the first feature map, the doublings and the margins of images of any aspect.

    Both sides double as often as the shorter one would alone.

    Returns:
        Height and width of the first feature map, the number of doublings, and by
        how many pixels its last doubling exceeds the images above and below, and to
        the left and right.

    Example:
        >>> layout(ImageSpec(64, 96, 3)), layout(ImageSpec(28, 28, 1))
        (((4, 6), 4, (0, 0)), ((4, 4), 3, (2, 2)))
    """
    doublings = min(base_and_doublings(side)[1] for side in (spec.height, spec.width))
    factor = 2**doublings
    height, width = -(-spec.height // factor), -(-spec.width // factor)  # rounded up
    margins = (height * factor - spec.height) // 2, (width * factor - spec.width) // 2
    return (height, width), doublings, margins


def build_generator(spec: ImageSpec, config: NetworkConfig, *, final_width: int = 0) -> keras.Model:
    """Build a network from latent vectors to images.

    With classes, the label's learned embedding is appended to the latent vector.
    Deviation: Mirza and Osindero 2014, section 4.1, append one-hot labels.

    Args:
        spec: Shape of the images; height and width are in `RESOLUTIONS`, and one is
            at most `MAX_ASPECT` times the other.
        config: `latent_size`, `width`, `upsampling` and `kernels` are used.
        final_width: Filters at the full resolution, before one more convolution of 3x3
            pixels; the feature maps at full and half the resolution are averaged over
            2x2 pixels, which removes the grid that upsampling leaves. 0: upsampling is
            the last layer, as in the paper.

    Returns:
        A model (B, latent_size) or [(B, latent_size), (B,)] -> float32
        (B, H, W, C) in [-1, 1].

    Raises:
        InputError: `final_width` is not an integer of at least 0.

    Example:
        >>> build_generator(ImageSpec(32, 32, 3), NetworkConfig())(tf.zeros((2, 64))).shape
        TensorShape([2, 32, 32, 3])
    """
    check_number("final_width", final_width, least=0)
    source = fast.layers(config.kernels)
    (height, width), doublings, margins = layout(spec)
    widths = [config.width * min(2**level, MAX_WIDENING) for level in reversed(range(doublings))]
    inputs, x = latent_input(spec, config)
    x = layers.Dense(height * width * widths[0], use_bias=False)(x)
    x = layers.Reshape((height, width, widths[0]))(activate(source, x))
    upsample = UPSAMPLING[config.upsampling]
    for filters in widths[1:]:
        x = activate(source, upsample(source, x, filters))
    x = final_layers(source, upsample, x, spec.channels, final_width)
    if any(margins):
        x = layers.Cropping2D(margins)(x)
    image = layers.Activation("tanh", dtype="float32", name="image")(x)
    return keras.Model(inputs, image, name="generator")


def activate(source: SimpleNamespace, x: Any) -> Any:
    """Normalize a generator's features (B, ..., F) over the batch, and set negative ones to zero.

    Example:
        >>> activate(fast.layers("keras"), keras.Input((8, 8, 16))).shape
        (None, 8, 8, 16)
    """
    return source.ReLU()(source.BatchNormalization(**BATCH_NORM)(x))


def final_layers(
    source: SimpleNamespace,
    upsample: Callable[..., Any],
    x: Any,
    channels: int,
    final_width: int,
    **options: Any,
) -> Any:
    """Make an image, before its activation, at twice the side of feature maps.

    Args:
        source: Layers of `common.fast.layers`.
        upsample: One of `UPSAMPLING`.
        x: (B, H, W, F).
        channels: Of the image, C.
        final_width: Of `build_generator`.
        options: Of the last layer.

    Returns:
        (B, 2 H, 2 W, C).

    Example:
        >>> x = keras.Input((16, 16, 8))
        >>> final_layers(fast.layers("keras"), UPSAMPLING["resize"], x, 3, 4).shape
        (None, 32, 32, 3)
    """
    if not final_width:
        return upsample(source, x, channels, **options)
    smooth = {"pool_size": 2, "strides": 1, "padding": "same"}
    x = upsample(source, layers.AveragePooling2D(**smooth)(x), final_width)
    x = layers.AveragePooling2D(**smooth)(activate(source, x))
    return source.Conv2D(channels, 3, padding="same", **options)(x)


def latent_input(spec: ImageSpec, config: NetworkConfig) -> tuple[Any, Any]:
    """Create a generator's inputs, and the vector that they give.

    Args:
        spec: `classes` is used.
        config: `latent_size` is used.

    Returns:
        The input (B, latent_size), or a list of it and labels (B,); and the latent
        vector, (B, latent_size), or with the label's embedding (B, 2 latent_size).

    Example:
        >>> inputs, x = latent_input(ImageSpec(32, 32, 3, classes=10), NetworkConfig())
        >>> x.shape
        (None, 128)
    """
    latent = keras.Input((config.latent_size,), name="latent")
    if not spec.classes:
        return latent, latent
    label = keras.Input((), dtype="int32", name="label")
    embedded = layers.Embedding(spec.classes, config.latent_size, name="label_embedding")(label)
    embedded = layers.UnitNormalization()(embedded)
    embedded = layers.Rescaling(LABEL_NORM * config.latent_size**0.5)(embedded)
    return [latent, label], layers.Concatenate()([latent, embedded])


def _transposed(source: SimpleNamespace, x, width: int, **options):
    options |= {"strides": 2, "padding": "same", "use_bias": False}
    return source.Conv2DTranspose(width, KERNEL, **options)(x)


def _resize(source: SimpleNamespace, x, width: int, **options):
    x = layers.UpSampling2D()(x)
    return source.Conv2D(width, 3, padding="same", use_bias=False, **options)(x)


def _subpixel(source: SimpleNamespace, x, width: int, **options):
    return source.DepthToSpace()(source.Conv2D(4 * width, 3, padding="same", **options)(x))


UPSAMPLING = {"transposed": _transposed, "resize": _resize, "subpixel": _subpixel}


def build_discriminator(spec: ImageSpec, config: NetworkConfig) -> keras.Model:
    """Build a network from images to logits, positive for real.

    With classes, the label enters as a projection: `gan.layers.heads.linear`.

    Args:
        spec: Shape of the images; height and width are in `RESOLUTIONS`, and one is
            at most `MAX_ASPECT` times the other.
        config: `discriminator_width` or else `width`, `normalization`,
            `minibatch_deviation` and `kernels` are used.

    Returns:
        A model (B, H, W, C) or [(B, H, W, C), (B,)] -> float32 (B,).

    Example:
        >>> discriminator = build_discriminator(ImageSpec(32, 32, 3), NetworkConfig())
        >>> discriminator(tf.zeros((2, 32, 32, 3))).shape
        TensorShape([2])
    """
    source = fast.layers(config.kernels)
    _, doublings, margins = layout(spec)
    base_width = config.discriminator_width or config.width
    widths = [base_width * min(2**level, MAX_WIDENING) for level in range(doublings)]
    image = keras.Input((spec.height, spec.width, spec.channels), name="image")
    x = image
    if any(margins):
        rows, columns = ((each, each) for each in margins)
        x = keras.ops.pad(x, ((0, 0), rows, columns, (0, 0)), mode="symmetric")
    for level, width in enumerate(widths):
        x = convolve(source, config.normalization, x, width, is_first=level == 0)
    x = minibatch_deviation(x, config)
    features = layers.Flatten(name="features")(x)  # (B, F)
    return heads.linear([image], features, spec.classes)


def convolve(
    source: SimpleNamespace,
    normalization: str,
    x: Any,
    width: int,
    *,
    is_first: bool = False,
    kernel: int = KERNEL,
    strides: int = 2,
) -> Any:
    """Convolve a discriminator's feature map; by default its sides are halved.

    Args:
        source: Layers of `common.fast.layers`.
        normalization: Of `NetworkConfig`.
        x: (B, S, S, C).
        width: Filters.
        is_first: Whether `x` is an image; then activations are not normalized
            (Radford et al. 2016, section 3).
        kernel: Side of the convolution's kernel.
        strides: Of the convolution.

    Returns:
        (B, S / strides, S / strides, width), sides rounded up.

    Example:
        >>> convolve(fast.layers("keras"), "batch", keras.Input((8, 8, 3)), 32).shape
        (None, 4, 4, 32)
    """
    use_bias = is_first or normalization != "batch"
    convolution = source.Conv2D(width, kernel, strides=strides, padding="same", use_bias=use_bias)
    if normalization == "spectral":  # Miyato et al. 2018; one power iteration a call
        # float32, or Keras 3.15 would round the kernels themselves at every call
        convolution = layers.SpectralNormalization(convolution, dtype="float32")
    x = convolution(x)
    if not is_first:
        x = NORMALIZATION[normalization](source, x)
    return source.LeakyReLU(LEAK)(x)


def _batch(source: SimpleNamespace, x):
    return source.BatchNormalization(**BATCH_NORM)(x)


def _layer(source: SimpleNamespace, x):
    return layers.GroupNormalization(groups=1)(x)  # over H, W and C, as WGAN-GP's critic


def _identity(source: SimpleNamespace, x):
    return x


NORMALIZATION = {"batch": _batch, "layer": _layer, "spectral": _identity, "none": _identity}
