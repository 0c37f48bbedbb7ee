"""The embedded extractor: a small student of VGG-19, and how its features are read.

experiments/distill_extractor.py trains it; weights/CARD.md says with what, and
how well it learned.
"""

from collections.abc import Callable

import tensorflow as tf


def cells(image: tf.Tensor, dtype: tf.DType) -> tf.Tensor:
    """Four pixels as one place, with a border: (B, H, W, 3) to (B, H/2 + 2, W/2 + 2, 12).

    Compiled both ways: one pass over the picture instead of four. XLA is slow at
    the gradient of `repeat_border`, so that is written out.
    """

    @tf.custom_gradient
    def arrange(image: tf.Tensor) -> tf.Tensor:
        return _arrange(image, dtype), _arrange_gradient

    return arrange(_to_even(image))


@tf.function(jit_compile=True)
def _arrange(image: tf.Tensor, dtype: tf.DType) -> tf.Tensor:
    return repeat_border(tf.nn.space_to_depth(tf.cast(image - 0.45, dtype), 2))


@tf.function(jit_compile=True)
def _arrange_gradient(upstream: tf.Tensor) -> tf.Tensor:
    cells = tf.cast(upstream, tf.float32)
    for axis in (1, 2):
        sizes = [1, 1, cells.shape[axis] - 4, 1, 1]
        before, first, middle, last, after = tf.split(cells, sizes, axis)
        cells = tf.concat([before + first, middle, last + after], axis)
    return tf.nn.depth_to_space(cells, 2)


@tf.custom_gradient
def max_pool(values: tf.Tensor) -> tuple[tf.Tensor, Callable[[tf.Tensor], tf.Tensor]]:
    """The maximum of every 2x2 places of (B, H, W, C); odd sides count their last one alone.

    Equal maxima share the gradient; TensorFlow gives it to one of them. It is
    written out because TensorFlow finds its fast kernel in a loop only by
    chance, and takes twenty times as long without.
    """
    result = tf.nn.max_pool2d(values, 2, 2, "SAME")
    return result, lambda upstream: _max_pool_gradient(upstream, values, result)


@tf.function(jit_compile=True)
def _max_pool_gradient(upstream: tf.Tensor, values: tf.Tensor, result: tf.Tensor) -> tf.Tensor:
    _, height, width, channels = values.shape
    _, rows, columns, _ = result.shape
    odd = [[0, 0], [0, height % 2], [0, width % 2], [0, 0]]
    cells = tf.pad(values, odd, constant_values=values.dtype.min)
    cells = tf.reshape(cells, (-1, rows, 2, columns, 2, channels))
    top = tf.reshape(result, (-1, rows, 1, columns, 1, channels))
    highest = tf.cast(cells == top, tf.float32)
    count = sum(highest[:, :, y : y + 1, :, x : x + 1] for y in range(2) for x in range(2))
    shared = tf.cast(tf.reshape(upstream, (-1, rows, 1, columns, 1, channels)), tf.float32) / count
    gradient = tf.cast(highest * shared, values.dtype)
    gradient = tf.reshape(gradient, (-1, 2 * rows, 2 * columns, channels))
    return gradient[:, :height, :width]


def repeat_border(values: tf.Tensor) -> tf.Tensor:
    """(B, H, W, C) with its outermost pixels repeated once: (B, H + 2, W + 2, C)."""
    return tf.pad(values, [[0, 0], [1, 1], [1, 1], [0, 0]], "SYMMETRIC")


def _to_even(image: tf.Tensor) -> tf.Tensor:
    """Repeats the last row or column of an odd side."""
    _, height, width, _ = image.shape
    return tf.pad(image, [[0, 0], [0, height % 2], [0, width % 2], [0, 0]], "SYMMETRIC")
