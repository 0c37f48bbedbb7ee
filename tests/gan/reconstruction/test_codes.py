import keras
import numpy as np
import pytest
import tensorflow as tf

from gan.networks.base import ImageSpec
from gan.reconstruction.codes import FIRST_DEVIATION, build_encoder, divergence, draw_codes, resized


@pytest.mark.parametrize(("spec", "size"), [((16, 16, 1), 5), ((24, 48, 4), 3)])
def test_it_maps_images_of_any_shape_to_codes(spec, size):
    encoder = build_encoder(ImageSpec(*spec), size, width=4)
    mean, log_deviation = encoder(tf.zeros((2, *spec)))
    assert mean.shape == log_deviation.shape == (2, size)
    np.testing.assert_allclose(log_deviation, FIRST_DEVIATION)


def test_images_are_averaged_or_repeated_to_a_size():
    image = tf.reshape(tf.range(4.0), (1, 2, 2, 1))
    np.testing.assert_array_equal(resized(image, 1), [[[[1.5]]]])
    large = resized(image, 4)[0, :, :, 0]
    np.testing.assert_array_equal(large, [[0, 0, 1, 1]] * 2 + [[2, 2, 3, 3]] * 2)
    assert resized(image, 2) is image


def test_the_divergence_by_hand():
    mean, log_deviation = tf.constant([[1.0, 0.0]]), tf.math.log([[1.0, 2.0]])
    expected = (0.5 * 1.0 + (0.5 * (4.0 - 1.0) - np.log(2.0))) / 2
    assert float(divergence(mean, log_deviation)) == pytest.approx(expected)
    assert float(divergence(tf.zeros((3, 2)), tf.zeros((3, 2)))) == 0.0


def test_drawn_codes_have_the_mean_and_deviation():
    mean, log_deviation = tf.fill((20000, 1), 2.0), tf.fill((20000, 1), tf.math.log(0.5))
    codes = draw_codes(mean, log_deviation, keras.random.SeedGenerator(0))
    assert float(tf.reduce_mean(codes)) == pytest.approx(2.0, abs=0.02)
    assert float(tf.math.reduce_std(codes)) == pytest.approx(0.5, rel=0.02)
