"""Strided convolutions, their transposes and gradients, in the fastest form for each shape.

The plain forms are `tf.nn.conv2d`, `tf.nn.conv2d_transpose` and their gradients.

On a CPU with bfloat16, oneDNN is slow for few pixels with many channels. There the
same sums are computed as matrix products over windows, or, for the gradient of a
kernel, as another convolution. It is also slow for transposed convolutions to the
one or three channels of an image: these compute all channels of a cell of pixels
at once instead.
"""

import numpy as np
import tensorflow as tf

FEW_PIXELS = 4  # sides of the output up to which products over windows are faster,
MANY_WEIGHTS = 2**20  # if the kernel has at least as many numbers
FEW_CHANNELS = {tf.bfloat16: 1, tf.float32: 4}  # of the output, up to which cells are faster
SMALL_SIDE = 8  # of the output, up to which a kernel's gradient is faster as a convolution,
MANY_CHANNELS = 64  # if the inputs have at least as many,
LARGEST_WINDOW = 7  # through windows of at most as many pixels a side
Size = tuple[int, int]
"""(height, width)."""


def convolve(inputs: tf.Tensor, kernel: tf.Tensor, stride: int, padding: str) -> tf.Tensor:
    """Compute `tf.nn.conv2d`.

    Args:
        inputs: (B, H, W, C).
        kernel: (k, k, C, D).
        stride: Pixels.
        padding: "SAME" or "VALID".

    Returns:
        (B, h, w, D).

    Example:
        >>> convolve(tf.ones((2, 16, 16, 3)), tf.ones((4, 4, 3, 8)), 2, "SAME").shape
        TensorShape([2, 8, 8, 8])
    """
    size = _size(inputs)

    @tf.custom_gradient
    def differentiable(inputs, kernel):
        outputs, windows = _to_outputs(inputs, kernel, stride, padding)

        def gradient(upstream):
            return (
                _to_inputs(upstream, kernel, size, stride, padding),
                kernel_gradient(inputs, upstream, kernel.shape, stride, padding, windows),
            )

        return outputs, gradient

    return differentiable(inputs, kernel)


def convolve_transposed(
    inputs: tf.Tensor, kernel: tf.Tensor, size: Size, stride: int, padding: str
) -> tf.Tensor:
    """Compute `tf.nn.conv2d_transpose`, the input gradient of `convolve`.

    Args:
        inputs: (B, h, w, D).
        kernel: (k, k, C, D).
        size: Height and width of the outputs, in pixels.
        stride: Pixels.
        padding: "SAME" or "VALID", of the convolution that this transposes.

    Returns:
        (B, H, W, C).

    Example:
        >>> inputs, kernel = tf.ones((2, 8, 4, 8)), tf.ones((4, 4, 3, 8))
        >>> convolve_transposed(inputs, kernel, (16, 8), 2, "SAME").shape
        TensorShape([2, 16, 8, 3])
    """

    @tf.custom_gradient
    def differentiable(inputs, kernel):
        def gradient(upstream):
            outputs, windows = _to_outputs(upstream, kernel, stride, padding)
            return (
                outputs,
                kernel_gradient(upstream, inputs, kernel.shape, stride, padding, windows),
            )

        return _to_inputs(inputs, kernel, size, stride, padding), gradient

    return differentiable(inputs, kernel)


def _size(images: tf.Tensor) -> Size:
    """Return the height and width of (B, H, W, C)."""
    return images.shape[1], images.shape[2]


