import keras
import numpy as np
import pytest

from common.errors import InputError
from common.priors import PRIORS
from gan import mapping
from gan.config import NetworkConfig
from gan.networks import dcgan, style_based
from gan.networks.base import ImageSpec

SMALL = NetworkConfig("style_based", latent_size=4, width=4, kernels="keras")
LATENTS = np.random.default_rng(0).normal(size=(6, 4)).astype(np.float32)
LABELS = np.array([0, 1] * 3, np.int32)


def generator_of(classes=0):
    keras.utils.set_random_seed(0)
    return style_based.build_generator(ImageSpec(16, 16, 1, classes), SMALL)


def inputs(classes):
    return [LATENTS, LABELS] if classes else LATENTS


@pytest.mark.parametrize("classes", [0, 2])
def test_the_two_parts_are_the_whole(classes):
    generator = generator_of(classes)
    to_w, to_images = mapping.split(generator)
    w = to_w(inputs(classes))
    assert w.shape == (6, 128)
    np.testing.assert_allclose(to_images(w), generator(inputs(classes)), atol=1e-6)


@pytest.mark.parametrize("classes", [0, 2])
def test_truncation_moves_images_towards_the_mean_of_their_class(classes):
    generator, prior = generator_of(classes), PRIORS["spherical"]
    whole, half, mean = (
        np.asarray(mapping.truncate(generator, factor, prior, classes)(inputs(classes)))
        for factor in (1.0, 0.5, 0.0)
    )
    np.testing.assert_allclose(whole, generator(inputs(classes)), atol=1e-5)
    assert (
        np.abs(half - mean).mean(axis=(1, 2, 3)) < np.abs(whole - mean).mean(axis=(1, 2, 3))
    ).all()
    np.testing.assert_allclose(mean[0], mean[2], atol=1e-6)
    assert (np.abs(mean[0] - mean[1]).max() > 1e-4) == (classes > 0)


def test_the_mean_is_that_of_w():
    """For w = 2 z + 1 and images that are w: truncated by 0.5, z gives z + 1."""
    latent = keras.Input((4,))
    dense = keras.layers.Dense(4, name="mapped")
    model = keras.Model(latent, keras.layers.Reshape((2, 2, 1))(dense(latent)))
    dense.set_weights([2 * np.eye(4, dtype=np.float32), np.ones(4, np.float32)])
    found = mapping.truncate(model, 0.5)(LATENTS)
    np.testing.assert_allclose(np.reshape(found, (6, 4)), LATENTS + 1, atol=0.1)  # 4096 samples


def test_a_generator_without_a_mapping_network_is_refused():
    generator = dcgan.build_generator(ImageSpec(16, 16, 1), NetworkConfig(latent_size=4, width=4))
    assert not mapping.has_mapping(generator)
    with pytest.raises(InputError, match="no mapping network") as error:
        mapping.truncate(generator, 0.7)
    assert len(str(error.value).splitlines()) == 2
