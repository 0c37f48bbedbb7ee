"""Lazy regularization: a term of a loss that is computed once in several updates.

Karras et al. 2020, Analyzing and Improving the Image Quality of StyleGAN, appendix B.
"""

from collections.abc import Callable

import keras
import tensorflow as tf


def is_due(optimizer: keras.optimizers.Optimizer, interval: int) -> tf.Tensor:
    """Return whether the next update of an optimizer is one with the term.

    Args:
        optimizer: Of the network; it counts the updates.
        interval: Updates per term.

    Returns:
        A bool scalar.
    """
    return tf.equal(optimizer.iterations.value % interval, 0)


def lazily(
    term: Callable[[], tf.Tensor], interval: int, optimizer: keras.optimizers.Optimizer
) -> tf.Tensor:
    """Compute a term once in `interval` updates, times `interval`; otherwise return 0.

    Args:
        term: Returns a scalar.
        interval: Updates per term.
        optimizer: Of the network; it counts the updates.

    Example:
        >>> penalty = lazily(lambda: tf.reduce_mean(r1), 16, gan.discriminator_optimizer)
    """
    if interval == 1:
        return term()
    return tf.cond(is_due(optimizer, interval), lambda: interval * term(), lambda: tf.constant(0.0))
