"""Blocks of 2x2 pixels: arranged as channels, and reduced to their maximum."""

from collections.abc import Callable

import tensorflow as tf

CENTER = 0.45  # subtracted from an image in [0, 1], about the mean of photographs


def plain_cells(image: tf.Tensor, dtype: tf.DType) -> tf.Tensor:
    """Arrange blocks of 2x2 pixels as channels, with a border, by stock operations.

    Args:
        image: (B, H, W, 3) float32 in [0, 1]. An odd side repeats its last pixel.
        dtype: Type of the result.

    Returns:
        (B, ceil(H/2) + 2, ceil(W/2) + 2, 12); the outermost blocks are repeated.
    """
    return repeat_border(tf.nn.space_to_depth(tf.cast(_to_even(image) - CENTER, dtype), 2))


def cells(image: tf.Tensor, dtype: tf.DType) -> tf.Tensor:
    """Compute `plain_cells` in one pass over the image instead of four.

    Compiled in both directions. XLA is slow at the gradient of `repeat_border`,
    so that is written out.
    """

    @tf.custom_gradient
    def arrange(image: tf.Tensor) -> tuple[tf.Tensor, Callable[[tf.Tensor], tf.Tensor]]:
        return _arrange(image, dtype), _arrange_gradient

    return arrange(_to_even(image))


@tf.function(jit_compile=True)
def _arrange(image: tf.Tensor, dtype: tf.DType) -> tf.Tensor:
    return repeat_border(tf.nn.space_to_depth(tf.cast(image - CENTER, dtype), 2))


@tf.function(jit_compile=True)
def _arrange_gradient(upstream: tf.Tensor) -> tf.Tensor:
    blocks = tf.cast(upstream, tf.float32)
    for axis in (1, 2):
        sizes = [1, 1, blocks.shape[axis] - 4, 1, 1]
        before, first, middle, last, after = tf.split(blocks, sizes, axis)
        blocks = tf.concat([before + first, middle, last + after], axis)
    return tf.nn.depth_to_space(blocks, 2)


def plain_max_pool(values: tf.Tensor) -> tf.Tensor:
    """Take the maximum of every 2x2 places; an odd side counts its last place alone.

    Args:
        values: (B, H, W, C).

    Returns:
        (B, ceil(H/2), ceil(W/2), C).
    """
    return tf.nn.max_pool2d(values, 2, 2, "SAME")


@tf.custom_gradient
def max_pool(values: tf.Tensor) -> tuple[tf.Tensor, Callable[[tf.Tensor], tf.Tensor]]:
    """Compute `plain_max_pool` with a compiled gradient.

    TensorFlow finds its fast kernel for the gradient in a loop only by chance,
    and takes twenty times as long without. Deviation: equal maxima share the
    gradient; TensorFlow gives it to one of them.
    """
    result = plain_max_pool(values)
    return result, lambda upstream: _max_pool_gradient(upstream, values, result)


@tf.function(jit_compile=True)
def _max_pool_gradient(upstream: tf.Tensor, values: tf.Tensor, result: tf.Tensor) -> tf.Tensor:
    _, height, width, channels = values.shape
    _, rows, columns, _ = result.shape
    odd = [[0, 0], [0, height % 2], [0, width % 2], [0, 0]]
    blocks = tf.pad(values, odd, constant_values=values.dtype.min)
    blocks = tf.reshape(blocks, (-1, rows, 2, columns, 2, channels))
    top = tf.reshape(result, (-1, rows, 1, columns, 1, channels))
    highest = tf.cast(blocks == top, tf.float32)
    count = sum(highest[:, :, y : y + 1, :, x : x + 1] for y in range(2) for x in range(2))
    shared = tf.cast(tf.reshape(upstream, (-1, rows, 1, columns, 1, channels)), tf.float32) / count
    gradient = tf.cast(highest * shared, values.dtype)
    gradient = tf.reshape(gradient, (-1, 2 * rows, 2 * columns, channels))
    return gradient[:, :height, :width]


def repeat_border(values: tf.Tensor) -> tf.Tensor:
    """Repeat the outermost pixels once: (B, H, W, C) to (B, H + 2, W + 2, C)."""
    return tf.pad(values, [[0, 0], [1, 1], [1, 1], [0, 0]], "SYMMETRIC")


def _to_even(image: tf.Tensor) -> tf.Tensor:
    """Repeat the last row or column of an odd side."""
    _, height, width, _ = image.shape
    return tf.pad(image, [[0, 0], [0, height % 2], [0, width % 2], [0, 0]], "SYMMETRIC")
