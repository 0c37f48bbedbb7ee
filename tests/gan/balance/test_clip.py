import numpy as np
import tensorflow as tf

from gan.balance import clip


def test_weight_clip_bounds_kernels_and_leaves_scales():
    import keras

    network = keras.Sequential(
        [keras.layers.Input((3,)), keras.layers.Dense(2), keras.layers.BatchNormalization()]
    )
    network.layers[0].kernel.assign(5.0 * tf.ones((3, 2)))
    clip.WeightClip(0.1).constrain(network)
    np.testing.assert_allclose(network.layers[0].kernel, 0.1 * np.ones((3, 2)))
    np.testing.assert_array_equal(network.layers[1].gamma, [1.0, 1.0])
