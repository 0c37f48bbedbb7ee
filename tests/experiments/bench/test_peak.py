import keras
import pytest
from keras import layers

from experiments.bench.peak import convolution_peak, operations, operations_of_a_step


def test_operations_by_hand():
    image = keras.Input((8, 8, 3))
    x = layers.Conv2D(5, 4, strides=2, padding="same")(image)  # 4 x 4 places
    x = layers.Conv2DTranspose(7, 3, strides=2, padding="same")(x)  # from 4 x 4 places
    x = layers.Flatten()(layers.ReLU()(x))
    network = keras.Model(image, layers.Dense(2)(x))
    expected = 2 * 16 * (4 * 4 * 3 * 5) + 2 * 16 * (3 * 3 * 5 * 7) + 2 * (8 * 8 * 7) * 2
    assert operations(network) == expected
    assert operations_of_a_step(network, network) == 11 * expected


@pytest.mark.slow
def test_the_peak_is_a_speed_that_a_processor_can_have():
    assert 1e8 < convolution_peak("float32") < 1e15
