"""Losses as pure functions: logits or features in, one value per example out.

The caller reduces. An adversarial loss is a pair of functions that take the
discriminator's logits by keyword, `real` and `fake`, each of shape (B,).
"""

from collections.abc import Callable

import tensorflow as tf

from common.fast.smoothness import _roughness


def total_variation(image: tf.Tensor) -> tf.Tensor:
    """The mean absolute difference of neighbours, across plus down, of (1, H, W, C).

    Rudin et al. 1992, in the anisotropic form.
    """
    return _roughness(image, tf.sign, degree=1)


def squared_total_variation(image: tf.Tensor) -> tf.Tensor:
    """The mean squared difference of neighbours: Mahendran and Vedaldi 2015, equation 4, beta 2."""
    return _roughness(image, _double, degree=2)


def _double(values: tf.Tensor) -> tf.Tensor:
    return 2.0 * values


SMOOTHNESS: dict[str, Callable[[tf.Tensor], tf.Tensor]] = {
    "absolute": total_variation,
    "squared": squared_total_variation,
}
