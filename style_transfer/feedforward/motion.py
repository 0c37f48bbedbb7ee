"""Random smooth movements of images: what a network for video learns to follow.

Wang et al. 2020, Consistent Video Style Transfer via Relaxation and Regularization
(ReReVST): two frames with known flow are made of a still, by a smooth random field and
noise, so that no videos are needed.
"""

from collections.abc import Callable

import tensorflow as tf

CELL = 100  # pixels between two places whose movements are independent
DEVIATION = 8.0  # pixels, of the movements
NOISE = 0.0015  # standard deviation of what is added to the moved image


def random_flow(seed: tf.Tensor, height: int, width: int) -> tf.Tensor:
    """Draw a smooth field of movements.

    Normal movements on a coarse grid, enlarged bilinearly.

    Args:
        seed: int (2,); decides everything.
        height: Of the images in pixels.
        width: The same.

    Returns:
        float32 (H, W, 2): horizontal and vertical, in pixels.

    Example:
        >>> random_flow(tf.constant([0, 1]), 64, 96).shape
        TensorShape([64, 96, 2])
    """
    places = [max(2, 1 + round(length / CELL)) for length in (height, width)]
    coarse = tf.random.stateless_normal((1, *places, 2), seed, stddev=DEVIATION)
    return tf.image.resize(coarse, (height, width))[0]


def move(images: tf.Tensor, flow: tf.Tensor) -> tf.Tensor:
    """Move images: the result at p is the image at p + flow(p), bilinearly.

    `style_transfer.video.flow.warp` is the same in NumPy.

    Args:
        images: float32 (B, H, W, C). Beyond the border the nearest pixel is taken.
        flow: (H, W, 2), the same for all.

    Returns:
        float32 (B, H, W, C); differentiable with respect to the images.
    """
    _, height, width, channels = images.shape
    x, y = _places(flow)
    x, y = tf.clip_by_value(x, 0.0, width - 1.0), tf.clip_by_value(y, 0.0, height - 1.0)
    left, top = tf.cast(x, tf.int32), tf.cast(y, tf.int32)
    right, below = tf.minimum(left + 1, width - 1), tf.minimum(top + 1, height - 1)
    across = (x - tf.cast(left, tf.float32))[..., None]  # (H, W, 1), in [0, 1)
    down = (y - tf.cast(top, tf.float32))[..., None]
    pixels = tf.reshape(images, (-1, height * width, channels))

    def at(row: tf.Tensor, column: tf.Tensor) -> tf.Tensor:
        return tf.gather(pixels, row * width + column, axis=1)  # (B, H, W, C)

    upper = (1 - across) * at(top, left) + across * at(top, right)
    lower = (1 - across) * at(below, left) + across * at(below, right)
    return (1 - down) * upper + down * lower


def inside(flow: tf.Tensor) -> tf.Tensor:
    """Return where a flow stays within the image: float32 (H, W), 1 or 0."""
    height, width, _ = flow.shape
    x, y = _places(flow)
    within = (x >= 0) & (x <= width - 1) & (y >= 0) & (y <= height - 1)
    return tf.cast(within, tf.float32)


def warp_loss(
    images: tf.Tensor,
    painted: tf.Tensor,
    paint: Callable[[tf.Tensor], tf.Tensor],
    seed: tf.Tensor,
) -> tf.Tensor:
    """Compare paintings of moved images with moved paintings.

    Args:
        images: What was painted, (B, H, W, 3) in [0, 1].
        painted: The paintings, of the same shape.
        paint: The network, from images to paintings.
        seed: int (2,), of the movement.

    Returns:
        The mean absolute difference, a scalar. Deviation from the paper: its gradient
        flows through `painted` only, so that the second pass costs no backward one.
    """
    flow = random_flow(seed, *images.shape[1:3])
    noise = tf.random.stateless_normal(images.shape, seed + 1, stddev=NOISE)
    other = tf.stop_gradient(paint(move(images, flow) + noise))
    seen = inside(flow)[None, :, :, None]
    difference = tf.reduce_sum(tf.abs(move(painted, flow) - other) * seen, axis=(1, 2, 3))
    return tf.reduce_mean(difference) / (3 * tf.maximum(tf.reduce_sum(seen), 1.0))


def _places(flow: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """Return the columns and rows (H, W) that a flow leads to."""
    height, width, _ = flow.shape
    rows, columns = tf.meshgrid(
        tf.range(height, dtype=tf.float32), tf.range(width, dtype=tf.float32), indexing="ij"
    )
    return columns + flow[..., 0], rows + flow[..., 1]
