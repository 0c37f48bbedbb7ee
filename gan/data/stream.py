"""A name or a folder to square pictures, and pictures to a tf.data pipeline.

Every source is brought once to one uint8 array, cached on disk and memory
mapped: training reads it in an order that is a pure function of the seed and
the number of pictures drawn, so a resumed run continues at the very next one.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import tensorflow as tf
from gan.data.base import Pictures

HELD_OUT = 128  # pictures at most, for the metrics that need some


# Pictures to batches


def share(batch_size: int, updates: int, replica: int, replicas: int) -> np.ndarray:
    """The places in a batch that one of the replicas takes: an equal part of each update's."""
    return np.arange(batch_size).reshape(updates, replicas, -1)[:, replica].ravel()


def hold_out(count: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Which of `count` pictures to learn from, and which not: a tenth, at most `HELD_OUT`."""
    order = np.random.default_rng(seed).permutation(count)
    held_out = min(HELD_OUT, count // 10)
    return np.sort(order[held_out:]), np.sort(order[:held_out])


def batches(
    pictures: Pictures,
    batch_size: int,
    seed: int,
    start: int = 0,
    horizontal_flip: bool = False,
    shares: Sequence[np.ndarray] | None = None,
    among: np.ndarray | None = None,
) -> "tf.data.Dataset":
    """An endless, shuffled stream of batches.

    Picture number n of the stream is entry n mod N of the (n div N)-th random
    permutation, computed without state: a stream that starts at `start` yields
    exactly what one that started at 0 would yield from there.

    Args:
        batch_size: pictures in a batch.
        seed: chooses the permutations.
        start: pictures already drawn, a multiple of `batch_size`.
        horizontal_flip: flips every second picture left to right at random.
        shares: places in a batch; instead of each batch the stream holds so many
            parts of it, one after the other.
        among: which pictures to draw from; all by default.

    Returns:
        Batches of float32 (B, H, W, C) in [-1, 1] and int32 labels (B,).
    """
    import tensorflow as tf  # here, because the checks above must not wait for it

    among = np.arange(len(pictures)) if among is None else among
    count = len(among)
    shares = np.stack(shares or [np.arange(batch_size)])  # (parts, B)
    shape = (shares.shape[1], *pictures.images.shape[1:])

    def gather(indices: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        chosen = among[indices]
        return pictures.images[chosen], pictures.labels[chosen]

    def draw(part: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        batch, places = part // len(shares), tf.gather(shares, part % len(shares))
        position = batch * batch_size + tf.cast(places, tf.int64)  # (B,)
        passes = position // count
        seeds = tf.stack([0 * passes, 0 * passes + seed, passes], axis=1)  # (B, 3)
        # The raw operation: tf.random.experimental.index_shuffle 2.21 mangles a seed per index.
        indices = tf.raw_ops.RandomIndexShuffle(
            index=position % count, seed=seeds, max_index=tf.constant(count - 1, tf.int64)
        )  # (B,)
        images, labels = tf.numpy_function(gather, [indices], [tf.uint8, tf.int32], stateful=False)
        images = tf.ensure_shape(images, shape)
        if horizontal_flip:
            chance = tf.random.stateless_uniform([batch_size, 1, 1, 1], [seed, batch])
            flip = tf.gather(chance, places) < 0.5
            images = tf.where(flip, images[:, :, ::-1], images)
        return tf.cast(images, tf.float32) / 127.5 - 1.0, tf.ensure_shape(labels, shape[:1])

    stream = tf.data.Dataset.counter(start=start // batch_size * len(shares))
    stream = stream.map(draw, num_parallel_calls=2, deterministic=True)
    return stream.prefetch(4)
