"""What losses read of a layer: activations, and their moments over its places."""

from collections.abc import Callable
from typing import NamedTuple, Protocol

import tensorflow as tf

from common.fast.moments import fast_moments, fast_weighted_moments


class Moments(NamedTuple):
    """First and second moment of a feature map over its places.

    Attributes:
        mean: E[f], (B, C) float32.
        second: E[f f^T], (B, C, C) float32: the Gram matrix.
    """

    mean: tf.Tensor
    second: tf.Tensor

    def covariance(self) -> tf.Tensor:
        """Compute E[f f^T] - E[f] E[f]^T, (B, C, C)."""
        return self.second - self.mean[:, :, None] * self.mean[:, None, :]


class FeatureMap(Protocol):
    """What a loss can read of one layer; `common.extractors.compact.Features` is one.

    Attributes:
        values: The extractor's channels, (B, H, W, C).
        head: (C + 1, P, T), a linear map from these to the layer's T channels at
            P places each; None if `values` are the layer's channels.
        weights: Of every place, (1, H, W) float32, at least 0; None if equal.
    """

    values: tf.Tensor
    head: tf.Tensor | None
    weights: tf.Tensor | None

    def moments(self) -> Moments:
        """Return the moments of the layer's channels."""

    def expanded(self) -> tf.Tensor:
        """Return the layer's activations, (B, H, W, P T)."""


StyleLoss = Callable[[FeatureMap], tf.Tensor]


def moments(features: tf.Tensor, weights: tf.Tensor | None = None) -> Moments:
    """Compute the first and second moment of a feature map.

    Args:
        features: (B, H, W, C), float32 or bfloat16.
        weights: Of every place, (1, H, W) float32, at least 0; equal by default.

    Returns:
        Means over the H W places, float32; with weights, sum w f / sum w and
        sum w f f^T / sum w.

    Example:
        >>> moments(tf.ones((1, 4, 4, 2))).second.shape
        TensorShape([1, 2, 2])
    """
    if weights is not None:
        return Moments(*fast_weighted_moments(features, weights))
    return Moments(*fast_moments(features))


def positive(value: tf.Tensor) -> tf.Tensor:
    """Keep a divisor above 0, also for a black or flat target."""
    return tf.maximum(value, 1e-12)
