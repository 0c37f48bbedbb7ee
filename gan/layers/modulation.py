"""The layers of a style-based generator: Karras et al. 2020, Analyzing and Improving StyleGAN."""

from typing import Any

import keras
import tensorflow as tf
from keras import layers, ops

from common.distribution import replicas

EPSILON = 1e-8  # added to a sum of squares before its root: equation 3


@keras.saving.register_keras_serializable("gan")
class Modulated(layers.Wrapper):
    """A convolution whose input channels are scaled by styles (Karras et al. 2020, section 2.2).

    With input scales s, the weights of image b are w' = s_b w (equation 1), divided
    by their norm over a unit's inputs (equation 3). As the scale of an input channel
    and of an output channel commute with the convolution, activations are scaled
    before and after one convolution for all images. This is exact, and on a CPU much
    faster than one convolution per image. A bias is added last.

    Deviation: with strides, a transposed convolution's result is multiplied by the
    stride, as only 1 of stride^2 weights reaches each pixel. Then unit inputs give
    unit outputs.

    Args:
        layer: `Conv2D` or `Conv2DTranspose` without a bias.
        demodulate: Divide by the norm; not before an image (appendix B).
        gain: Factor of a demodulated result.

    Example:
        >>> layer = Modulated(keras.layers.Conv2D(8, 3, padding="same", use_bias=False))
        >>> layer([tf.ones((2, 4, 4, 3)), tf.ones((2, 3))]).shape
        TensorShape([2, 4, 4, 8])
    """

    def __init__(
        self,
        layer: keras.layers.Layer,
        demodulate: bool = True,
        gain: float = 1.0,
        **options,
    ):
        super().__init__(layer, **options)
        self.demodulate, self.gain = demodulate, gain

    def build(self, input_shape):
        if not self.layer.built:  # as after loading a file
            self.layer.build(input_shape[0])
        self.bias = self.add_weight(shape=(self.layer.filters,), initializer="zeros", name="bias")
        self.built = True

    def call(self, inputs):
        images, styles = inputs  # (B, H, W, C), (B, C)
        outputs = self.layer(images * _everywhere(styles))  # (B, h, w, D)
        if self.demodulate:
            squares = tf.matmul(tf.square(tf.cast(styles, tf.float32)), self.squared_weights())
            scales = self._total_gain * tf.math.rsqrt(squares + EPSILON)  # (B, D)
            outputs = outputs * _everywhere(tf.cast(scales, outputs.dtype))
        return outputs + tf.cast(self.bias, outputs.dtype)

    @property
    def _total_gain(self) -> float:
        return self.gain * (self.layer.strides[0] if self._is_transposed else 1)

    @property
    def _is_transposed(self) -> bool:
        return isinstance(self.layer, layers.Conv2DTranspose)

    def squared_weights(self) -> tf.Tensor:
        """Sum the squared weights between each input and output channel, float32 (C, D)."""
        kernel = tf.cast(self.layer.kernel, tf.float32)
        found = tf.reduce_sum(tf.square(kernel), axis=[0, 1])
        return tf.transpose(found) if self._is_transposed else found  # of (D, C)

    def as_stock(self, inputs: list[keras.KerasTensor]) -> keras.KerasTensor:
        """Compute the same with stock layers; the squared weights are those of now."""
        images, styles = inputs
        outputs = self.layer(ops.multiply(images, _everywhere_symbolic(styles)))
        if self.demodulate:
            filters = self.layer.filters
            dense = layers.Dense(filters, use_bias=False, name=f"{self.name}_squares")
            squares = dense(ops.square(styles))
            dense.set_weights([self.squared_weights().numpy()])
            scales = ops.multiply(ops.rsqrt(ops.add(squares, EPSILON)), self._total_gain)
            outputs = ops.multiply(outputs, _everywhere_symbolic(scales))
        return ops.add(outputs, self.bias.numpy())

    def compute_output_shape(self, input_shape):
        return self.layer.compute_output_shape(input_shape[0])

    def get_config(self):
        return {**super().get_config(), "demodulate": self.demodulate, "gain": self.gain}


@keras.saving.register_keras_serializable("gan")
class Noise(layers.Layer):
    """One normal number per pixel, added to all channels (Karras et al. 2019, section 2).

    Its strength is learned and starts at zero. In training every image has new
    noise, from a random stream that is part of a checkpoint. Otherwise all images
    have the same noise, which belongs to the weights: a latent vector then always
    gives the same image.

    Args:
        seed: Of the random stream. Default: drawn from Keras's global seed.

    Example:
        >>> Noise()(tf.ones((2, 4, 4, 3)), training=True).shape
        TensorShape([2, 4, 4, 3])
    """

    def __init__(self, seed: int | None = None, **options):
        super().__init__(**options)
        self.seed, self.stream = seed, keras.random.SeedGenerator(seed)

    def build(self, input_shape):
        self.strength = self.add_weight(shape=(), initializer="zeros", name="strength")
        self.constant = self.add_weight(
            shape=(*input_shape[1:3], 1),
            initializer=keras.initializers.RandomNormal(stddev=1.0),
            trainable=False,
            name="constant",
        )

    def call(self, inputs, training=False):
        noise = self.constant
        if training:
            shape = tf.shape(inputs[..., :1])  # (B, H, W, 1)
            noise = replicas.draw(keras.random.normal, shape, seed=self.stream)
        noise = tf.cast(self.strength, inputs.dtype) * tf.cast(noise, inputs.dtype)
        return inputs + noise

    def as_stock(self, inputs: keras.KerasTensor) -> keras.KerasTensor:
        """Add the noise of sampling as a constant."""
        return ops.add(inputs, self.strength.numpy() * self.constant.numpy())

    def compute_output_shape(self, input_shape):
        return input_shape

    def get_config(self):
        return {**super().get_config(), "seed": self.seed}


@keras.saving.register_keras_serializable("gan")
class LearnedConstant(layers.Layer):
    """One learned feature map for all images (Karras et al. 2019, section 2).

    Args:
        shape: (H, W, C) of the feature map, which starts as normal numbers.

    Example:
        >>> LearnedConstant((4, 4, 8))(tf.ones((2, 16))).shape  # only the batch size counts
        TensorShape([2, 4, 4, 8])
    """

    def __init__(self, shape: tuple[int, int, int], **options):
        super().__init__(**options)
        self.shape = tuple(shape)

    def build(self, input_shape):
        self.constant = self.add_weight(
            shape=self.shape,
            initializer=keras.initializers.RandomNormal(stddev=1.0),
            name="constant",
        )

    def call(self, inputs):
        return tf.tile(tf.cast(self.constant, inputs.dtype)[None], (tf.shape(inputs)[0], 1, 1, 1))

    def as_stock(self, inputs: keras.KerasTensor) -> keras.KerasTensor:
        """Add the constant to zeros of the batch size."""
        zeros = ops.reshape(ops.zeros_like(inputs[:, :1]), (-1, 1, 1, 1))
        return ops.add(zeros, self.constant.numpy())

    def compute_output_shape(self, input_shape):
        return (input_shape[0], *self.shape)

    def get_config(self):
        return {**super().get_config(), "shape": self.shape}


def _everywhere(channels: tf.Tensor) -> tf.Tensor:
    return channels[:, None, None, :]  # (B, 1, 1, C)


def _everywhere_symbolic(channels: keras.KerasTensor) -> Any:
    return ops.reshape(channels, (-1, 1, 1, channels.shape[-1]))
