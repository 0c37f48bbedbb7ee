"""Path lengths of a network whose Jacobian is known, and the term's gradient."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from gan import mapping
from gan.path_length import PathLength, path_lengths

RANDOM = np.random.default_rng(0)


def linear(matrix):
    """A generator of 2x2 images A w with w = z."""
    latent = keras.Input((3,))
    w = keras.layers.Dense(3, use_bias=False, name="mapped", trainable=False)
    dense = keras.layers.Dense(4, use_bias=False)
    network = keras.Model(latent, keras.layers.Reshape((2, 2, 1))(dense(w(latent))))
    w.set_weights([np.eye(3, dtype=np.float32)])
    dense.set_weights([np.float32(matrix).T])
    return network


def test_lengths_are_those_of_the_jacobian():
    matrix, y = RANDOM.normal(size=(4, 3)), RANDOM.normal(size=(2, 4))
    directions = tf.constant(y.reshape(2, 2, 2, 1), tf.float32)
    found = path_lengths(mapping.split(linear(matrix)), tf.ones((2, 3)), directions)
    np.testing.assert_allclose(found, np.linalg.norm(y @ matrix, axis=1), rtol=1e-5)


@pytest.mark.parametrize("graph", [False, True])
def test_every_interval_th_update_has_the_term_and_moves_the_mean(graph):
    generator, optimizer = linear(np.eye(4, 3)), keras.optimizers.SGD(0.0)
    optimizer.build(generator.trainable_variables)
    regularizer = PathLength(weight=0.5, interval=2)
    scaled = regularizer.bind(generator)

    def gradient(seed):
        with tf.GradientTape() as tape:
            loss = scaled(tf.ones((2, 3)), seed, optimizer)
        return tape.gradient(loss, generator.trainable_variables[0].value)

    means, added = [], []
    for step in range(3):
        seed = keras.random.SeedGenerator(step)
        compiled = tf.function(gradient, autograph=False) if graph else gradient
        added.append(np.asarray(compiled(seed)))
        means.append(float(regularizer.mean))
        optimizer.apply([tf.ones((3, 4))])
    assert means[0] == means[1] < means[2]
    np.testing.assert_array_equal(added[1], 0.0)
    y = keras.random.normal((2, 2, 2, 1), seed=keras.random.SeedGenerator(0)) / 2.0
    y = np.reshape(y, (2, 4))
    lengths = np.linalg.norm(y[:, :3], axis=1)  # A^T y for A the first three unit vectors
    assert means[0] == pytest.approx(0.01 * lengths.mean(), rel=1e-4)
    # d/dA of 0.5 * 2 * mean |A^T y|^2, the mean of the lengths being 0, is mean 2 y (A^T y)^T
    expected = np.mean([2 * np.outer(each[:3], each) for each in y], axis=0)
    np.testing.assert_allclose(added[0], expected, rtol=1e-4, atol=1e-6)
