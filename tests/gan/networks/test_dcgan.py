import keras
import numpy as np
import pytest
import tensorflow as tf

from common.errors import InputError
from gan.config import NetworkConfig
from gan.networks import base as networks
from gan.networks import dcgan
from gan.networks.base import ImageSpec

SMALL = NetworkConfig(latent_size=8, width=4)


@pytest.mark.parametrize("resolution", dcgan.RESOLUTIONS)
def test_every_supported_resolution_fits_both_networks(resolution):
    generator = dcgan.build_generator(ImageSpec(resolution, resolution, 3), SMALL)
    discriminator = dcgan.build_discriminator(ImageSpec(resolution, resolution, 3), SMALL)
    images = generator(tf.random.normal((2, 8)))
    assert images.shape == (2, resolution, resolution, 3)
    assert np.abs(images).max() <= 1.0
    assert discriminator(images).shape == (2,)


@pytest.mark.parametrize("upsampling", dcgan.UPSAMPLING)
@pytest.mark.parametrize("channels", [1, 2, 4])
def test_any_upsampling_and_channel_count(upsampling, channels):
    config = NetworkConfig(latent_size=8, width=4, upsampling=upsampling)
    generator = dcgan.build_generator(ImageSpec(16, 16, channels), config)
    assert generator(tf.zeros((1, 8))).shape == (1, 16, 16, channels)


@pytest.mark.parametrize("normalization", dcgan.NORMALIZATION)
def test_any_normalization(normalization):
    config = NetworkConfig(width=4, normalization=normalization)
    discriminator = dcgan.build_discriminator(ImageSpec(16, 16, 1), config)
    logits = discriminator(tf.random.normal((3, 16, 16, 1)), training=True)
    assert logits.dtype == tf.float32
    assert np.isfinite(logits).all()


def test_only_batch_normalization_mixes_images():
    for normalization in dcgan.NORMALIZATION:
        config = NetworkConfig(width=4, normalization=normalization)
        discriminator = dcgan.build_discriminator(ImageSpec(16, 16, 1), config)
        images = np.random.default_rng(0).normal(size=(4, 16, 16, 1)).astype(np.float32)
        changed = images.copy()
        changed[1:] += 1.0
        # spectral normalization changes its vector at each training call; compare inference
        training = normalization != "spectral"
        first = discriminator(images, training=training)[0].numpy()
        other = discriminator(changed, training=training)[0].numpy()
        assert (abs(first - other) > 1e-4) == (normalization == "batch"), normalization


def test_labels_reach_both_networks():
    generator = dcgan.build_generator(ImageSpec(16, 16, 1, classes=3), SMALL)
    latents = tf.ones((2, 8))
    images = generator([latents, tf.constant([0, 2])]).numpy()
    assert np.abs(images[0] - images[1]).max() > 0
    discriminator = dcgan.build_discriminator(ImageSpec(16, 16, 1, classes=3), SMALL)
    embedding = discriminator.get_layer("label_embedding")
    embedding.set_weights([np.random.default_rng(0).normal(size=embedding.get_weights()[0].shape)])
    same = tf.ones((2, 16, 16, 1))
    logits = discriminator([same, tf.constant([0, 2])]).numpy()
    assert abs(logits[0] - logits[1]) > 0


def test_spectral_normalization_leaves_the_kernels_in_float32():
    keras.config.set_dtype_policy("mixed_bfloat16")
    spectral = NetworkConfig(latent_size=8, width=4, normalization="spectral")
    discriminator = dcgan.build_discriminator(ImageSpec(16, 16, 1), spectral)
    discriminator(tf.ones((2, 16, 16, 1)), training=True)
    kernels = [v.value for v in discriminator.trainable_variables if len(v.shape) == 4]
    rounded = [tf.cast(tf.cast(k, tf.bfloat16), tf.float32) for k in kernels]
    assert all((k != r).numpy().any() for k, r in zip(kernels, rounded, strict=True))


def test_the_logits_and_the_image_are_float32_under_bfloat16():
    keras.config.set_dtype_policy("mixed_bfloat16")
    generator = dcgan.build_generator(ImageSpec(16, 16, 1, classes=2), SMALL)
    discriminator = dcgan.build_discriminator(ImageSpec(16, 16, 1, classes=2), SMALL)
    labels = tf.constant([0, 1])
    images = generator([tf.ones((2, 8)), labels], training=True)
    assert images.dtype == tf.float32
    assert discriminator([images, labels], training=True).dtype == tf.float32


def test_the_resolutions_are_4_to_7_times_powers_of_two():
    sizes = {start << doublings for start in (4, 5, 6, 7) for doublings in range(1, 6)}
    assert sorted(size for size in sizes if 16 <= size <= 128) == list(dcgan.RESOLUTIONS)


@pytest.mark.parametrize(
    ("resolution", "start", "margin"), [(16, (4, 2), 0), (20, (5, 2), 0), (28, (4, 3), 2)]
)
def test_seven_pixels_are_replaced_by_four_and_a_margin(resolution, start, margin):
    assert dcgan.base_and_doublings(resolution) == start
    base, doublings = start
    spec = ImageSpec(resolution, resolution, 1)
    assert dcgan.layout(spec) == ((base, base), doublings, (margin, margin))


def test_the_layout_of_every_rectangle_covers_it_with_equal_margins():
    for height, width in networks.supported("dcgan"):
        (rows, columns), doublings, (above, left) = dcgan.layout(ImageSpec(height, width, 1))
        assert rows << doublings == height + 2 * above
        assert columns << doublings == width + 2 * left
        assert 4 <= min(rows, columns) <= 7
        assert max(rows, columns) <= 14


@pytest.mark.parametrize(("height", "width"), [(16, 24), (32, 16), (28, 40), (20, 28)])
def test_rectangles_fit_both_networks(height, width):
    spec = ImageSpec(height, width, 3, classes=2)
    labels = tf.constant([0, 1])
    images = dcgan.build_generator(spec, SMALL)([tf.random.normal((2, 8)), labels])
    assert images.shape == (2, height, width, 3)
    assert dcgan.build_discriminator(spec, SMALL)([images, labels]).shape == (2,)


@pytest.mark.parametrize("wrong", ["abc", -3, 1.5, True])
def test_a_final_width_that_makes_no_sense_is_refused(wrong):
    with pytest.raises(InputError, match=f"final_width={wrong}: expected an integer of at least 0"):
        dcgan.build_generator(ImageSpec(16, 16, 1), SMALL, final_width=wrong)
