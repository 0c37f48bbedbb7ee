"""A transposed convolution that doubles the size, as a convolution to blocks of 2x2 pixels."""

from collections.abc import Callable

import keras
import tensorflow as tf
from keras import layers

KERNEL = 6  # pixels; 3x3 blocks
CROP = 4  # pixels of each side that not all taps reach


@keras.saving.register_keras_serializable("common.fast")
class CellTranspose(layers.Conv2DTranspose):
    """`plain_cell_transpose` in a quarter of the time, with the same weights.

    Example:
        >>> CellTranspose(3)(tf.ones((1, 10, 10, 8))).shape
        TensorShape([1, 16, 16, 3])
    """

    def __init__(self, filters, kernel_size=KERNEL, strides=2, **options):
        super().__init__(filters, kernel_size, strides, **options)

    def compute_output_shape(self, input_shape):
        batch, *sides, _ = input_shape
        sides = [None if side is None else 2 * side - CROP for side in sides]
        return (batch, *sides, self.filters)

    def compute_output_spec(self, inputs):
        return keras.KerasTensor(self.compute_output_shape(inputs.shape), self.compute_dtype)

    def call(self, inputs):
        kernel = tf.convert_to_tensor(self.kernel)  # (6, 6, C, D)
        depth = kernel.shape[-1]
        cells = tf.reshape(kernel, (3, 2, 3, 2, self.filters, depth))[::-1, :, ::-1]
        cells = tf.reshape(tf.transpose(cells, (0, 2, 5, 1, 3, 4)), (3, 3, depth, -1))
        outputs = tf.nn.conv2d(inputs, cells, 1, "VALID")  # (B, H/2, W/2, 4 C)
        return tf.nn.depth_to_space(tf.nn.bias_add(outputs, tf.tile(self.bias, [4])), 2)


def plain_cell_transpose(
    filters: int, name: str, **options
) -> Callable[[keras.KerasTensor], keras.KerasTensor]:
    """Return a transposed convolution of 6x6 pixels with a stride of 2, of stock Keras layers.

    The kernel is a multiple of the stride, so that every pixel sums up as many taps. The
    outermost `CROP` pixels, which some taps do not reach, are cut off.

    Args:
        filters: Channels of the result, C.
        name: Of the layer that has the weights.
        **options: Of that layer.

    Returns:
        A function from (B, H/2 + 2, W/2 + 2, D) to (B, H, W, C).
    """
    convolve = layers.Conv2DTranspose(filters, KERNEL, 2, name=name, **options)
    crop = layers.Cropping2D(CROP)
    return lambda values: crop(convolve(values))
