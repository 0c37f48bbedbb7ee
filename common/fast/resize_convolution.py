"""A map resized to twice its size and convolved, computed at the size before."""

from collections.abc import Callable

import keras
import numpy as np
import tensorflow as tf
from keras import layers, ops

from common.fast.doubling import BORDER, Doubling, convolve_to_blocks

TAPS = np.array(  # of each of both pixels: which taps of 3 read the place before, here and behind
    [[[1, 0, 0], [0, 1, 1], [0, 0, 0]], [[0, 0, 0], [1, 1, 0], [0, 0, 1]]], np.float32
)


@keras.saving.register_keras_serializable("common.fast")
class ResizeConv2D(Doubling, layers.Conv2D):
    """`plain_resize_convolution` without the resized map, with the same weights.

    The pixels that a place becomes are equal, so their taps are added up first. The sums
    are a convolution of the small map to blocks of 2x2 pixels.

    Example:
        >>> ResizeConv2D(3)(tf.ones((1, 8, 8, 16))).shape
        TensorShape([1, 16, 16, 3])
    """

    def __init__(self, filters, kernel_size=3, **options):
        super().__init__(filters, kernel_size, **options)

    def call(self, inputs):
        kernel = tf.convert_to_tensor(self.kernel)
        return resize_convolve(inputs, kernel, self.bias if self.use_bias else None)


def resize_convolve(
    values: tf.Tensor, kernel: tf.Tensor, bias: tf.Tensor | None = None
) -> tf.Tensor:
    """Compute what `ResizeConv2D` does with given weights.

    Args:
        values: (B, H, W, C).
        kernel: (3, 3, C, D).
        bias: (D,), or None.

    Returns:
        (B, 2H, 2W, D).
    """
    taps, filters = tf.constant(TAPS, kernel.dtype), kernel.shape[3]
    blocks = tf.einsum("iam,jbn,mncd->abcijd", taps, taps, kernel)
    blocks = tf.reshape(blocks, (3, 3, kernel.shape[2], 4 * filters))
    return convolve_to_blocks(values, blocks, bias, "SYMMETRIC")


def plain_resize_convolution(
    filters: int, name: str, **options
) -> Callable[[keras.KerasTensor], keras.KerasTensor]:
    """Return nearest-neighbor upsampling and a 3x3 convolution, of stock Keras layers.

    Odena et al. 2016, Deconvolution and Checkerboard Artifacts: all pixels have the same
    taps, so that a flat map stays flat.

    Args:
        filters: Channels of the result, D.
        name: Of the convolution.
        **options: Of the convolution.

    Returns:
        A function from (B, H, W, C) to (B, 2H, 2W, D). The border is reflected.
    """
    resize = layers.UpSampling2D(2, interpolation="nearest")
    convolve = layers.Conv2D(filters, 3, name=name, **options)

    def apply(values: keras.KerasTensor) -> keras.KerasTensor:
        # LiteRT's converter loses the number of channels of a map of any size; ones tell it
        resized = resize(values) * np.ones((1, 1, 1, values.shape[-1]), np.float32)
        return convolve(ops.pad(resized, BORDER, mode="reflect"))

    return apply
