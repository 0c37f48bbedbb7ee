"""First and second moments of feature maps, with a gradient of one convolution."""

from collections.abc import Callable

import tensorflow as tf

Pair = tuple[tf.Tensor, tf.Tensor]


def plain_moments(features: tf.Tensor) -> Pair:
    """Compute the first and second moment of a feature map, without a gradient by hand.

    Args:
        features: (B, H, W, C).

    Returns:
        E[f], (B, C), and E[f f^T], (B, C, C), over the H W places, float32.
    """
    features = tf.cast(features, tf.float32)
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
