"""Keras layers that take the faster of TensorFlow's ways on a processor, with the same results."""

import keras
import tensorflow as tf
from keras import layers

from common.distribution import replicas
from common.fast.activations import relu
from common.fast.convolution import convolve, convolve_transposed


@keras.saving.register_keras_serializable("gan")
class BatchNormalization(layers.BatchNormalization):
    """Keras's layer through TensorFlow's fused kernel.

    A third of the time of Keras 3.15's own arithmetic on a CPU, and bfloat16
    activations need no cast. Deviation: the running variance is the unbiased
    one. A batch that is split among replicas is normalised as a whole.
    """

    def call(self, inputs, training=None, mask=None):
        if training and replicas.count() > 1:
            return self._over_replicas(tf.cast(inputs, tf.float32))
        known = ([], []) if training else (self.moving_mean, self.moving_variance)
        pixels = inputs if inputs.shape.rank == 4 else inputs[:, None, None, :]  # (B, H, W, C)
        outputs, mean, variance, *_ = tf.raw_ops.FusedBatchNormV3(
            x=pixels,
            scale=tf.cast(self.gamma, tf.float32),
            offset=tf.cast(self.beta, tf.float32),
            mean=tf.cast(known[0], tf.float32),
            variance=tf.cast(known[1], tf.float32),
            epsilon=self.epsilon,
            is_training=bool(training),
        )
        if training:
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
class ReLU(layers.ReLU):
    """Keras's layer without its options, in bfloat16 with the compiled gradient of `relu`."""

    def call(self, inputs):
        return relu(inputs)


@keras.saving.register_keras_serializable("gan")
class LeakyReLU(layers.LeakyReLU):
    """Keras's layer, with a gradient from its output, which has the sign of its input.

    So the input need not be kept, and TensorFlow fuses the layer with a
    convolution and its bias.
    """

    def call(self, inputs):
        slope = float(self.negative_slope)
        cheap = inputs.dtype == tf.bfloat16
        forward = _compiled_leak if cheap and not _fuses(inputs) else tf.nn.leaky_relu
        backward = _compiled_leak_gradient if cheap else _leak_gradient

        @tf.custom_gradient
        def leak(inputs):
            outputs = forward(inputs, slope)
            return outputs, lambda upstream: backward(upstream, outputs, slope)

        return leak(inputs)


def _fuses(inputs) -> bool:
    """Whether TensorFlow takes a convolution, its bias and what comes next in one pass."""
    return not tf.executing_eagerly() and inputs.op.type == "BiasAdd"


@tf.function(jit_compile=True)
def _compiled_leak(inputs, slope: float):
    """In bfloat16 a compiled pass takes 40 % of the time of TensorFlow's own kernels."""
    return tf.maximum(inputs, slope * inputs)


@tf.function(jit_compile=True)
def _compiled_leak_gradient(upstream, outputs, slope: float):
    return tf.where(outputs > 0, upstream, slope * upstream)


def _leak_gradient(upstream, outputs, slope: float):
    return tf.raw_ops.LeakyReluGrad(gradients=upstream, features=outputs, alpha=slope)


@keras.saving.register_keras_serializable("gan")
class Conv2D(layers.Conv2D):
    """Keras's layer, for squares and without dilation, through `gan.convolution`."""

    def convolution_op(self, inputs, kernel):
        kernel = tf.convert_to_tensor(kernel)
        return convolve(tf.convert_to_tensor(inputs), kernel, self.strides[0], self.padding.upper())


@keras.saving.register_keras_serializable("gan")
class Conv2DTranspose(layers.Conv2DTranspose):
    """Keras's layer, for squares and without dilation, through `gan.convolution`."""

    def call(self, inputs):
        side = self.compute_output_shape(inputs.shape)[1]
        outputs = convolve_transposed(
            tf.convert_to_tensor(inputs),
            tf.convert_to_tensor(self.kernel),
            side,
            self.strides[0],
            self.padding.upper(),
        )
        if self.use_bias:
            outputs = tf.nn.bias_add(outputs, tf.convert_to_tensor(self.bias))
        return self.activation(outputs)
