"""Lazy regularization: a term of a loss that is computed once in several updates.

Karras et al. 2020, Analyzing and Improving the Image Quality of StyleGAN, appendix B.
"""

from collections.abc import Callable

import keras
import tensorflow as tf

Term = Callable[[], tuple[tf.Tensor, tf.Tensor]]


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
    term: Term,
    interval: int,
    network: keras.Model,
    optimizer: keras.optimizers.Optimizer,
) -> tuple[tf.Tensor, tf.Tensor]:
    """Compute a term once in `interval` updates, with `interval` times its weight.

    Its gradient is taken where it is computed, since TensorFlow cannot differentiate
    compiled functions of a branch from outside. A sum that is linear in the variables
    and has this gradient stands for the term.

    Args:
        term: Returns the weighted term and a number to observe, both float32 scalars.
        interval: Updates per term.
        network: The network that is trained.
        optimizer: Its optimizer, which counts the updates and scales the loss.

    Returns:
        What to add to the scaled loss, and the observed number; 0 without the term.

    Example:
        >>> term, _ = lazily(r1, 16, network, optimizer)
        >>> total = optimizer.scale_loss(loss) + term
    """
    if interval == 1:
        loss, observed = term()
        return optimizer.scale_loss(loss), observed
    variables = network.trainable_variables

    def now():
        with tf.GradientTape() as tape:
            loss, observed = term()
            scaled = optimizer.scale_loss(interval * loss)
        sources = [variable.value for variable in variables]
        gradients = tape.gradient(scaled, sources, unconnected_gradients="zero")
        return [observed, *(tf.convert_to_tensor(gradient) for gradient in gradients)]

    def later():
        return [tf.constant(0.0), *(tf.zeros(each.shape, each.dtype) for each in variables)]

    observed, *gradients = tf.cond(is_due(optimizer, interval), now, later)
    pairs = zip(gradients, variables, strict=True)
    parts = [tf.reduce_sum(tf.stop_gradient(gradient) * each.value) for gradient, each in pairs]
    return tf.add_n(parts), observed
