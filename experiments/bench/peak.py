"""Arithmetic in a network, and how much of it the machine can do at best."""

import time

import keras
import tensorflow as tf
from keras import layers

SHAPES = ((16, 32, 128), (8, 64, 128), (32, 16, 256), (64, 8, 512))  # batch, side, channels
SECONDS = 0.5  # for each shape


def measure(precision: str) -> dict[str, float]:
    """The row of `convolution_peak`."""
    return {"operations_per_second": convolution_peak(precision)}


def convolution_peak(precision: str) -> float:
    """Return the most operations per second that a 3x3 convolution reached over some shapes.

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
    """Count multiplications and additions of one image in convolutions and dense layers."""
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
    """Count operations per image in an alternating step of one update each.

    Backward is twice forward if the gradients of weights and inputs are both
    needed: the generator once forward and back; the discriminator on real and
    fake images forward and back, and once more forward and back to its input only.
    """
    return 3 * operations(generator) + (2 + 4 + 1 + 1) * operations(discriminator)
