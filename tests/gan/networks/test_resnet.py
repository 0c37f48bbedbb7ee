import itertools

import keras
import numpy as np
import pytest
import tensorflow as tf

from common.errors import InputError
from gan.config import NetworkConfig
from gan.networks import base as networks
from gan.networks import resnet
from gan.networks.base import ImageSpec

SMALL = NetworkConfig(name="resnet", latent_size=8, width=4, normalization="none")


@pytest.mark.parametrize("resolution", resnet.RESOLUTIONS)
def test_every_resolution_starts_at_4_to_7_pixels_and_doubles(resolution):
    sizes = resnet.sizes(ImageSpec(resolution, resolution, 3))
    assert 4 <= sizes[-1][0] <= 7
    generator = resnet.build_generator(ImageSpec(resolution, resolution, 3), SMALL)
    discriminator = resnet.build_discriminator(ImageSpec(resolution, resolution, 3), SMALL)
    assert generator.output_shape == discriminator.input_shape == (None, resolution, resolution, 3)


def test_both_sides_of_every_rectangle_double_to_the_end():
    for height, width in networks.supported("resnet"):
        sizes = resnet.sizes(ImageSpec(height, width, 1))
        assert 4 <= min(sizes[-1]) <= 7
        for large, small in itertools.pairwise(sizes):
            assert large == (2 * small[0], 2 * small[1])


@pytest.mark.parametrize(("height", "width"), [(16, 24), (40, 28)])
def test_rectangles_fit_both_networks(height, width):
    spec = ImageSpec(height, width, 3)
    images = resnet.build_generator(spec, SMALL)(tf.random.normal((2, 8)))
    assert images.shape == (2, height, width, 3)
    assert resnet.build_discriminator(spec, SMALL)(images).shape == (2,)


def test_the_discriminator_does_not_mix_images():
    for normalization in ("none", "spectral"):
        config = NetworkConfig(name="resnet", width=4, normalization=normalization)
        discriminator = resnet.build_discriminator(ImageSpec(16, 16, 1), config)
        images = np.random.default_rng(0).normal(size=(4, 16, 16, 1)).astype(np.float32)
        changed = images.copy()
        changed[1:] += 1.0
        training = normalization == "none"  # spectral normalization changes at training calls
        first, other = (discriminator(x, training=training)[0] for x in (images, changed))
        assert float(first) == pytest.approx(float(other), abs=1e-5)
    for normalization in ("batch", "layer"):
        config = NetworkConfig(name="resnet", width=4, normalization=normalization)
        with pytest.raises(InputError, match=f"{normalization}: .*expected one of none, spectral"):
            resnet.build_discriminator(ImageSpec(16, 16, 1), config)


def test_batch_normalization_of_the_generator_is_an_option():
    def has_batch(**options):
        generator = resnet.build_generator(ImageSpec(16, 16, 1), SMALL, **options)
        return any(isinstance(x, keras.layers.BatchNormalization) for x in generator.layers)

    assert has_batch()
    assert not has_batch(generator_normalization="none")
    with pytest.raises(InputError, match="generator_normalization=layer: expected batch or none"):
        has_batch(generator_normalization="layer")


def test_a_new_discriminator_is_its_shortcuts():
    """The last kernels of all residual branches are zero, so only the shortcuts act."""
    discriminator = resnet.build_discriminator(ImageSpec(16, 16, 1), SMALL)
    zeros = [
        layer
        for layer in discriminator.layers
        if isinstance(layer, keras.layers.Conv2D) and not np.any(layer.kernel)
    ]
    doublings = len(resnet.sizes(ImageSpec(16, 16, 1))) - 1
    assert len(zeros) == doublings - 1  # one block per doubling but the outermost
    images = np.random.default_rng(0).normal(size=(2, 16, 16, 1)).astype(np.float32)
    before = discriminator(images).numpy()
    assert np.abs(before).min() > 0
    branch = next(x for x in discriminator.layers if isinstance(x, keras.layers.Conv2D))
    assert branch not in zeros


def test_labels_reach_both_networks():
    spec = ImageSpec(16, 16, 1, classes=3)
    generator = resnet.build_generator(spec, SMALL)
    images = generator([tf.ones((2, 8)), tf.constant([0, 2])]).numpy()
    assert np.abs(images[0] - images[1]).max() > 0
    discriminator = resnet.build_discriminator(spec, SMALL)
    embedding = discriminator.get_layer("label_embedding")
    embedding.set_weights([np.random.default_rng(0).normal(size=embedding.get_weights()[0].shape)])
    logits = discriminator([tf.ones((2, 16, 16, 1)), tf.constant([0, 2])]).numpy()
    assert abs(logits[0] - logits[1]) > 0


def test_the_widths_double_from_half_the_resolution():
    assert resnet.widths(32, 3) == [32, 64, 128]
    assert resnet.widths(4, 6)[-2:] == [32, 32]  # at most 8 times the base width