def _to_outputs(inputs, kernel, stride: int, padding: str) -> tuple[tf.Tensor, tf.Tensor | None]:
    """Map (B, H, W, C) to (B, h, w, D); return the windows (B h w, k k C), too, if used."""
    size, window = _size(inputs), kernel.shape[0]
    short = 0 if padding == "SAME" else window - 1
    out = tuple(-(-(side - short) // stride) for side in size)
    if not _as_a_product(inputs.dtype, kernel.shape, size, out, stride):
        return tf.nn.conv2d(inputs, kernel, stride, padding), None
    windows = _windows(inputs, window, out, stride)
    # a matrix product, which is a fifth faster in oneDNN if it is written as a convolution
    matrix = tf.reshape(kernel, (1, 1, -1, kernel.shape[-1]))
    outputs = tf.nn.conv2d(windows[None, :, None], matrix, 1, "VALID")
    return tf.reshape(outputs, (-1, *out, kernel.shape[-1])), windows


def _to_inputs(upstream, kernel, size: Size, stride: int, padding: str) -> tf.Tensor:
    """Map (B, h, w, D) to (B, H, W, C), of the given size."""
    out, depth, window = _size(upstream), upstream.shape[-1], kernel.shape[0]
    if _as_cells(upstream.dtype, kernel.shape, size, out, stride):
        rearranged = by_cells(kernel, stride)
        cells = [side - 1 + rearranged.shape[0] for side in out]
        shape = (tf.shape(upstream)[0], *cells, rearranged.shape[2])
        cells = tf.nn.conv2d_transpose(upstream, rearranged, shape, 1, "VALID")
        before = [_margins(*sides, window, stride)[0] for sides in zip(size, out, strict=True)]
        return _from_cells(cells, size=size, before=tuple(before), stride=stride)
    if not _as_a_product(upstream.dtype, kernel.shape, size, out, stride):
        shape = (tf.shape(upstream)[0], *size, kernel.shape[2])
        return tf.nn.conv2d_transpose(upstream, kernel, shape, stride, padding)
    flat = tf.reshape(upstream, (-1, depth))
    windows = tf.matmul(flat, tf.reshape(kernel, (-1, depth)), transpose_b=True)
    return _add_windows(windows, size=size, out=out, window=window, stride=stride)


def _as_a_product(dtype, shape, size: Size, out: Size, stride: int) -> bool:
    large = max(out) <= FEW_PIXELS and shape.num_elements() >= MANY_WEIGHTS
    return large and _reaches(shape[0], size, out, stride) and _is_slow(dtype)


def _as_cells(dtype, shape, size: Size, out: Size, stride: int) -> bool:
    few, whole = shape[2] <= FEW_CHANNELS.get(dtype, 0), stride > 1 and shape[0] % stride == 0
    return few and whole and _reaches(shape[0], size, out, stride) and _on_cpu()


def _reaches(window: int, size: Size, out: Size, stride: int) -> bool:
    """Return whether every pixel lies in the window of an output."""
    covered = ((last - 1) * stride + window >= side for side, last in zip(size, out, strict=True))
    return window >= stride and all(covered)


def _is_slow(dtype) -> bool:
    """Return whether oneDNN's own form may be the slower one."""
    return dtype == tf.bfloat16 and _on_cpu()


def _on_cpu() -> bool:
    return not tf.config.list_physical_devices("GPU")


def _margins(side: int, out: int, window: int, stride: int) -> tuple[int, int]:
    """Return how many zeros TensorFlow adds before and after a side for `out` windows."""
    margin = max((out - 1) * stride + window - side, 0)
    return margin // 2, margin - margin // 2


def _windows(inputs, window: int, out: Size, stride: int) -> tf.Tensor:
    """Gather the window of each output in the kernel's order, (B h w, k k C)."""
    sides, channels = zip(_size(inputs), out, strict=True), inputs.shape[-1]
    margins = [_margins(side, last, window, stride) for side, last in sides]
    padded = tf.pad(inputs, ((0, 0), *margins, (0, 0)))
    height, width = _size(padded)
    rows, columns = (stride * np.arange(last)[:, None] + np.arange(window) for last in out)
    seen = rows[:, None, :, None] * width + columns[:, None]  # (h, w, k, k)
    pixels = tf.reshape(padded, (-1, height * width, channels))
    found = tf.gather(pixels, seen.ravel(), axis=1)  # twice as fast as slices
    return tf.reshape(found, (-1, window * window * channels))


def by_cells(kernel, stride: int) -> tf.Tensor:
    """Rearrange a kernel (k, k, C, D) into cells (k / stride, k / stride, stride^2 C, D)."""
    size, _, channels, depth = kernel.shape
    steps = size // stride
    cells = tf.reshape(kernel, (steps, stride, steps, stride, channels, depth))
    return tf.reshape(tf.transpose(cells, (0, 2, 1, 3, 4, 5)), (steps, steps, -1, depth))


@tf.function(jit_compile=True)
def _add_windows(windows, size: Size, out: Size, window: int, stride: int) -> tf.Tensor:
    """Add up windows (B h w, k k C) where they overlap: the transpose of `_windows`.

    Pixel by pixel, so that the compiled loop over channels has no branches.
    """
    parts = tf.reshape(windows, (-1, *out, window, window, windows.shape[-1] // window**2))

    def seen_by(pixel: int, axis: int) -> list[tuple[int, int]]:
        """List the outputs along an axis whose windows hold the pixel, and its place in them."""
        before = _margins(size[axis], out[axis], window, stride)[0]
        places = ((place, pixel + before - stride * place) for place in range(out[axis]))
        return [(place, within) for place, within in places if 0 <= within < window]

    def pixel(y: int, x: int) -> tf.Tensor:
        """Sum over all windows, (B, C)."""
        found = [parts[:, h, w, i, j] for h, i in seen_by(y, 0) for w, j in seen_by(x, 1)]
        total = sum(tf.cast(part, tf.float32) for part in found)
        return tf.cast(total, windows.dtype)

    height, width = size
    pixels = tf.stack([pixel(y, x) for y in range(height) for x in range(width)], axis=1)
    return tf.reshape(pixels, (-1, height, width, pixels.shape[-1]))


@tf.function(jit_compile=True)
def _from_cells(cells, size: Size, before: Size, stride: int) -> tf.Tensor:
    """Map cells (B, h, w, stride^2 C) to pixels (B, H, W, C), cropping what is `before`."""
    pixels = tf.nn.depth_to_space(cells, stride)
    (top, left), (height, width) = before, size
    return pixels[:, top : top + height, left : left + width]


def kernel_gradient(
    inputs: tf.Tensor,
    upstream: tf.Tensor,
    shape: tf.TensorShape,
    stride: int,
    padding: str,
    windows: tf.Tensor | None = None,
) -> tf.Tensor:
    """Compute the gradient of a convolution's kernel.

    With windows it is a matrix product. Otherwise, in bfloat16 with many channels
    and few pixels, it is computed as a convolution dilated by the stride, with
    channels as the batch and the batch as channels: up to 2.5 times as fast as
    oneDNN's own on a CPU with matrix tiles. Its window, the upstream gradient, is
    cut into parts if it is larger than `LARGEST_WINDOW`.

    Args:
        inputs: (B, H, W, C).
        upstream: Gradient of the convolution's outputs, (B, h, w, D).
        shape: Of the kernel, (k, k, C, D).
        stride: Pixels.
        padding: "SAME" or "VALID".
        windows: Of the inputs, (B h w, k k C), if the convolution made them.

    Returns:
        (k, k, C, D).
    """
    if windows is not None:
        flat = tf.reshape(upstream, (-1, shape[-1]))
        return tf.reshape(tf.matmul(windows, flat, transpose_a=True), shape)
    out, size, kernel = _size(upstream), _size(inputs), shape[0]
    small = max(out) <= SMALL_SIDE and inputs.shape[-1] >= MANY_CHANNELS
    if not (small and _is_slow(inputs.dtype)):
        return tf.raw_ops.Conv2DBackpropFilter(
            input=inputs,
            filter_sizes=shape,
            out_backprop=upstream,
            strides=[1, stride, stride, 1],
            padding=padding,
        )
    cut = tuple(side if side <= LARGEST_WINDOW else side // 2 for side in out)
    window = tf.transpose(upstream, (1, 2, 0, 3))  # (h, w, B, D)

    def seen(first: int, axis: int) -> tuple[slice, tuple[int, int]]:
        """Return the pixels in the windows of `cut` outputs, and the zeros before and after."""
        start = first * stride - _margins(size[axis], out[axis], kernel, stride)[0]
        end = start + (cut[axis] - 1) * stride + kernel
        inside = slice(max(start, 0), min(end, size[axis]))
        return inside, (max(-start, 0), max(end - size[axis], 0))

    found = []
    for y in range(0, out[0], cut[0]):
        for x in range(0, out[1], cut[1]):
            (rows, above_below), (columns, left_right) = seen(y, 0), seen(x, 1)
            # cutting before transposing takes a third of the time of cutting after
            part = tf.transpose(inputs[:, rows, columns], (3, 1, 2, 0))
            margins = ((0, 0), above_below, left_right, (0, 0))
            corner = window[y : y + cut[0], x : x + cut[1]]
            found.append(tf.nn.conv2d(part, corner, 1, margins, dilations=stride))
    return tf.transpose(tf.add_n(found), (1, 2, 0, 3))  # (k, k, C, D)
