import dataclasses

import numpy as np
import pytest
import tensorflow as tf

from gan.build import build_gan, compile_gan
from gan.callbacks.health import Vitals
from gan.config import BalanceConfig, Config, NetworkConfig
from gan.networks import multi_scale
from gan.networks.base import ImageSpec
from gan.stock import to_stock

SMALL = NetworkConfig(name="multi_scale", latent_size=8, width=4)


@pytest.mark.parametrize("resolution", multi_scale.RESOLUTIONS)
def test_every_resolution_has_two_images_or_more(resolution):
    spec = ImageSpec(resolution, resolution, 3)
    generator = multi_scale.build_generator(spec, SMALL)
    expected = [(None, side, side, 3) for side in multi_scale.sides(resolution)]
    assert generator.output_shape == expected
    assert expected[-1][1] == resolution
    assert 4 <= expected[0][1] // 2 <= 7
    assert multi_scale.build_discriminator(spec, SMALL).input_shape == expected


def test_real_images_are_averaged_over_areas():
    images = np.random.default_rng(0).uniform(-1, 1, (2, 16, 16, 3)).astype(np.float32)
    small, full = multi_scale.real_inputs(images)
    np.testing.assert_array_equal(full, images)
    np.testing.assert_allclose(small[0, 2, 3], images[0, 4:6, 6:8].mean(axis=(0, 1)), atol=1e-6)


def test_every_scale_reaches_the_logits_and_the_first_layer():
    generator = multi_scale.build_generator(ImageSpec(32, 32, 1), SMALL)
    discriminator = multi_scale.build_discriminator(ImageSpec(32, 32, 1), SMALL)
    with tf.GradientTape(persistent=True) as tape:
        images = generator(tf.random.normal((4, 8), seed=0), training=True)
        logits = tf.reduce_sum(discriminator(images, training=True))
    for image in images:
        assert np.abs(tape.gradient(logits, image)).max() > 0
        assert np.abs(tape.gradient(image, generator.trainable_variables[0])).max() > 0


@pytest.mark.parametrize("classes", [0, 3])
def test_a_step_with_a_penalty_and_augmentation_trains_both_networks(classes):
    networks = dataclasses.replace(SMALL, normalization="none")
    config = Config(
        networks=networks,
        loss="relativistic",
        penalty="r1",
        precision="float32",
        balance=BalanceConfig(augment=0.5),
    )
    gan = build_gan(config, ImageSpec(16, 16, 1, classes))
    compile_gan(gan, config)
    before = gan.generator.get_weights(), gan.discriminator.get_weights()
    labels = tf.range(8) % max(1, classes)
    metrics = gan.train_step((tf.random.uniform((8, 16, 16, 1), -1, 1), labels))
    assert all(np.isfinite(float(value)) for value in metrics.values())
    for network, old in zip((gan.generator, gan.discriminator), before, strict=True):
        assert any((new != was).any() for new, was in zip(network.get_weights(), old, strict=True))
    assert gan(tf.ones((2, 8)), tf.zeros(2, tf.int32)).shape == (2, 16, 16, 1)


def test_vitals_are_measured_on_all_scales():
    config = Config(networks=SMALL, precision="float32")
    gan = build_gan(config, ImageSpec(16, 16, 1))
    images = np.random.default_rng(0).integers(256, size=(20, 16, 16, 1)).astype(np.uint8)
    vitals = Vitals(images, np.zeros(20, np.int32), 8, seed=0)
    vitals.set_model(gan)
    vitals.on_train_begin()
    logs = {}
    vitals.on_epoch_end(0, logs)
    assert np.isfinite(list(logs.values())).all()


def test_only_the_full_size_leaves_the_house():
    spec, config = ImageSpec(16, 16, 1, classes=2), Config(networks=SMALL, precision="float32")
    generator = build_gan(config, spec).ema_generator
    inputs = [tf.random.normal((2, 8), seed=0), tf.constant([0, 1])]
    found = to_stock(generator, config, spec)(inputs, training=False)
    np.testing.assert_allclose(found, generator(inputs, training=False)[-1], atol=1e-6)
