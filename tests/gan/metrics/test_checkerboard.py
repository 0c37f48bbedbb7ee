import keras
import numpy as np
import pytest
import tensorflow as tf

from gan.config import NetworkConfig
from gan.metrics.checkerboard import checkerboard, peaks
from gan.networks import dcgan
from gan.networks.base import ImageSpec

BOUNDS = {"resize": 2.0, "transposed": 2000.0, "subpixel": 2000.0}
"""Largest peak of a random generator at 64 pixels. Measured with three seeds: below 1 with
resize, 240 to 920 with transposed convolutions, 390 to 1180 with sub-pixel ones."""


def noise(seed, *shape):
    return np.random.default_rng(seed).normal(size=shape)


@pytest.mark.parametrize("shape", [(32, 32), (32, 48), (30, 18)])
def test_noise_has_no_peaks(shape):
    found = peaks(noise(0, 1000, *shape, 1))
    assert {period: len(ratios) for period, ratios in found.items()} == {2: 3, 4: 12}
    for ratios in found.values():
        np.testing.assert_allclose(ratios, 1.0, atol=0.2)


def test_a_pattern_is_found_at_its_period_and_as_strong_as_it_is():
    """Under the window w, a tone a (-1)^(x + y) has the power (a sum(w))^2, noise sum(w^2)."""
    rows, columns = np.indices((32, 32))
    window = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(32) / 32)
    gain = (window.sum() ** 2 / (window**2).sum()) ** 2  # of both axes
    images = noise(0, 1000, 32, 32, 1)
    board = ((-1.0) ** (rows + columns))[..., None]
    for amplitude in (0.1, 0.5):
        found = peaks(images + amplitude * board)
        assert found[2].max() == pytest.approx(1.0 + amplitude**2 * gain, rel=0.1)
        assert found[4].max() < 1.2
    stripes = ((rows % 4) == 0)[..., None]  # periods of 4 and 2 pixels, along one axis
    found = peaks(images + stripes)
    assert (found[4] > 20).sum() == 2  # a frequency and its mirror
    assert (found[2] > 20).sum() == 1


def test_real_images_are_the_scale():
    real, fake = noise(0, 500, 32, 32, 3), noise(1, 500, 32, 32, 3)
    board = (np.indices((32, 32)).sum(axis=0) % 2)[..., None]
    assert max(checkerboard(real, fake).values()) < 1.2
    assert checkerboard(real, fake + board)["2"] > 50
    assert checkerboard(real + board, fake + board)["2"] < 1.2
    assert checkerboard(100 * real, 100 * (fake + board)) == pytest.approx(
        checkerboard(real, fake + board), rel=1e-3
    )
    flat = np.full((20, 16, 16, 1), 7, np.uint8)
    assert checkerboard(flat, flat) == {"2": 1.0, "4": 1.0}


@pytest.mark.parametrize(("kernel", "uneven"), [(2, False), (3, True), (4, False), (5, True)])
def test_uneven_overlap_of_a_transposed_convolution_is_seen(kernel, uneven):
    """Odena et al. 2016: kernels that are no multiple of the stride repeat some pixels more."""
    inputs = tf.constant(5.0 + noise(0, 100, 16, 16, 1), tf.float32)
    kernels = tf.ones((kernel, kernel, 1, 1))
    images = tf.nn.conv2d_transpose(inputs, kernels, (100, 32, 32, 1), 2, "SAME")
    assert (peaks(images.numpy())[2].max() > 100) == uneven


@pytest.mark.parametrize("upsampling", dcgan.UPSAMPLING)
def test_a_random_generator_stays_under_the_bound_of_its_upsampling(upsampling):
    keras.utils.set_random_seed(0)
    config = NetworkConfig(upsampling=upsampling)
    generator = dcgan.build_generator(ImageSpec(64, 64, 3), config)
    images = generator(tf.random.normal((64, config.latent_size), seed=1)).numpy()
    largest = max(found.max() for found in peaks(images).values())
    assert largest < BOUNDS[upsampling]


def test_the_default_upsampling_has_a_bound():
    assert NetworkConfig().upsampling in BOUNDS
