"""Losses as pure functions: logits or features in, one value per example out.

The caller reduces. An adversarial loss is a pair of functions that take the
discriminator's logits by keyword, `real` and `fake`, each of shape (B,).
"""

from collections.abc import Callable

import tensorflow as tf


@tf.custom_gradient
def _moments(features: tf.Tensor) -> tuple[tuple[tf.Tensor, tf.Tensor], Callable[..., tf.Tensor]]:
    """Mean and second moment of (B, H, W, C) over B, H and W.

    The gradient is written out: one 1x1 convolution, which a processor does
    several times faster than the two products of automatic differentiation.
    """
    flat = tf.reshape(features, (-1, features.shape[-1]))  # (BHW, C)
    count = tf.cast(tf.shape(flat)[0], tf.float32)
    # The sum as a product: it adds up in float32 even where `flat` is bfloat16.
    total = tf.matmul(tf.ones_like(flat[:, :1]), flat, transpose_a=True)[0]  # (C,)
    second = tf.matmul(flat, flat, transpose_a=True)  # (C, C)

    def gradient(mean_upstream: tf.Tensor, second_upstream: tf.Tensor) -> tf.Tensor:
        both = (second_upstream + tf.transpose(second_upstream)) / count
        kernel = tf.cast(both, features.dtype)[None, None]  # (1, 1, C, C)
        product = tf.nn.conv2d(features, kernel, 1, "VALID")
        return tf.nn.bias_add(product, tf.cast(mean_upstream / count, features.dtype))

    return (tf.cast(total, tf.float32) / count, tf.cast(second, tf.float32) / count), gradient
