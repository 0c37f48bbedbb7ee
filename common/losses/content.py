"""Content losses: distances between the activations of two images at the same places.

A content loss is a factory, as in `common.losses.style`: it takes the features
of the content image and returns a function from the features of an image of the
same size to one value per example.
"""

from collections.abc import Callable

import tensorflow as tf

from common.fast.subtract import subtract
from common.losses.feature_map import FeatureMap, moments, positive

ContentLoss = Callable[[FeatureMap], tf.Tensor]


def squared_distance(value: tf.Tensor, target: tf.Tensor) -> tf.Tensor:
    """Compute mean((f - f*)^2) / mean(f*^2): Gatys et al. 2016, equation 1.

    Deviation: divided by the target's mean square instead of 2, so that the value
    does not depend on the size of the image or the scale of the layer.

    Args:
        value: (B, H, W, C).
        target: The same shape.

    Returns:
        (B,) float32.

    Example:
        >>> squared_distance(tf.zeros((1, 4, 4, 2)), tf.ones((1, 4, 4, 2))).numpy()
        array([1.], dtype=float32)
    """
    value, target = tf.cast(value, tf.float32), tf.cast(target, tf.float32)
    return _mean(tf.square(value - target)) / positive(_mean(tf.square(target)))


def huber_distance(value: tf.Tensor, target: tf.Tensor) -> tf.Tensor:
    """Compute `squared_distance`, but linear beyond one root mean square of the target.

    Huber 1964, times 2. The few places where a stroke must replace the content
    cost less.

    Args:
        value: (B, H, W, C).
        target: The same shape.

    Returns:
        (B,) float32.
    """
    value, target = tf.cast(value, tf.float32), tf.cast(target, tf.float32)
    unit = tf.sqrt(positive(_mean(tf.square(target))))
    error = tf.abs(value - target) / unit[:, None, None, None]
    return _mean(tf.where(error < 1.0, tf.square(error), 2.0 * error - 1.0))


def squared(target: FeatureMap) -> ContentLoss:
    """Compare activations by `squared_distance`.

    Through a head this is a form on the second moment of the difference, without
    the wide activations: the mean over p of |d @ head[:, p]|^2 is the trace of
    E[d d^T] E_p[head head^T]. The head's constant row cancels.

    Args:
        target: Features of the content image.

    Returns:
        A function of the features of an image of the same size, to (B,).
    """
    if target.head is None:
        return lambda value: squared_distance(value.values, target.values)
    rows = target.head[:-1]  # (C, P, T)
    form = tf.einsum("cpt,dpt->cd", rows, rows) / rows.shape[1]
    size = positive(tf.linalg.trace(target.moments().second))  # (1,)

    def loss(value: FeatureMap) -> tf.Tensor:
        second = moments(subtract(value.values, target.values)).second  # (B, C, C)
        return tf.reduce_sum(form * second, axis=(1, 2)) / size

    return loss


def huber(target: FeatureMap) -> ContentLoss:
    """Compare activations by `huber_distance`.

    Args:
        target: Features of the content image.

    Returns:
        A function of the features of an image of the same size, to (B,).
    """
    expanded = target.expanded()
    return lambda value: huber_distance(value.expanded(), expanded)


CONTENT: dict[str, Callable[[FeatureMap], ContentLoss]] = {
    "squared": squared,
    "huber": huber,
}


def _mean(values: tf.Tensor) -> tf.Tensor:
    """The mean of each example, (B,); 0 of an empty one."""
    axes = list(range(1, values.shape.rank))
    count = max(1, values.shape[1:].num_elements())
    return tf.reduce_sum(values, axis=axes) / count
