"""Losses as pure functions: logits or features in, one value per example out.

The caller reduces. An adversarial loss is a pair of functions that take the
discriminator's logits by keyword, `real` and `fake`, each of shape (B,).
"""

import tensorflow as tf

from common.losses.style import _positive


def squared_distance(value: tf.Tensor, target: tf.Tensor) -> tf.Tensor:
    """mean((f - f*)^2) / mean(f*^2): Gatys et al. 2016, equation 1.

    Deviation: divided by the target's mean square instead of 2.
    """
    value, target = tf.cast(value, tf.float32), tf.cast(target, tf.float32)
    return _mean(tf.square(value - target)) / _positive(_mean(tf.square(target)))


def huber_distance(value: tf.Tensor, target: tf.Tensor) -> tf.Tensor:
    """As `squared_distance`, but linear beyond one root mean square of the target.

    Huber 1964, times 2. Forgives the few places where a stroke must replace the
    content.
    """
    value, target = tf.cast(value, tf.float32), tf.cast(target, tf.float32)
    unit = tf.sqrt(_positive(_mean(tf.square(target))))
    error = tf.abs(value - target) / unit
    return _mean(tf.where(error < 1.0, tf.square(error), 2.0 * error - 1.0))


def _mean(values: tf.Tensor) -> tf.Tensor:
    """The mean, and 0 of nothing."""
    return tf.reduce_sum(values) / max(1, values.shape.num_elements())
