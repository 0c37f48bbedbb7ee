import numpy as np
import tensorflow as tf

from common.fast import graph_optimizer
from common.fast.graph_optimizer import (
    OFF,
    in_a_graph_if_large,
    is_small,
    without_graph_optimizer,
)


def test_the_optimizer_is_off_inside_and_as_before_outside():
    before = tf.config.optimizer.get_experimental_options().get(OFF, False)
    for value in (False, True):
        tf.config.optimizer.set_experimental_options({OFF: value})
        with without_graph_optimizer():
            assert tf.config.optimizer.get_experimental_options()[OFF] is True
        assert tf.config.optimizer.get_experimental_options()[OFF] is value
    tf.config.optimizer.set_experimental_options({OFF: before})


def test_a_small_image_has_at_most_131072_pixels():
    assert is_small((512, 256))
    assert not is_small((512, 257))


def test_a_graph_gives_the_plain_result(monkeypatch):
    image = tf.constant(np.random.default_rng(0).random((1, 8, 6, 3), np.float32))
    eager = []

    def function(image):
        eager.append(tf.executing_eagerly())
        return {"square": tf.square(image), "mean": tf.reduce_mean(image, axis=(1, 2))}

    plain = in_a_graph_if_large(function, image)
    monkeypatch.setattr(graph_optimizer, "SMALL", 0)
    large = in_a_graph_if_large(function, image)
    assert eager == [True, False]
    assert plain.keys() == large.keys()
    for name, values in plain.items():
        np.testing.assert_allclose(large[name], values, rtol=1e-6)
