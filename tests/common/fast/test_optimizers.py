import keras
import numpy as np
import pytest
import tensorflow as tf

from common.fast.optimizers import Adam

RANDOM = np.random.default_rng(0)


def normal(*shape):
    return tf.constant(RANDOM.normal(size=shape), tf.float32)


@pytest.mark.parametrize("clip", [None, 0.1])
def test_the_fused_optimizer_is_that_of_keras(clip):
    start = [normal(3, 4), normal(5)]
    results = []
    gradients = [[normal(3, 4), normal(5)] for _ in range(4)]
    for kind in (Adam, keras.optimizers.Adam):
        variables = [keras.Variable(value) for value in start]
        optimizer = kind(0.01, beta_1=0.5, beta_2=0.9, global_clipnorm=clip)
        for step in gradients:
            optimizer.apply(step, variables)
        results.append([*variables, *optimizer.variables])
    for one, other in zip(*results, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-5, atol=1e-6)


def test_the_gradient_of_a_label_that_repeats_is_that_of_the_sum():
    rows = tf.IndexedSlices(tf.constant([[1.0], [2.0], [4.0]]), tf.constant([0, 2, 0]), (3, 1))
    found = []
    for gradient in (rows, tf.constant([[5.0], [0.0], [2.0]])):
        variable, optimizer = keras.Variable(tf.zeros((3, 1))), Adam(0.1)
        optimizer.apply([gradient], [variable])
        found.append([np.array(v) for v in (variable, *optimizer.variables)])
    for one, other in zip(*found, strict=True):
        np.testing.assert_array_equal(one, other)
