"""Residual networks in the manner of SNGAN (Miyato et al. 2018) and R3GAN (Huang et al. 2024).

Two 3x3 convolutions per block with a shortcut around them, nearest-neighbor
upsampling, average pooling, and no normalization in the discriminator.

Deviations: one strided convolution leads from full to half the resolution and
back, since blocks at full resolution would take most of a CPU's time; the
discriminator's features are flattened, not summed over positions (Miyato et al.
2018, appendix B.4); without normalization the last convolution of each block
starts at zero, as in R3GAN (section 3.2, after Zhang et al. 2019), but with
biases.
"""

from types import SimpleNamespace

import keras
from keras import layers

from common import fast
from common.errors import InputError
from gan.config import NetworkConfig
from gan.layers import heads
from gan.layers.minibatch_deviation import minibatch_deviation
from gan.networks.base import ImageSpec, check_normalization

RESOLUTIONS = (16, 20, 24, 28, 32, 40, 48, 56, 64, 80, 96, 112, 128)
MAX_ASPECT = 2
FIXED = {"upsampling": "resize"}
NORMALIZATIONS = ("none", "spectral")
KERNEL = 3  # pixels
OUTER_KERNEL = 4  # pixels, of the strided convolution at full resolution
LEAK = 0.2  # slope of LeakyReLU below zero: Huang et al. 2024, section 3.2
MAX_WIDENING = 8  # no layer is wider than this many times the base width
SMALLEST = 7  # pixels; the shorter side of the first feature map is at most this long


