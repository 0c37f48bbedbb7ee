"""Smoothness losses: the cost of differences between neighboring pixels."""

from collections.abc import Callable

import tensorflow as tf

from common.fast.smoothness import roughness


def total_variation(image: tf.Tensor) -> tf.Tensor:
    """Compute the mean absolute difference of neighboring pixels, across plus down.

    Rudin et al. 1992, in the anisotropic form. Deviation: means instead of sums,
    so that the value does not depend on the size of the image.

    Args:
        image: (B, H, W, C) float32.

    Returns:
        (B,). Of an image in [0, 1] in [0, 2].

    Example:
        >>> image = tf.constant([[[[0.0], [1.0]], [[0.5], [0.5]]]])
        >>> total_variation(image).numpy()  # across 1 and 0, down 0.5 and -0.5
        array([1.], dtype=float32)
    """
    return roughness(image, degree=1)


def squared_total_variation(image: tf.Tensor) -> tf.Tensor:
    """Compute the mean squared difference of neighboring pixels, across plus down.

    Mahendran and Vedaldi 2015, equation 4, with beta = 2. Deviation: means
    instead of sums.

    Args:
        image: (B, H, W, C) float32.

    Returns:
        (B,).
    """
    return roughness(image, degree=2)


SMOOTHNESS: dict[str, Callable[[tf.Tensor], tf.Tensor]] = {
    "absolute": total_variation,
    "squared": squared_total_variation,
}
