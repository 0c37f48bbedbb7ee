"""Random permutations that are evaluated one index at a time."""

import tensorflow as tf


def shuffled_index(index: tf.Tensor, seeds: tf.Tensor, count: int) -> tf.Tensor:
    """Map indices through pseudorandom permutations of `range(count)`.

    No permutation is stored: each index is encrypted by a block cipher whose
    domain is `range(count)`, so any place of any pass over a dataset can be
    looked up directly. The plain form is `tf.random.experimental.index_shuffle`,
    which in TensorFlow 2.21 accepts a single seed only; this function calls the
    operation behind it with one seed per index.

    Args:
        index: int64 (N,) in [0, count).
        seeds: int64 (N, 3). Each row selects a permutation.
        count: Number of elements that are permuted.

    Returns:
        int64 (N,) in [0, count). Indices that share a seed are mapped one to one.

    Example:
        >>> seeds = tf.constant([[0, 0, 7]] * 5, tf.int64)
        >>> sorted(shuffled_index(tf.range(5, dtype=tf.int64), seeds, 5).numpy().tolist())
        [0, 1, 2, 3, 4]
    """
    return tf.raw_ops.RandomIndexShuffle(
        index=index, seed=seeds, max_index=tf.constant(count - 1, tf.int64)
    )
