"""Arrays to an endless shuffled stream of batches."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import tensorflow as tf

from common.fast.shuffle import shuffled_index
from common.streams import without_autotune
from gan.data.base import ImageDataset

HELD_OUT = 128  # images at most in the held-out split
CHUNK = 1024  # images that are averaged at once


def train_held_out_split(count: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Split indices at random into a train and a held-out split.

    Args:
        count: Images in the dataset.
        seed: Seed of the split.

    Returns:
        Indices of the train split and of the held-out split, both ascending. A
        tenth of the images is held out, at most `HELD_OUT`.

    Example:
        >>> train, held_out = train_held_out_split(200, seed=0)
        >>> len(train), len(held_out)
        (180, 20)
    """
    order = np.random.default_rng(seed).permutation(count)
    held_out = min(HELD_OUT, count // 10)
    return np.sort(order[held_out:]), np.sort(order[:held_out])


def shrink(dataset: ImageDataset, side: int) -> ImageDataset:
    """Average a dataset's images over areas, in memory.

    Args:
        dataset: Images of a multiple of `side`, square.
        side: Pixels.

    Returns:
        The dataset itself if its images have this side; otherwise a copy of at most
        a quarter of its bytes, rounded to whole numbers.

    Example:
        >>> shrink(glyphs, 16).images.shape
        (36000, 16, 16, 1)
    """
    count, full, _, channels = dataset.images.shape
    if full == side:
        return dataset
    small = np.empty((count, side, side, channels), np.uint8)
    areas = (-1, side, full // side, side, full // side, channels)
    for start in range(0, count, CHUNK):
        part = dataset.images[start : start + CHUNK].reshape(areas)
        small[start : start + CHUNK] = np.rint(part.mean(axis=(2, 4), dtype=np.float32))
    return replace(dataset, images=small)


def share(batch_size: int, updates: int, replica: int, replicas: int) -> np.ndarray:
    """Places in a batch that one replica takes: an equal part of each update's.

    Args:
        batch_size: Images in a batch, of all updates and replicas together.
        updates: Discriminator updates that the batch is split among.
        replica: Index of this replica.
        replicas: Number of replicas.

    Returns:
        int (batch_size // replicas,).

    Example:
        >>> share(12, 2, 0, 3).tolist()
        [0, 1, 6, 7]
    """
    return np.arange(batch_size).reshape(updates, replicas, -1)[:, replica].ravel()


def batches(
    dataset: ImageDataset,
    batch_size: int,
    seed: int,
    start: int = 0,
    *,
    horizontal_flip: bool = False,
    shares: Sequence[np.ndarray] | None = None,
    among: np.ndarray | None = None,
) -> tf.data.Dataset:
    """Stream a dataset's images endlessly, in a new random order in each pass.

    Image n of the stream is entry n mod N of the (n div N)-th random
    permutation, computed without state: a stream that starts at `start` yields
    exactly what one that started at 0 would yield from there.

    Args:
        dataset: Images and labels.
        batch_size: Images in a batch.
        seed: Seed of the permutations and of the flips.
        start: Images already drawn, a multiple of `batch_size`.
        horizontal_flip: Flip every image left to right with probability 1/2.
        shares: Places in a batch, one array for each replica of this process.
            The stream then yields one part of a batch after the other.
        among: Indices of the images to draw from; all by default.

    Returns:
        Batches of float32 (B, H, W, C) in [-1, 1] and int32 labels (B,).

    Example:
        >>> images, labels = next(iter(batches(dataset, 64, seed=0)))
        >>> images.shape
        TensorShape([64, 32, 32, 1])
    """
    among = np.arange(len(dataset)) if among is None else among
    count = len(among)
    shares = np.stack(shares or [np.arange(batch_size)])  # (parts, B)
    shape = (shares.shape[1], *dataset.images.shape[1:])

    def gather(indices: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        chosen = among[indices]
        return dataset.images[chosen], dataset.labels[chosen]

    def draw(part: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        batch, places = part // len(shares), tf.gather(shares, part % len(shares))
        position = batch * batch_size + tf.cast(places, tf.int64)  # (B,)
        passes = position // count
        seeds = tf.stack([0 * passes, 0 * passes + seed, passes], axis=1)  # (B, 3)
        indices = shuffled_index(position % count, seeds, count)  # (B,)
        images, labels = tf.numpy_function(gather, [indices], [tf.uint8, tf.int32], stateful=False)
        images = tf.ensure_shape(images, shape)
        if horizontal_flip:
            chance = tf.random.stateless_uniform([batch_size, 1, 1, 1], [seed, batch])
            flip = tf.gather(chance, places) < 0.5
            images = tf.where(flip, images[:, :, ::-1], images)
        return tf.cast(images, tf.float32) / 127.5 - 1.0, tf.ensure_shape(labels, shape[:1])

    stream = tf.data.Dataset.counter(start=start // batch_size * len(shares))
    stream = stream.map(draw, num_parallel_calls=2, deterministic=True)
    return without_autotune(stream.prefetch(4))
