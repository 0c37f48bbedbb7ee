"""First and second moments of feature maps, with a gradient of one convolution."""

from collections.abc import Callable

import tensorflow as tf

Pair = tuple[tf.Tensor, tf.Tensor]


def plain_moments(features: tf.Tensor, weights: tf.Tensor | None = None) -> Pair:
    """Compute the first and second moment of a feature map, without a gradient by hand.

    Args:
        features: (B, H, W, C).
        weights: (1, H, W) float32, at least 0, of every place; equal by default.

    Returns:
        E[f], (B, C), and E[f f^T], (B, C, C), over the H W places, float32. With
        weights, sum w f / sum w and sum w f f^T / sum w.
    """
    features = tf.cast(features, tf.float32)
    if weights is not None:
        total, weighted = tf.reduce_sum(weights), weights[..., None] * features
        mean = tf.reduce_sum(weighted, axis=(1, 2)) / total
        return mean, tf.einsum("bhwi,bhwj->bij", weighted, features) / total
    count = tf.cast(tf.shape(features)[1] * tf.shape(features)[2], tf.float32)
    mean = tf.reduce_mean(features, axis=(1, 2))  # (B, C)
    return mean, tf.einsum("bhwi,bhwj->bij", features, features) / count  # (B, C, C)


@tf.custom_gradient
def fast_moments(features: tf.Tensor) -> tuple[Pair, Callable[..., tf.Tensor]]:
    """Compute `plain_moments` with a gradient written out.

    The gradient of a single image is one 1x1 convolution, which a processor
    computes several times faster than the two products of automatic
    differentiation.
    """
    channels = features.shape[-1]
    flat = _flatten(features)  # (B, HW, C), or (HW, C) of a single image
    count = tf.cast(tf.shape(flat)[-2], tf.float32)
    # The sum as a product: it adds up in float32 even where `flat` is bfloat16.
    total = tf.matmul(tf.ones_like(flat[..., :1]), flat, transpose_a=True)  # (..., 1, C)
    second = tf.matmul(flat, flat, transpose_a=True)  # (..., C, C)

    def gradient(mean_upstream: tf.Tensor, second_upstream: tf.Tensor) -> tf.Tensor:
        both = (second_upstream + tf.linalg.matrix_transpose(second_upstream)) / count
        kernel = tf.cast(both, features.dtype)  # (B, C, C)
        shift = tf.cast(mean_upstream / count, features.dtype)  # (B, C)
        if features.shape[0] == 1:
            product = tf.nn.conv2d(features, kernel[None], 1, "VALID")
            return tf.nn.bias_add(product, shift[0])
        product = tf.matmul(flat, kernel) + shift[:, None, :]  # (B, HW, C)
        return tf.reshape(product, tf.shape(features))

    mean = tf.reshape(tf.cast(total, tf.float32) / count, (-1, channels))
    return (
        mean,
        tf.reshape(tf.cast(second, tf.float32) / count, (-1, channels, channels)),
    ), gradient


@tf.custom_gradient
def fast_weighted_moments(
    features: tf.Tensor, weights: tf.Tensor
) -> tuple[Pair, Callable[..., tuple[tf.Tensor, None]]]:
    """Compute `plain_moments` with weights and a gradient written out, as `fast_moments` does.

    The weights are constants: they have no gradient. Weights of 1 give the values of
    `fast_moments` to the last bit in float32.
    """
    channels = features.shape[-1]
    flat = _flatten(features)  # (B, HW, C), or (HW, C) of a single image
    total = tf.maximum(tf.reduce_sum(weights), 1e-12)  # of weights of 0, the moments are 0
    column = tf.cast(tf.reshape(weights, (-1, 1)), features.dtype)  # (HW, 1)
    first = tf.matmul(tf.broadcast_to(column, tf.shape(flat[..., :1])), flat, transpose_a=True)
    second = tf.matmul(column * flat, flat, transpose_a=True)  # (..., C, C)

    def gradient(mean_upstream: tf.Tensor, second_upstream: tf.Tensor) -> tuple[tf.Tensor, None]:
        both = (second_upstream + tf.linalg.matrix_transpose(second_upstream)) / total
        kernel = tf.cast(both, features.dtype)  # (B, C, C)
        shift = tf.cast(mean_upstream / total, features.dtype)  # (B, C)
        if features.shape[0] == 1:
            product = tf.nn.conv2d(features, kernel[None], 1, "VALID")
            upstream = tf.nn.bias_add(product, shift[0])
        else:
            upstream = tf.reshape(tf.matmul(flat, kernel) + shift[:, None, :], tf.shape(features))
        return tf.cast(weights, features.dtype)[..., None] * upstream, None

    mean = tf.reshape(tf.cast(first, tf.float32) / total, (-1, channels))
    second = tf.reshape(tf.cast(second, tf.float32) / total, (-1, channels, channels))
    return (mean, second), gradient


def product(left: tf.Tensor, right: tf.Tensor) -> tf.Tensor:
    """Multiply matrices over a batch axis; a single one by the faster kernel without a batch.

    Args:
        left: (B, I, J), or (1, I, J) for the same matrix in every example.
        right: (B, J, K), (1, J, K) or (J, K).

    Returns:
        (B, I, K).
    """
    shared = right.shape.rank == 2
    if left.shape[0] == 1 and (shared or right.shape[0] == 1):
        return (left[0] @ (right if shared else right[0]))[None]
    return left @ right


def _flatten(features: tf.Tensor) -> tf.Tensor:
    channels = features.shape[-1]
    if features.shape[0] == 1:
        return tf.reshape(features, (-1, channels))
    return tf.reshape(features, (tf.shape(features)[0], -1, channels))
