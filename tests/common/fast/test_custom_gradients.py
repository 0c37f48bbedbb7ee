import gc
import weakref

import numpy as np
import tensorflow as tf

from common.fast.custom_gradients import released_graphs, with_gradient
from common.fast.moments import fast_moments


def trace():
    @tf.function
    def gradient(features):
        with tf.GradientTape() as tape:
            tape.watch(features)
            loss = tf.reduce_sum(fast_moments(features)[1])
        return tape.gradient(loss, features)

    gradient(tf.ones((1, 4, 4, 3)))
    return weakref.ref(gradient.get_concrete_function(tf.ones((1, 4, 4, 3))).graph)


def test_graphs_with_custom_gradients_are_freed_after_the_block():
    kept = trace()
    with released_graphs():
        freed = trace()
        gc.collect()
        assert freed() is not None  # TensorFlow's registry holds it
    assert freed() is None
    assert kept() is not None  # traced before


def test_graphs_are_freed_when_the_block_raises():
    try:
        with released_graphs():
            freed = trace()
            raise KeyError
    except KeyError:
        pass
    assert freed() is None


def test_gradients_can_be_traced_after_the_block():
    with released_graphs():
        trace()
    assert trace()() is not None


def test_a_gradient_of_the_caller_replaces_that_of_the_operations():
    def function(x):
        return [tf.reduce_sum(tf.square(x)), x + 1.0]

    def gradient(x, first, second):
        return 10.0 * first * x + second

    run, x = with_gradient(function, gradient), tf.constant([1.0, 2.0])
    with tf.GradientTape(persistent=True) as tape:
        tape.watch(x)
        square, more = run(x)
        loss = 3.0 * square + tf.reduce_sum(more * [5.0, 7.0])
    np.testing.assert_allclose(more, [2.0, 3.0])
    np.testing.assert_allclose(tape.gradient(loss, x), [30.0 + 5.0, 60.0 + 7.0])
