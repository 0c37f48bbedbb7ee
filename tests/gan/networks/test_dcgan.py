import keras
import numpy as np
import pytest
import tensorflow as tf

from gan.config import NetworkConfig
from gan.data.base import supported_resolutions
from gan.networks import dcgan

SMALL = NetworkConfig(latent_size=8, width=4)


@pytest.mark.parametrize("resolution", supported_resolutions())
def test_every_supported_resolution_fits_both_networks(resolution):
    generator = dcgan.build_generator(SMALL, resolution, channels=3)
    discriminator = dcgan.build_discriminator(SMALL, resolution, channels=3)
    pictures = generator(tf.random.normal((2, 8)))
    assert pictures.shape == (2, resolution, resolution, 3)
    assert np.abs(pictures).max() <= 1.0
    assert discriminator(pictures).shape == (2,)


@pytest.mark.parametrize("upsampling", dcgan.UPSAMPLING)
@pytest.mark.parametrize("channels", [1, 2, 4])
def test_any_upsampling_and_channel_count(upsampling, channels):
    config = NetworkConfig(latent_size=8, width=4, upsampling=upsampling)
    generator = dcgan.build_generator(config, 16, channels)
    assert generator(tf.zeros((1, 8))).shape == (1, 16, 16, channels)


@pytest.mark.parametrize("normalization", dcgan.NORMALIZATION)
def test_any_normalization(normalization):
    config = NetworkConfig(width=4, normalization=normalization)
    discriminator = dcgan.build_discriminator(config, 16, 1)
    logits = discriminator(tf.random.normal((3, 16, 16, 1)), training=True)
    assert logits.dtype == tf.float32
    assert np.isfinite(logits).all()


def test_only_batch_normalization_mixes_pictures():
    for normalization in dcgan.NORMALIZATION:
        config = NetworkConfig(width=4, normalization=normalization)
        discriminator = dcgan.build_discriminator(config, 16, 1)
        pictures = np.random.default_rng(0).normal(size=(4, 16, 16, 1)).astype(np.float32)
        changed = pictures.copy()
        changed[1:] += 1.0
        # spectral normalisation turns its vector at each training call; look at inference there
        training = normalization != "spectral"
        first = discriminator(pictures, training=training)[0].numpy()
        other = discriminator(changed, training=training)[0].numpy()
        assert (abs(first - other) > 1e-4) == (normalization == "batch"), normalization


def test_labels_reach_both_networks():
    generator = dcgan.build_generator(SMALL, 16, 1, classes=3)
    latents = tf.ones((2, 8))
    pictures = generator([latents, tf.constant([0, 2])]).numpy()
    assert np.abs(pictures[0] - pictures[1]).max() > 0
    discriminator = dcgan.build_discriminator(SMALL, 16, 1, classes=3)
    embedding = discriminator.get_layer("label_embedding")
    embedding.set_weights([np.random.default_rng(0).normal(size=embedding.get_weights()[0].shape)])
    same = tf.ones((2, 16, 16, 1))
    logits = discriminator([same, tf.constant([0, 2])]).numpy()
    assert abs(logits[0] - logits[1]) > 0


def test_spectral_normalization_leaves_the_kernels_in_float32():
    keras.config.set_dtype_policy("mixed_bfloat16")
    spectral = NetworkConfig(latent_size=8, width=4, normalization="spectral")
    discriminator = dcgan.build_discriminator(spectral, 16, 1)
    discriminator(tf.ones((2, 16, 16, 1)), training=True)
    kernels = [v.value for v in discriminator.trainable_variables if len(v.shape) == 4]
    rounded = [tf.cast(tf.cast(k, tf.bfloat16), tf.float32) for k in kernels]
    assert all((k != r).numpy().any() for k, r in zip(kernels, rounded, strict=True))


def test_the_logits_and_the_picture_are_float32_under_bfloat16():
    keras.config.set_dtype_policy("mixed_bfloat16")
    generator = dcgan.build_generator(SMALL, 16, 1, classes=2)
    discriminator = dcgan.build_discriminator(SMALL, 16, 1, classes=2)
    labels = tf.constant([0, 1])
    pictures = generator([tf.ones((2, 8)), labels], training=True)
    assert pictures.dtype == tf.float32
    assert discriminator([pictures, labels], training=True).dtype == tf.float32
