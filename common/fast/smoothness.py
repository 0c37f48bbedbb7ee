"""Losses as pure functions: logits or features in, one value per example out.

The caller reduces. An adversarial loss is a pair of functions that take the
discriminator's logits by keyword, `real` and `fake`, each of shape (B,).
"""

from collections.abc import Callable

import numpy as np
import tensorflow as tf

Transform = Callable[[tf.Tensor], tf.Tensor]


def _roughness(image: tf.Tensor, slope: Transform, degree: int) -> tf.Tensor:
    """The mean cost of the differences of neighbours, across plus down, of (1, H, W, C).

    The cost is |difference|^degree, so that the gradient tells the value as well
    (Euler's theorem on homogeneous functions: degree times the value is the
    product of picture and gradient). It is written out and compiled: half the
    time of automatic differentiation.

    Args:
        slope: the derivative of the cost of a difference, 0 at 0.
    """
    row = image.shape[2] * image.shape[3]

    @tf.custom_gradient
    def loss(image: tf.Tensor) -> tuple[tf.Tensor, Transform]:
        flat = tf.reshape(image, (-1,))
        # not in the compiled part, which would look up every number's place one by one
        extended = tf.concat([flat[:row], flat, flat[-row:]], axis=0)
        gradient = tf.reshape(_slopes(extended, tuple(image.shape), slope), image.shape)
        value = tf.reduce_sum(image * gradient) / degree
        return value, lambda upstream: upstream * gradient

    return loss(image)


@tf.function(jit_compile=True)
def _slopes(extended: tf.Tensor, shape: tuple[int, ...], slope: Transform) -> tf.Tensor:
    """The gradient of `_roughness`, (H, W C).

    All neighbours are slices of one long vector. What a row's end then takes for
    a neighbour, a number of another row, has no weight.

    Args:
        extended: (H W C + 2 W C,), the picture with its first and last row once more.
        shape: of the picture, (1, H, W, C).
    """
    _, height, width, channels = shape
    row, count = width * channels, height * width * channels

    def moved(by: int) -> tf.Tensor:
        return tf.reshape(extended[row + by : row + by + count], (height, row))

    across = np.full((1, row), 1.0 / max(1, height * (width - 1) * channels), np.float32)
    to_left, to_right = across.copy(), across.copy()
    to_left[:, :channels] = to_right[:, -channels:] = 0.0
    down = 1.0 / max(1, (height - 1) * row)
    here = moved(0)
    gradient = slope(here - moved(-channels)) * to_left - slope(moved(channels) - here) * to_right
    return gradient + (slope(here - moved(-row)) - slope(moved(row) - here)) * down
