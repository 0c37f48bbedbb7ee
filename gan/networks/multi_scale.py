"""Multi-scale gradients (MSG-GAN, Karnewar and Wang 2020): a DCGAN at several resolutions at once.

The generator makes an image at every resolution from 8 pixels on, and the
discriminator sees all of them, so that gradients reach the first layers of the
generator directly. Real images are averaged over areas.

Deviations: the layers are those of the DCGAN of this package, with batch
normalization instead of pixel normalization and without minibatch deviation;
the largest image has no feature map at its resolution, which would take most of a
CPU's time; the discriminator concatenates images with features without
further convolutions (section 3, phi_simple), from 8 pixels on instead of 4.
"""

from types import SimpleNamespace

import keras
import tensorflow as tf
from keras import layers

from common import fast
from gan.config import NetworkConfig
from gan.layers import heads
from gan.networks import dcgan
from gan.networks.base import ImageSpec, require_square

RESOLUTIONS = (16, 20, 24, 28, 32, 40, 48, 56, 64, 80, 96, 112, 128)
FIXED = {"minibatch_deviation": 0}
SMALLEST = 8  # pixels; no image has a smaller side


def sides(resolution: int) -> list[int]:
    """List the sides of the images in pixels, full size last.

    Example:
        >>> sides(32), sides(28)
        ([8, 16, 32], [14, 28])
    """
    found = [resolution]
    while found[0] % 2 == 0 and found[0] // 2 >= SMALLEST:
        found.insert(0, found[0] // 2)
    return found


@keras.saving.register_keras_serializable("gan.networks.multi_scale")
def real_inputs(images: tf.Tensor) -> list[tf.Tensor]:
    """Average real images over areas, to all resolutions.

    Args:
        images: (B, H, W, C), square.

    Returns:
        A tensor (B, S, S, C) for each of `sides(H)`.

    Example:
        >>> [image.shape[1] for image in real_inputs(tf.zeros((1, 32, 32, 3)))]
        [8, 16, 32]
    """
    pyramid = [tf.convert_to_tensor(images)]  # Keras takes no list of arrays and tensors
    for _ in sides(images.shape[1])[1:]:
        pyramid.insert(0, tf.nn.avg_pool2d(pyramid[0], 2, 2, "VALID"))
    return pyramid


def widths(base: int, resolution: int) -> list[int]:
    """List the filters of the feature maps from half the resolution down to the first.

    Args:
        base: Filters at half the resolution.
        resolution: In pixels.

    Example:
        >>> widths(32, 64)
        [32, 64, 128, 256]
    """
    return [base * min(2**level, dcgan.MAX_WIDENING) for level in range(len(sides(resolution)))]


def build_generator(spec: ImageSpec, config: NetworkConfig) -> keras.Model:
    """Build a network from latent vectors to images of several resolutions.

    Args:
        spec: Shape of the largest images; square.
        config: `latent_size`, `width`, `upsampling` and `kernels` are used.

    Returns:
        A model (B, latent_size) or [(B, latent_size), (B,)] -> a list of float32
        (B, S, S, C) in [-1, 1], one for each of `sides`, full size last.

    Raises:
        InputError: The images are not square.

    Example:
        >>> build_generator(ImageSpec(32, 32, 3), NetworkConfig()).output_shape
        [(None, 8, 8, 3), (None, 16, 16, 3), (None, 32, 32, 3)]
    """
    resolution = require_square("multi_scale", spec)
    source = fast.layers(config.kernels)
    upsample = dcgan.UPSAMPLING[config.upsampling]
    *scales, full = sides(resolution)  # two at least
    first, *others = reversed(widths(config.width, resolution))
    start = scales[0] // 2
    inputs, x = dcgan.latent_input(spec, config)
    x = layers.Dense(start * start * first, use_bias=False)(x)
    x = _activate(source, x)
    x = layers.Reshape((start, start, first))(x)
    images = []
    for side, width in zip(scales, others, strict=True):
        x = _activate(source, upsample(source, x, width))  # (B, S, S, width)
        images.append(_image(source.Conv2D(spec.channels, 1)(x), side))
    images.append(_image(upsample(source, x, spec.channels), full))
    return keras.Model(inputs, images, name="generator")


def build_discriminator(spec: ImageSpec, config: NetworkConfig) -> keras.Model:
    """Build a network from images of several resolutions to logits, positive for real.

    With classes, the label enters as a projection (Miyato and Koyama 2018,
    equation 5).

    Args:
        spec: Shape of the largest images; square.
        config: `discriminator_width` or else `width`, `normalization` and
            `kernels` are used.

    Returns:
        A model of a list of images, as the generator makes them, and with classes
        labels (B,), -> float32 (B,).

    Raises:
        InputError: The images are not square.

    Example:
        >>> build_discriminator(ImageSpec(32, 32, 3), NetworkConfig()).output_shape
        (None,)
    """
    resolution = require_square("multi_scale", spec)
    source = fast.layers(config.kernels)
    base_width = config.discriminator_width or config.width
    images = [
        keras.Input((side, side, spec.channels), name=f"image_{side}") for side in sides(resolution)
    ]
    largest, *smaller = reversed(images)
    first, *others = widths(base_width, resolution)
    x = dcgan.convolve(source, config.normalization, largest, first, is_first=True)
    for image, width in zip(smaller, others, strict=True):
        x = layers.Concatenate()([x, image])  # (B, S, S, width + C)
        x = dcgan.convolve(source, config.normalization, x, width)
    features = layers.Flatten(name="features")(x)  # (B, F)
    return heads.linear(images, features, spec.classes)


def _activate(source: SimpleNamespace, x):
    return source.ReLU()(source.BatchNormalization(**dcgan.BATCH_NORM)(x))


def _image(x, side: int):
    return layers.Activation("tanh", dtype="float32", name=f"image_{side}")(x)