def sizes(spec: ImageSpec) -> list[tuple[int, int]]:
    """List height and width of the feature maps, full size first.

    Example:
        >>> sizes(ImageSpec(32, 48, 3))
        [(32, 48), (16, 24), (8, 12), (4, 6)]
    """
    found = [(spec.height, spec.width)]
    while min(found[-1]) > SMALLEST:
        height, width = found[-1]
        found.append((height // 2, width // 2))
    return found


def sides(resolution: int) -> list[int]:
    """List the sides of the feature maps of square images, full size first.

    Example:
        >>> sides(32)
        [32, 16, 8, 4]
    """
    return [height for height, _ in sizes(ImageSpec(resolution, resolution, 1))]


def widths(base: int, levels: int) -> list[int]:
    """List the filters of each level, half the resolution first.

    Args:
        base: Filters at half the resolution.
        levels: Number of levels.

    Example:
        >>> widths(32, 3)
        [32, 64, 128]
    """
    return [base * min(2**level, MAX_WIDENING) for level in range(levels)]


def build_generator(
    spec: ImageSpec, config: NetworkConfig, *, generator_normalization: str = "batch"
) -> keras.Model:
    """Build a residual network from latent vectors to images.

    With classes, the label's learned embedding is appended to the latent vector.

    Args:
        spec: Shape of the images; height and width are in `RESOLUTIONS`, and one is
            at most `MAX_ASPECT` times the other.
        config: `latent_size`, `width` and `kernels` are used.
        generator_normalization: "batch" or "none".

    Returns:
        A model (B, latent_size) or [(B, latent_size), (B,)] -> float32
        (B, H, W, C) in [-1, 1].

    Raises:
        InputError: The normalization is unknown.

    Example:
        >>> build_generator(ImageSpec(32, 32, 3), NetworkConfig()).output_shape
        (None, 32, 32, 3)
    """
    if generator_normalization not in ("batch", "none"):
        raise InputError(
            f"--networks.options generator_normalization={generator_normalization}: "
            "expected batch or none"
        )
    source = fast.layers(config.kernels)
    normalized = generator_normalization == "batch"
    _, *inner = sizes(spec)
    *narrower, widest = widths(config.width, len(inner))
    latent = keras.Input((config.latent_size,), name="latent")
    inputs, x = latent, latent
    if spec.classes:
        label = keras.Input((), dtype="int32", name="label")
        embedded = layers.Embedding(spec.classes, config.latent_size, name="label_embedding")(label)
        inputs, x = [latent, label], layers.Concatenate()([latent, embedded])
    height, width = inner[-1]
    x = layers.Dense(height * width * widest)(x)
    x = layers.Reshape((height, width, widest))(x)
    for filters in reversed(narrower):
        x = _block_up(source, x, filters, normalized)  # sides double
    x = _activate(source, x, normalized)
    x = source.Conv2DTranspose(spec.channels, OUTER_KERNEL, strides=2, padding="same")(x)
    image = layers.Activation("tanh", dtype="float32", name="image")(x)
    return keras.Model(inputs, image, name="generator")


def build_discriminator(spec: ImageSpec, config: NetworkConfig) -> keras.Model:
    """Build a residual network without normalization from images to logits, positive for real.

    With classes, the label enters as a projection: `gan.layers.heads.linear`.

    Args:
        spec: Shape of the images; height and width are in `RESOLUTIONS`, and one is
            at most `MAX_ASPECT` times the other.
        config: `discriminator_width` or else `width`, `normalization` ("none", or
            "spectral" for that of the kernels), `minibatch_deviation` and `kernels` are
            used.

    Returns:
        A model (B, H, W, C) or [(B, H, W, C), (B,)] -> float32 (B,).

    Raises:
        InputError: Activations are to be normalized.

    Example:
        >>> config = NetworkConfig(name="resnet", normalization="none")
        >>> build_discriminator(ImageSpec(32, 32, 3), config).output_shape
        (None,)
    """
    check_normalization("resnet", config.normalization)
    source = fast.layers(config.kernels)
    spectral = config.normalization == "spectral"
    _, *inner = sizes(spec)
    narrowest, *wider = widths(config.discriminator_width or config.width, len(inner))
    image = keras.Input((spec.height, spec.width, spec.channels), name="image")
    x = _convolution(source, narrowest, OUTER_KERNEL, spectral, strides=2)(image)
    for width in wider:
        x = _block_down(source, x, width, spectral)  # sides halve
    x = source.LeakyReLU(LEAK)(x)
    x = minibatch_deviation(x, config)
    features = layers.Flatten(name="features")(x)  # (B, F)
    return heads.linear([image], features, spec.classes)


def _block_up(source: SimpleNamespace, x, width: int, normalized: bool):
    """Double the sides; the shortcut's 1x1 convolution commutes with upsampling, so it is first."""
    shortcut = layers.UpSampling2D()(source.Conv2D(width, 1, use_bias=False)(x))
    last = "glorot_uniform" if normalized else "zeros"
    x = layers.UpSampling2D()(_activate(source, x, normalized))
    x = source.Conv2D(width, KERNEL, padding="same")(x)
    x = _activate(source, x, normalized)
    x = source.Conv2D(width, KERNEL, padding="same", kernel_initializer=last)(x)
    return layers.Add()([shortcut, x])


def _block_down(source: SimpleNamespace, x, width: int, spectral: bool):
    """Halve the sides; the shortcut's 1x1 convolution commutes with pooling, so it is last."""
    shortcut = _convolution(source, width, 1, spectral)(layers.AveragePooling2D(2)(x))
    x = _convolution(source, width, KERNEL, spectral)(source.LeakyReLU(LEAK)(x))
    # spectral normalization cannot divide by the norm of a kernel of zeros
    last = "glorot_uniform" if spectral else "zeros"
    x = source.LeakyReLU(LEAK)(x)
    x = _convolution(source, width, KERNEL, spectral, kernel_initializer=last)(x)
    return layers.Add()([shortcut, layers.AveragePooling2D(2)(x)])


def _convolution(source: SimpleNamespace, width: int, size: int, spectral: bool, **options):
    convolution = source.Conv2D(width, size, padding="same", **options)
    # float32, or Keras 3.15 would round the kernels themselves at every call
    return layers.SpectralNormalization(convolution, dtype="float32") if spectral else convolution


def _activate(source: SimpleNamespace, x, normalized: bool):
    if normalized:
        x = source.BatchNormalization(momentum=0.9, epsilon=1e-5)(x)
    return source.LeakyReLU(LEAK)(x)
