"""The slicing head: its values and split gradients by hand, and its part in the step."""

import dataclasses

import keras
import numpy as np
import pytest
import tensorflow as tf

from common.errors import InputError
from gan import presets
from gan.build import build_gan, compile_gan
from gan.config import Config
from gan.layers import heads
from gan.networks import base as families
from gan.networks.base import ImageSpec


def head_of(vector, classes=0):
    head = heads.SlicingHead(classes)
    features = np.zeros((1, len(vector)), np.float32)
    head([features, np.zeros(1, np.int32)] if classes else features)
    head.kernel.assign(np.reshape(np.float32(vector), (-1, 1)))
    return head


def test_both_outputs_are_the_logit_and_share_its_gradient():
    """For w = (3, 4) and h = (1, 2): <w, h> = 11, and w / |w| = (0.6, 0.8)."""
    head, features = head_of([3, 4]), tf.constant([[1.0, 2.0]])
    with tf.GradientTape(persistent=True) as tape:
        tape.watch(features)
        logits, direction = head(features)
    np.testing.assert_allclose([logits[0], direction[0]], [11, 11], rtol=1e-6)
    of_logits = tape.gradient(logits, [head.kernel.value, features])
    np.testing.assert_allclose(of_logits[0][:, 0], [1.32, 1.76], rtol=1e-5)  # along w only
    np.testing.assert_allclose(of_logits[1][0], [3, 4], rtol=1e-5)
    of_direction = tape.gradient(direction, head.kernel.value)
    np.testing.assert_allclose(of_direction[:, 0], [-0.32, 0.24], rtol=1e-4)  # across w only
    assert tape.gradient(direction, features) is None


def test_a_class_has_a_vector_and_a_bias_is_added():
    head = head_of([3, 4], classes=2)
    head.embeddings.assign([[0, 0], [-3, 1]])
    head.bias.assign(0.5)
    logits, direction = head([tf.constant([[1.0, 2.0]] * 2), tf.constant([0, 1])])
    np.testing.assert_allclose(logits, [11.5, 10.5], rtol=1e-6)
    np.testing.assert_allclose(direction, [11, 10], rtol=1e-6)


def gan_of(family, classes=0):
    config = presets.apply(Config(), presets.default_preset(family))
    networks = dataclasses.replace(config.networks, width=4, head="san")
    config = dataclasses.replace(config, networks=networks, precision="float32")
    side = families.resolutions(family)[0]
    keras.utils.set_random_seed(0)
    gan = build_gan(config, ImageSpec(side, side, 1, classes))
    compile_gan(gan, config)
    gan.compile(keras.optimizers.SGD(0.01), keras.optimizers.SGD(0.01))
    images = np.random.default_rng(0).uniform(-1, 1, (8, side, side, 1)).astype(np.float32)
    return gan, (tf.constant(images), tf.constant(np.arange(8) % max(classes, 1), tf.int32))


@pytest.mark.parametrize("family", [
    each if each == "dcgan" else pytest.param(each, marks=pytest.mark.slow)
    for each in families.names() if not families.grows(each)
])  # fmt: skip
def test_every_family_that_does_not_grow_can_have_it(family):
    gan, (images, labels) = gan_of(family, classes=2)
    assert gan.discriminator.output_shape == (None,)
    assert "logits" not in [layer.name for layer in gan.discriminator.layers]
    head = gan.discriminator.get_layer("san")
    assert head.classes == (2 if gan.conditional else 0)
    before = head.kernel.numpy()
    gan.train_step((images, labels))
    assert np.abs(head.kernel.numpy() - before).max() > 0


def test_its_direction_is_trained_by_the_difference_of_the_mean_features():
    gan, (images, labels) = gan_of("resnet")
    head, fake = gan.discriminator.get_layer("san"), -images
    with tf.GradientTape() as tape:
        losses = gan.discriminator_losses(images, fake, labels)
    gradient = tape.gradient(losses.total, head.kernel.value).numpy()[:, 0]
    features = keras.Model(gan.discriminator.inputs, gan.discriminator.get_layer("features").output)
    means = [np.asarray(features(each)).mean(axis=0) for each in (images, fake)]
    vector = head.kernel.numpy()[:, 0]
    unit = vector / np.linalg.norm(vector)
    across = np.eye(len(unit)) - np.outer(unit, unit)
    np.testing.assert_allclose(across @ gradient, across @ (means[1] - means[0]), atol=1e-5)
    assert float(losses.total) != pytest.approx(float(losses.loss))


def test_a_discriminator_without_named_features_is_refused():
    image = keras.Input((4, 4, 1))
    network = heads.linear([image], keras.layers.Flatten()(image), 0)
    with pytest.raises(InputError, match=r"networks.head=san: .*no layer named features") as error:
        heads.with_slicing(network, 0)
    assert len(str(error.value).splitlines()) == 2
