import tensorflow as tf

from common.streams import without_autotune


def test_elements_stay_and_the_tuning_thread_is_off():
    stream = without_autotune(tf.data.Dataset.range(5).map(lambda x: x + 1).prefetch(1))
    assert list(stream.as_numpy_iterator()) == [1, 2, 3, 4, 5]
    assert stream.options().autotune.enabled is False
