import numpy as np
import pytest
import tensorflow as tf

from gan.config import NetworkConfig
from gan.layers.minibatch_deviation import MinibatchDeviation
from gan.networks import base as families
from gan.networks.base import ImageSpec


def deviations(values, group):
    """The appended channel of images with these values as their only activation, (B,)."""
    images = np.reshape(np.float32(values), (-1, 1, 1, 1))
    return np.ravel(MinibatchDeviation(group)(images)[..., 1])


def test_values_by_hand():
    np.testing.assert_allclose(deviations([1, 3, 5, 9], 2), [1, 1, 2, 2], rtol=1e-6)
    np.testing.assert_allclose(deviations([1, 3, 5, 9], 4), np.std([1, 3, 5, 9]), rtol=1e-6)
    np.testing.assert_allclose(deviations([1, 3, 5], 2), [1, 1, 0], atol=2e-4)  # a smaller group


def test_activations_are_averaged_and_the_channel_is_flat():
    images = np.zeros((2, 1, 2, 3), np.float32)
    images[1, 0, 0] = [2, 4, 6]  # deviations 1, 2, 3 and three zeros
    found = MinibatchDeviation(2)(images).numpy()
    np.testing.assert_array_equal(found[..., :3], images)
    np.testing.assert_allclose(found[..., 3], 1.0, atol=1e-3)


def test_a_part_of_a_batch_has_the_groups_that_it_has_in_the_whole():
    values = np.random.default_rng(0).normal(size=8)
    parts = np.concatenate([deviations(part, 4) for part in np.split(values, 2)])
    np.testing.assert_allclose(deviations(values, 4), parts, rtol=1e-5)


def test_gradients_are_finite_for_equal_images():
    images = tf.ones((4, 2, 2, 3))
    with tf.GradientTape() as outer:
        outer.watch(images)
        with tf.GradientTape() as tape:
            tape.watch(images)
            total = tf.reduce_sum(MinibatchDeviation(4)(images))
        gradient = tape.gradient(total, images)
        squares = tf.reduce_sum(gradient**2)
    assert np.isfinite(gradient).all()
    assert np.isfinite(outer.gradient(squares, images)).all()


@pytest.mark.parametrize("family", ["dcgan", "resnet", "style_based"])
def test_a_discriminator_sees_how_much_images_differ(family):
    def logit(others, group):
        config = NetworkConfig(
            family, width=4, normalization="none", minibatch_deviation=group
        )  # fmt: skip
        tf.keras.utils.set_random_seed(0)
        network = families.get(family).build_discriminator(ImageSpec(16, 16, 1), config)
        images = np.zeros((4, 16, 16, 1), np.float32)
        images[1:] = others
        return float(network(images, training=True)[0])

    assert logit(0.0, 0) == pytest.approx(logit(1.0, 0), abs=1e-6)
    assert abs(logit(0.0, 4) - logit(1.0, 4)) > 1e-4
