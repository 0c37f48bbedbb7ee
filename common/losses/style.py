"""Losses as pure functions: logits or features in, one value per example out.

The caller reduces. An adversarial loss is a pair of functions that take the
discriminator's logits by keyword, `real` and `fake`, each of shape (B,).
"""

from collections.abc import Callable
from typing import NamedTuple

import tensorflow as tf

from common.fast.moments import _moments


class Moments(NamedTuple):
    """What a layer knows of a picture once the places are forgotten.

    Attributes:
        mean: E[f], (C,) float32.
        second: E[f f^T], (C, C) float32: the Gram matrix divided by the number of places.
    """

    mean: tf.Tensor
    second: tf.Tensor

    def covariance(self) -> tf.Tensor:
        """E[f f^T] - E[f] E[f]^T, (C, C)."""
        return self.second - self.mean[:, None] * self.mean[None, :]


def moments(features: tf.Tensor) -> Moments:
    """The moments of (B, H, W, C) over all places and pictures.

    Deviation from Gatys et al. 2016, equation 3: the mean instead of the sum,
    so that a value means the same at every size.
    """
    return Moments(*_moments(features))


def gram_distance(value: Moments, target: Moments) -> tf.Tensor:
    """|G - G*|^2 / |G*|^2, Frobenius norms: Gatys et al. 2016, equation 4.

    Deviation: divided by the target's own squared norm instead of 4 N^2 M^2, so
    that layers, extractors and styles weigh alike.
    """
    return gram_to(target)(value)


def wasserstein_distance(value: Moments, target: Moments) -> tf.Tensor:
    """The squared Wasserstein-2 distance of two Gaussians over E*|f|^2.

    |m - m*|^2 + tr(S + S* - 2 (S*^1/2 S S*^1/2)^1/2), Dowson and Landau 1982,
    equation 16, divided by the trace of the target's second moment.
    """
    return wasserstein_to(target)(value)


def gram_to(target: Moments) -> Callable[[Moments], tf.Tensor]:
    """`gram_distance` to a frozen target, whose own part is computed here, once."""
    size = _positive(tf.reduce_sum(tf.square(target.second)))
    return lambda value: tf.reduce_sum(tf.square(value.second - target.second)) / size


def wasserstein_to(target: Moments) -> Callable[[Moments], tf.Tensor]:
    """`wasserstein_distance` to a frozen target, whose root is taken here, once."""
    root = symmetric_root(target.covariance())
    own_spread = tf.linalg.trace(target.covariance())
    size = _positive(tf.linalg.trace(target.second))

    def distance(value: Moments) -> tf.Tensor:
        covariance = value.covariance()
        spread = tf.linalg.trace(covariance) + own_spread
        shift = tf.reduce_sum(tf.square(value.mean - target.mean))
        return (shift + spread - 2.0 * trace_of_root(root @ covariance @ root)) / size

    return distance


def symmetric_root(matrix: tf.Tensor) -> tf.Tensor:
    """The positive square root of a positive semi-definite (C, C) matrix, without a gradient."""
    values, vectors = tf.linalg.eigh(tf.stop_gradient(matrix))
    return (vectors * tf.sqrt(tf.maximum(values, 0.0))) @ tf.transpose(vectors)


@tf.custom_gradient
def trace_of_root(matrix: tf.Tensor) -> tuple[tf.Tensor, Callable[[tf.Tensor], tf.Tensor]]:
    """The trace of the square root of a positive semi-definite (C, C) matrix.

    By coupled Newton-Schulz iterations (Higham 2008, equation 6.35), which
    yield the root and its inverse; half the inverse is the gradient, so none of
    the iterations is kept. Deviation: a millionth of the norm is added to the
    diagonal, as the inverse of a singular root has no end.
    """
    size = matrix.shape[-1]
    identity = tf.eye(size)
    norm = _positive(tf.norm(matrix))
    root = matrix / norm + 1e-6 * identity
    inverse = identity
    for _ in range(NEWTON_SCHULZ_STEPS):
        step = 1.5 * identity - 0.5 * inverse @ root
        root, inverse = root @ step, step @ inverse

    def gradient(upstream: tf.Tensor) -> tf.Tensor:
        return upstream * 0.5 * tf.transpose(inverse) / tf.sqrt(norm)

    return tf.linalg.trace(root) * tf.sqrt(norm), gradient


NEWTON_SCHULZ_STEPS = 16  # each multiplies the smallest eigenvalues by 2.25 until they arrive

STYLE: dict[str, Callable[[Moments], Callable[[Moments], tf.Tensor]]] = {
    "gram": gram_to,
    "wasserstein": wasserstein_to,
}


def _positive(value: tf.Tensor) -> tf.Tensor:
    """A divisor that a black or flat target does not turn to zero."""
    return tf.maximum(value, 1e-12)
