"""Pooling by a smooth average, compiled in both directions."""

from collections.abc import Callable

import tensorflow as tf

TAPS = (1.0, 3.0, 3.0, 1.0)  # over 8, along each axis
SMALL = 2**18  # activations; fewer are pooled sooner than a graph is compiled for them


def plain_blur_pool(values: tf.Tensor) -> tf.Tensor:
    """Average every 4x4 places with the weights 1, 3, 3, 1 along each axis, at a stride of 2.

    Zhang 2019, Making Convolutional Networks Shift-Invariant Again, section 3.2.
    Its gradient is a linear interpolation, so that every place counts equally; that
    of a 2x2 average is made of blocks, which show in an image that is optimized.

    Args:
        values: (B, H, W, C). The border is repeated.

    Returns:
        (B, ceil(H/2), ceil(W/2), C).

    Example:
        >>> plain_blur_pool(tf.ones((1, 5, 8, 2))).shape
        TensorShape([1, 3, 4, 2])
    """
    _, height, width, channels = values.shape
    odd = [[0, 0], [0, height % 2], [0, width % 2], [0, 0]]
    values = tf.pad(tf.pad(values, odd, "SYMMETRIC"), [[0, 0], [1, 1], [1, 1], [0, 0]], "SYMMETRIC")
    taps = tf.constant(TAPS) / 8.0
    kernel = tf.tile((taps[:, None] * taps)[:, :, None, None], [1, 1, channels, 1])
    kernel = tf.cast(kernel, values.dtype)  # (4, 4, C, 1)
    return tf.nn.depthwise_conv2d(values, kernel, [1, 2, 2, 1], "VALID")


def blur_pool(values: tf.Tensor) -> tf.Tensor:
    """Compute `plain_blur_pool`, for large maps without a depthwise convolution, which is slow."""
    _, height, width, channels = values.shape
    small = height * width * channels < SMALL
    return plain_blur_pool(values) if small else compiled_blur_pool(values)


@tf.custom_gradient
def compiled_blur_pool(
    values: tf.Tensor,
) -> tuple[tf.Tensor, Callable[[tf.Tensor], tf.Tensor]]:
    """Compute `plain_blur_pool` in one pass in either direction."""
    _, height, width, _ = values.shape
    return _pool(values), lambda upstream: _gradient(upstream, height, width)


@tf.function(jit_compile=True)
def _pool(values: tf.Tensor) -> tf.Tensor:
    for axis in (1, 2):
        values = _even(values, axis)
        first, second = _split(values, axis)
        before, after = _shifted(second, axis, -1, first), _shifted(first, axis, 1, second)
        values = (before + 3.0 * first + 3.0 * second + after) / 8.0
    return values


@tf.function(jit_compile=True)
def _gradient(upstream: tf.Tensor, height: int, width: int) -> tf.Tensor:
    for axis, size in ((2, width), (1, height)):
        first = (3.0 * upstream + _shifted(upstream, axis, -1, upstream)) / 8.0
        second = (3.0 * upstream + _shifted(upstream, axis, 1, upstream)) / 8.0
        shape = list(upstream.shape)
        shape[axis] *= 2
        shape[0] = -1
        whole = tf.reshape(tf.stack([first, second], axis=axis + 1), shape)
        if size % 2:  # the last place was repeated
            kept, last, repeated = tf.split(whole, [size - 1, 1, 1], axis)
            whole = tf.concat([kept, last + repeated], axis)
        upstream = whole
    return upstream


def _even(values: tf.Tensor, axis: int) -> tf.Tensor:
    paddings = [[0, 0] for _ in values.shape]
    paddings[axis][1] = values.shape[axis] % 2
    return tf.pad(values, paddings, "SYMMETRIC")


def _split(values: tf.Tensor, axis: int) -> tuple[tf.Tensor, tf.Tensor]:
    """The first and the second of every two places along an axis."""
    shape = list(values.shape)
    shape[0] = -1
    pairs = tf.reshape(values, [*shape[:axis], shape[axis] // 2, 2, *shape[axis + 1 :]])
    first, second = tf.unstack(pairs, axis=axis + 1)
    return first, second


def _shifted(values: tf.Tensor, axis: int, by: int, border: tf.Tensor) -> tf.Tensor:
    """The neighbor before (-1) or behind (1) of every place; at the border, that of `border`."""
    count = values.shape[axis]
    if by < 0:
        kept, _ = tf.split(values, [count - 1, 1], axis)
        edge, _ = tf.split(border, [1, count - 1], axis)
        return tf.concat([edge, kept], axis)
    _, kept = tf.split(values, [1, count - 1], axis)
    _, edge = tf.split(border, [count - 1, 1], axis)
    return tf.concat([kept, edge], axis)
