"""Convolutional layers over the fast forms of `common.fast.convolution`.

The plain forms are the Keras layers of the same names.
"""

import keras
import tensorflow as tf
from keras import layers

from common.fast.convolution import convolve, convolve_transposed


@keras.saving.register_keras_serializable("common.fast")
class Conv2D(layers.Conv2D):
    """`keras.layers.Conv2D` for square kernels, without dilation or groups.

    Example:
        >>> layer = Conv2D(8, 4, strides=2, padding="same")
        >>> layer(tf.ones((1, 16, 16, 3))).shape
        TensorShape([1, 8, 8, 8])
    """

    def convolution_op(self, inputs, kernel):
        kernel = tf.convert_to_tensor(kernel)
        return convolve(tf.convert_to_tensor(inputs), kernel, self.strides[0], self.padding.upper())


@keras.saving.register_keras_serializable("common.fast")
class Conv2DTranspose(layers.Conv2DTranspose):
    """`keras.layers.Conv2DTranspose` for square kernels, without dilation.

    Example:
        >>> layer = Conv2DTranspose(3, 4, strides=2, padding="same")
        >>> layer(tf.ones((1, 8, 8, 8))).shape
        TensorShape([1, 16, 16, 3])
    """

    def call(self, inputs):
        size = self.compute_output_shape(inputs.shape)[1:3]
        outputs = convolve_transposed(
            tf.convert_to_tensor(inputs),
            tf.convert_to_tensor(self.kernel),
            size,
            self.strides[0],
            self.padding.upper(),
        )
        if self.use_bias:
            outputs = tf.nn.bias_add(outputs, tf.convert_to_tensor(self.bias))
        return self.activation(outputs)
