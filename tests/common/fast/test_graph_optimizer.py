import tensorflow as tf

from common.fast.graph_optimizer import OFF, is_small, without_graph_optimizer


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
