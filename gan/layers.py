"""Keras layers that take the faster of TensorFlow's ways on a processor, with the same results."""

import keras
import tensorflow as tf
from keras import layers

from common import replicas

SMALL_SIDE = 7  # pixels; where kernels that see no more are learnt faster as below
MANY_CHANNELS = 64


@keras.saving.register_keras_serializable("gan")
class BatchNormalization(layers.BatchNormalization):
    """Keras's layer, trained through TensorFlow's fused kernel.

    A third of the time of Keras 3.15's own arithmetic on a CPU, and bfloat16
    activations need no cast. Deviation: the running variance is the unbiased
    one. A batch that is split among replicas is normalised as a whole.
    """

    def call(self, inputs, training=None, mask=None):
        if not training:
            return super().call(inputs, training=training, mask=mask)
        if replicas.count() > 1:
            return self._over_replicas(tf.cast(inputs, tf.float32))
        pixels = inputs if inputs.shape.rank == 4 else inputs[:, None, None, :]  # (B, H, W, C)
        outputs, mean, variance, *_ = tf.raw_ops.FusedBatchNormV3(
            x=pixels,
            scale=tf.cast(self.gamma, tf.float32),
            offset=tf.cast(self.beta, tf.float32),
            mean=[],
            variance=[],
            epsilon=self.epsilon,
            is_training=True,
        )
        self._follow(mean, variance)
        return tf.reshape(outputs, tf.shape(inputs))

    def _over_replicas(self, inputs):
        """The same from the moments of all replicas; the second is centred, as it would cancel."""
        axes = list(range(inputs.shape.rank - 1))
        mean = replicas.mean(tf.reduce_mean(inputs, axes))  # (C,)
        variance = replicas.mean(tf.reduce_mean(tf.square(inputs - mean), axes))
        outputs = tf.nn.batch_normalization(
            inputs, mean, variance, self.beta.value, self.gamma.value, self.epsilon
        )
        count = tf.cast(replicas.count() * tf.size(inputs) / inputs.shape[-1], tf.float32)
        self._follow(mean, variance * count / (count - 1.0))
        return tf.cast(outputs, self.compute_dtype)

    def _follow(self, mean, variance):
        for running, batch in ((self.moving_mean, mean), (self.moving_variance, variance)):
            running.assign(running * self.momentum + batch * (1.0 - self.momentum))


@keras.saving.register_keras_serializable("gan")
class DepthToSpace(layers.Layer):
    """(B, H, W, 4C) -> (B, 2H, 2W, C): Shi et al. 2016, section 3.2."""

    def call(self, inputs):
        return tf.nn.depth_to_space(inputs, 2)

    def compute_output_shape(self, input_shape):
        batch, height, width, channels = input_shape
        return (batch, 2 * height, 2 * width, channels // 4)


@keras.saving.register_keras_serializable("gan")
class LeakyReLU(layers.LeakyReLU):
    """Keras's layer, with a gradient from its output, which has the sign of its input.

    So the input need not be kept, and TensorFlow fuses the layer with a
    convolution and its bias.
    """

    def call(self, inputs):
        slope = float(self.negative_slope)

        @tf.custom_gradient
        def leak(inputs):
            outputs = tf.nn.leaky_relu(inputs, slope)

            def gradient(upstream):
                return tf.raw_ops.LeakyReluGrad(gradients=upstream, features=outputs, alpha=slope)

            return outputs, gradient

        return leak(inputs)


@keras.saving.register_keras_serializable("gan")
class Conv2D(layers.Conv2D):
    """Keras's layer, without dilation, whose kernel's gradient is `kernel_gradient`."""

    def convolution_op(self, inputs, kernel):
        stride, padding = self.strides[0], self.padding.upper()

        @tf.custom_gradient
        def convolve(inputs, kernel):
            def gradient(upstream):
                for_inputs = tf.nn.conv2d_transpose(
                    upstream, kernel, tf.shape(inputs), stride, padding
                )
                shape = kernel.shape
                return for_inputs, kernel_gradient(inputs, upstream, shape, stride, padding)

            return tf.nn.conv2d(inputs, kernel, stride, padding), gradient

        return convolve(tf.convert_to_tensor(inputs), tf.convert_to_tensor(kernel))


@keras.saving.register_keras_serializable("gan")
class Conv2DTranspose(layers.Conv2DTranspose):
    """Keras's layer, without dilation, whose kernel's gradient is `kernel_gradient`."""

    def call(self, inputs):
        stride, padding = self.strides[0], self.padding.upper()
        outputs_shape = (tf.shape(inputs)[0], *self.compute_output_shape(inputs.shape)[1:])

        @tf.custom_gradient
        def convolve(inputs, kernel):
            def gradient(upstream):
                shape = kernel.shape
                return (
                    tf.nn.conv2d(upstream, kernel, stride, padding),
                    kernel_gradient(upstream, inputs, shape, stride, padding),
                )

            return (
                tf.nn.conv2d_transpose(inputs, kernel, outputs_shape, stride, padding),
                gradient,
            )

        outputs = convolve(tf.convert_to_tensor(inputs), tf.convert_to_tensor(self.kernel))
        if self.use_bias:
            outputs = tf.nn.bias_add(outputs, tf.convert_to_tensor(self.bias))
        return self.activation(outputs)


def kernel_gradient(
    inputs: tf.Tensor, upstream: tf.Tensor, shape: tf.TensorShape, stride: int, padding: str
) -> tf.Tensor:
    """The gradient of a convolution's kernel (k, k, C, D).

    Of bfloat16 with many channels on few pixels it is itself computed as a
    convolution, dilated by the stride, of channels as the batch and the batch
    as channels: two to five times as fast as oneDNN's own on a processor with
    matrix tiles.

    Args:
        inputs: (B, H, W, C).
        upstream: the gradient of what the convolution returned, (B, h, w, D).
    """
    side, size = upstream.shape[1], shape[0]
    small = side <= SMALL_SIDE and inputs.shape[-1] >= MANY_CHANNELS
    if inputs.dtype != tf.bfloat16 or not small or tf.config.list_physical_devices("GPU"):
        return tf.raw_ops.Conv2DBackpropFilter(
            input=inputs,
            filter_sizes=shape,
            out_backprop=upstream,
            strides=[1, stride, stride, 1],
            padding=padding,
        )
    margin = max((side - 1) * stride + size - inputs.shape[1], 0) if padding == "SAME" else 0
    sides = (margin // 2, margin - margin // 2)
    turned = tf.pad(tf.transpose(inputs, (3, 1, 2, 0)), ((0, 0), sides, sides, (0, 0)))
    window = tf.transpose(upstream, (1, 2, 0, 3))  # (h, w, B, D)
    found = tf.nn.conv2d(turned, window, 1, "VALID", dilations=stride)[:, :size, :size]
    return tf.transpose(found, (1, 2, 0, 3))  # (k, k, C, D)
