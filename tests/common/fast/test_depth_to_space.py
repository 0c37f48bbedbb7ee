import keras
import numpy as np
import tensorflow as tf

from common.fast.depth_to_space import DepthToSpace, plain_depth_to_space


def test_groups_of_four_channels_become_pixels_in_both_forms():
    images = np.random.default_rng(0).normal(size=(2, 3, 5, 12)).astype(np.float32)
    expected = np.zeros((2, 6, 10, 3), np.float32)
    for row in range(2):
        for column in range(2):
            group = 3 * (2 * row + column)
            expected[:, row::2, column::2] = images[..., group : group + 3]
    inputs = keras.Input((3, 5, 12))
    for rearrange in (DepthToSpace(), plain_depth_to_space()):
        model = keras.Model(inputs, rearrange(inputs))
        np.testing.assert_array_equal(model(tf.constant(images)), expected)
        assert model.output_shape == (None, 6, 10, 3)
