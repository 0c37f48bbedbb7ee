"""The deviation within groups of images as a feature of a discriminator."""

from typing import Any

import keras
import tensorflow as tf
from keras import layers

from gan.config import NetworkConfig

EPSILON = 1e-8  # inside the root, whose gradient is then finite for equal images


@keras.saving.register_keras_serializable("gan")
class MinibatchDeviation(layers.Layer):
    """Append a channel that tells how much the images of a group differ.

    Karras et al. 2018, section 3: the standard deviation of each activation over the
    images, averaged over activations. A generator whose images resemble each other
    is found out by it. Groups are taken as in Karras et al. 2020, but of
    neighbors in the batch, so that a batch which is split among replicas keeps its
    groups. The last group of a batch may be smaller. Outside of training it is the same:
    the logit of an image depends on its neighbors.

    Args:
        group: Images per group.

    Example:
        >>> features = tf.reshape(tf.constant([1.0, 3.0]), (2, 1, 1, 1))
        >>> MinibatchDeviation(group=2)(features)[..., 1].numpy().ravel()
        array([1., 1.], dtype=float32)
    """

    def __init__(self, group: int = 4, **options):
        super().__init__(**options)
        self.group = group

    def call(self, inputs):
        _, height, width, channels = inputs.shape
        flat = tf.reshape(tf.cast(inputs, tf.float32), (-1, height * width * channels))  # (B, F)
        number = tf.range(tf.shape(flat)[0]) // self.group  # (B,), of each image's group
        same = tf.cast(number[:, None] == number, tf.float32)  # (B, B)
        average = same / tf.reduce_sum(same, axis=1, keepdims=True)  # a matrix: any batch size
        variance = tf.matmul(average, tf.square(flat - tf.matmul(average, flat)))  # (B, F)
        deviation = tf.reduce_mean(tf.sqrt(variance + EPSILON), axis=1)  # (B,)
        channel = tf.cast(deviation, inputs.dtype)[:, None, None, None]
        return tf.concat([inputs, tf.tile(channel, (1, height, width, 1))], axis=-1)

    def compute_output_shape(self, input_shape):
        return (*input_shape[:-1], input_shape[-1] + 1)

    def get_config(self):
        return {**super().get_config(), "group": self.group}


def minibatch_deviation(features: Any, config: NetworkConfig) -> Any:
    """Append the deviation if a configuration asks for it.

    Args:
        features: (B, H, W, C), in a functional model.
        config: `minibatch_deviation` is the size of a group; 0: none.

    Returns:
        (B, H, W, C + 1), or the features themselves.
    """
    group = config.minibatch_deviation
    return MinibatchDeviation(group)(features) if group else features
