import numpy as np
import tensorflow as tf

from gan.balance import labels


def test_label_flips_swap_pairs_at_their_rate():
    control = labels.LabelFlips(0.25, seed=0)
    real, fake = control.swap_labels(tf.ones((4000,)), tf.zeros((4000,)))
    np.testing.assert_array_equal(real + fake, np.ones(4000))
    assert 0.22 < 1.0 - float(tf.reduce_mean(real)) < 0.28
