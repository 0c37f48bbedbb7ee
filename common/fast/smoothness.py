"""Differences between neighboring pixels, with a gradient written out and compiled."""

from collections.abc import Callable

import numpy as np
import tensorflow as tf

Transform = Callable[[tf.Tensor], tf.Tensor]
SLOPES: dict[int, Transform] = {1: tf.sign, 2: lambda difference: 2.0 * difference}


def plain_roughness(image: tf.Tensor, degree: int) -> tf.Tensor:
    """Compute the mean of |difference|^degree of neighbors, across plus down.

    Args:
        image: (B, H, W, C). An axis with one pixel has no neighbors and counts 0.
        degree: 1 or 2.

    Returns:
        (B,).
    """
    across, down = image[:, :, 1:] - image[:, :, :-1], image[:, 1:] - image[:, :-1]
    means = [
        tf.reduce_mean(tf.abs(part) ** degree, axis=(1, 2, 3))
        for part in (across, down)
        if 0 not in part.shape[1:3]
    ]
    return tf.add_n(means) if means else tf.zeros_like(image[:, 0, 0, 0])


def roughness(image: tf.Tensor, degree: int) -> tf.Tensor:
    """Compute `plain_roughness`; of a single image in half the time.

    A cost |difference|^degree is homogeneous, so the gradient also yields the
    value: degree times the value is the product of image and gradient (Euler's
    theorem). The gradient is written out and compiled.
    """
    return _single(image, degree) if image.shape[0] == 1 else plain_roughness(image, degree)


def _single(image: tf.Tensor, degree: int) -> tf.Tensor:
    row = image.shape[2] * image.shape[3]

    @tf.custom_gradient
    def loss(image: tf.Tensor) -> tuple[tf.Tensor, Transform]:
        flat = tf.reshape(image, (-1,))
        # outside the compiled part, where XLA computes the place of every number
        extended = tf.concat([flat[:row], flat, flat[-row:]], axis=0)
        gradient = tf.reshape(_slopes(extended, tuple(image.shape), degree), image.shape)
        value = tf.reduce_sum(image * gradient) / degree
        return value[None], lambda upstream: upstream * gradient

    return loss(image)


@tf.function(jit_compile=True)
def _slopes(extended: tf.Tensor, shape: tuple[int, ...], degree: int) -> tf.Tensor:
    """Compute the gradient of `plain_roughness`, (H, W C).

    All neighbors are slices of one long vector. The end of a row has a number of
    another row for a neighbor; its weight is zero.

    Args:
        extended: (H W C + 2 W C,), the image with its first and last row repeated.
        shape: (1, H, W, C) of the image.
        degree: 1 or 2.
    """
    _, height, width, channels = shape
    row, count = width * channels, height * width * channels
    slope = SLOPES[degree]

    def moved(by: int) -> tf.Tensor:
        return tf.reshape(extended[row + by : row + by + count], (height, row))

    across = np.full((1, row), 1.0 / max(1, height * (width - 1) * channels), np.float32)
    to_left, to_right = across.copy(), across.copy()
    to_left[:, :channels] = to_right[:, -channels:] = 0.0
    down = 1.0 / max(1, (height - 1) * row)
    here = moved(0)
    gradient = slope(here - moved(-channels)) * to_left - slope(moved(channels) - here) * to_right
    return gradient + (slope(here - moved(-row)) - slope(moved(row) - here)) * down
