"""How much arithmetic is in a network, and how much of it the machine can do at best."""

import time

import keras
import tensorflow as tf
from keras import layers

SHAPES = ((16, 32, 128), (8, 64, 128), (32, 16, 256), (64, 8, 512))  # batch, side, channels
SECONDS = 0.5  # for each shape


def convolution_peak(precision: str) -> float:
    """The most operations per second that a 3x3 convolution reached over some shapes.

    A multiplication and an addition count as two.
    """
    dtype = {"float32": tf.float32, "bfloat16": tf.bfloat16}[precision]
    return max(_speed(*shape, dtype) for shape in SHAPES)


def _speed(batch: int, side: int, channels: int, dtype: tf.DType) -> float:
    kernel = tf.cast(tf.random.normal((3, 3, channels, channels)) / (3 * channels**0.5), dtype)
    images = tf.cast(tf.random.normal((batch, side, side, channels)), dtype)

    @tf.function
    def several(images):
        for _ in range(8):  # unrolled: a chain, as in a network
            images = tf.nn.conv2d(images, kernel, 1, "SAME")
        return tf.reduce_sum(tf.cast(images, tf.float32))

    float(several(images))
    best, ended = float("inf"), time.perf_counter() + SECONDS
    while time.perf_counter() < ended:
        started = time.perf_counter()
        float(several(images))
        best = min(best, time.perf_counter() - started)
    return 8 * 2 * 9 * channels**2 * batch * side**2 / best


def operations(network: keras.Model) -> int:
    """Multiplications and additions of one picture's way through convolutions and dense layers."""
    return sum(_of_layer(layer) for layer in network.layers)


def _of_layer(layer: layers.Layer) -> int:
    if isinstance(layer, layers.SpectralNormalization):
        layer = layer.layer
    if isinstance(layer, layers.Dense):
        return 2 * layer.kernel.shape[0] * layer.kernel.shape[1]
    if isinstance(layer, layers.Conv2DTranspose):  # its kernel meets every input place
        places = layer.input.shape[1] * layer.input.shape[2]
    elif isinstance(layer, layers.Conv2D):
        places = layer.output.shape[1] * layer.output.shape[2]
    else:
        return 0
    return 2 * places * int(tf.size(layer.kernel))


def operations_of_a_step(generator: keras.Model, discriminator: keras.Model) -> int:
    """Of a picture in an alternating step of one update each.

    Backward is twice forward where weights and inputs are both wanted: the
    generator once forward and once so backward; the discriminator on real and
    fake pictures likewise, and once more forward and back to its input alone.
    """
    return 3 * operations(generator) + (2 + 4 + 1 + 1) * operations(discriminator)
