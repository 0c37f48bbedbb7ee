import numpy as np
import pytest
import tensorflow as tf

from gan.reconstruction.losses import feature_distance, pyramid_distance


def test_the_pyramid_by_hand():
    fine = np.zeros((1, 8, 8, 1), np.float32)
    fine[:, ::2] = 1.0  # rows of 1 and 0: 0.5 on average, also at coarser scales
    found = pyramid_distance(tf.constant(fine), tf.zeros((1, 8, 8, 1)))
    assert float(found) == pytest.approx(0.5)
    stripes = 2.0 * fine - 1.0  # rows of 1 and -1: they cancel at coarser scales
    found = pyramid_distance(tf.constant(stripes), tf.zeros((1, 8, 8, 1)))
    assert float(found) == pytest.approx((1.0 + 0.0 + 0.0 + 0.0) / 4)


@pytest.mark.parametrize("channels", [1, 3, 4])
def test_deep_features_of_equal_images_are_equal(channels):
    images = tf.constant(np.random.default_rng(0).uniform(-1, 1, (2, 32, 32, channels)))
    distance = feature_distance()
    assert float(distance(images, images)) == 0.0
    assert float(distance(images, -images)) > 0.02


def test_what_is_transparent_does_not_count():
    images = np.random.default_rng(0).uniform(-1, 1, (1, 32, 32, 4)).astype(np.float32)
    images[..., 3] = -1.0
    other = images.copy()
    other[..., :3] *= -1.0
    assert float(feature_distance()(tf.constant(images), tf.constant(other))) < 1e-6
