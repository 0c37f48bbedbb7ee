"""What convolutions to a map of twice the size have in common."""

import keras
import tensorflow as tf

BORDER = [[0, 0], [1, 1], [1, 1], [0, 0]]


class Doubling:
    """The output shape of a Keras convolution to twice the height and width, as a mixin."""

    def compute_output_shape(self, input_shape):
        batch, *sides, _ = input_shape
        return (batch, *(None if side is None else 2 * side for side in sides), self.filters)

    def compute_output_spec(self, inputs):
        return keras.KerasTensor(self.compute_output_shape(inputs.shape), self.compute_dtype)


def convolve_to_blocks(
    values: tf.Tensor, kernel: tf.Tensor, bias: tf.Tensor | None, border: str
) -> tf.Tensor:
    """Convolve each position to a block of 2x2 pixels.

    Args:
        values: (B, H, W, C).
        kernel: (3, 3, C, 4 D), the channels of the four pixels in turn.
        bias: (D,), or None.
        border: A mode of `tf.pad`.

    Returns:
        (B, 2H, 2W, D).
    """
    outputs = tf.nn.conv2d(tf.pad(values, BORDER, border), kernel, 1, "VALID")  # (B, H, W, 4 D)
    if bias is not None:
        outputs = tf.nn.bias_add(outputs, tf.tile(bias, [4]))
    return tf.nn.depth_to_space(outputs, 2)
