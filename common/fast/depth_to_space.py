"""Sub-pixel upsampling: one operation, or three stock Keras layers."""

from collections.abc import Callable

import keras
import tensorflow as tf
from keras import layers


@keras.saving.register_keras_serializable("common.fast")
class DepthToSpace(layers.Layer):
    """Rearrange groups of four channels into 2x2 pixels (Shi et al. 2016, section 3.2).

    Maps (B, H, W, 4C) to (B, 2H, 2W, C). Channel `(2 * i + j) * C + c` becomes
    channel `c` of the pixel in row `i` and column `j` of its 2x2 block.

    Example:
        >>> DepthToSpace()(tf.reshape(tf.range(4.0), (1, 1, 1, 4)))[0, :, :, 0].numpy()
        array([[0., 1.],
               [2., 3.]], dtype=float32)
    """

    def call(self, inputs):
        return tf.nn.depth_to_space(inputs, 2)

    def compute_output_shape(self, input_shape):
        batch, height, width, channels = input_shape
        return (batch, 2 * height, 2 * width, channels // 4)


def plain_depth_to_space() -> Callable[[keras.KerasTensor], keras.KerasTensor]:
    """Return `DepthToSpace` as a function made of stock Keras layers.

    A model that is built with it can be loaded by Keras without this project.

    Returns:
        A function from (B, H, W, 4C) to (B, 2H, 2W, C), for functional models.

    Example:
        >>> plain_depth_to_space()(keras.Input((4, 4, 12))).shape
        (None, 8, 8, 3)
    """

    def rearrange(x: keras.KerasTensor) -> keras.KerasTensor:
        _, height, width, channels = x.shape
        x = layers.Reshape((height, width, 2, 2, channels // 4))(x)  # (B, H, W, i, j, C)
        x = layers.Permute((1, 3, 2, 4, 5))(x)  # (B, H, i, W, j, C)
        return layers.Reshape((2 * height, 2 * width, channels // 4))(x)

    return rearrange
