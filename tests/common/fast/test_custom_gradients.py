import gc
import weakref

import tensorflow as tf

from common.fast.custom_gradients import released_graphs
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
