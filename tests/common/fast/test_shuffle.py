import numpy as np
import tensorflow as tf

from common.fast.shuffle import shuffled_index


def seeds_of(last, count):
    return tf.constant([[0, 1, value] for value in np.broadcast_to(last, count)], tf.int64)


def test_every_seed_gives_a_permutation_of_its_own():
    index = tf.range(50, dtype=tf.int64)
    found = [shuffled_index(index, seeds_of(last, 50), 50).numpy() for last in (3, 4)]
    for permutation in found:
        assert sorted(permutation) == list(range(50))
        assert (permutation != np.arange(50)).sum() > 40
    assert (found[0] != found[1]).any()


def test_it_is_the_shuffle_of_tensorflow_for_one_seed():
    index, padding = tf.range(50, dtype=tf.int64), 498247692  # TensorFlow prepends it to the seed
    expected = [
        tf.random.experimental.index_shuffle(
            each, tf.constant([1, 3], tf.int64), tf.constant(49, tf.int64)
        )
        for each in index
    ]
    seeds = tf.constant([[padding, 1, 3]] * 50, tf.int64)
    np.testing.assert_array_equal(shuffled_index(index, seeds, 50), expected)


def test_each_index_has_its_own_seed():
    index = tf.constant([7, 7, 8], tf.int64)
    mixed = shuffled_index(index, seeds_of([3, 4, 4], 3), 50).numpy()
    alone = [
        shuffled_index(index[i : i + 1], seeds_of(last, 1), 50)[0]
        for i, last in enumerate([3, 4, 4])
    ]
    np.testing.assert_array_equal(mixed, alone)
