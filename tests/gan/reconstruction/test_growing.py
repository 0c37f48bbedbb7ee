"""A class-conditional training that grows and reconstructs its images."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from gan import stages
from gan.build import build_gan, compile_gan, set_precision_and_seed
from gan.callbacks.refresh_memory import RefreshMemory
from gan.config import Config, NetworkConfig
from gan.networks.base import ImageSpec
from gan.reconstruction.reconstruction_options import ReconstructionConfig

CLASSES = 3


def images_of(side, count=12):
    return np.random.default_rng(side).integers(0, 256, (count, side, side, 1), np.uint8)


def step(gan, side):
    images = tf.constant(images_of(side), tf.float32) / 127.5 - 1.0
    return gan.train_step((images, tf.range(12) % CLASSES))


@pytest.mark.slow
def test_a_saved_model_with_classes_trains_on_at_full_size(tmp_path):
    networks = NetworkConfig("progressive", latent_size=4, width=2, options=("first=8",))
    reconstruction = ReconstructionConfig(weight=1.0, features=0.0, encoder_width=2, entries=16)
    config = Config(networks=networks, reconstruction=reconstruction, precision="float32")
    set_precision_and_seed(config)
    gan = build_gan(config, ImageSpec(16, 16, 1, CLASSES))
    compile_gan(gan, config)
    refresh = RefreshMemory(images_of(16), np.arange(12, dtype=np.int32) % CLASSES, None, seed=0)
    refresh.set_model(gan)
    refresh.on_train_begin()
    refresh.on_train_batch_begin(0)
    step(gan, 8)
    refresh.on_epoch_end(0)
    gan.save(tmp_path / "gan.keras")
    loaded = keras.saving.load_model(tmp_path / "gan.keras")
    assert (gan.current.side, loaded.current.side) == (8, 16)
    for network in ("generator", "discriminator"):
        one, other = (each.trained_by(network) for each in (gan, loaded))
        assert [v.path for v in one] == [v.path for v in other]
        one, other = (getattr(each, f"{network}_optimizer").variables for each in (gan, loaded))
        for expected, found in zip(one, other, strict=True):
            np.testing.assert_array_equal(expected, found, err_msg=expected.path)
    latents, labels = tf.random.normal((6, 4), seed=0), tf.range(6) % CLASSES
    images = gan(latents, labels)
    np.testing.assert_allclose(loaded(latents, labels), images, atol=1e-5)
    same = gan(tf.zeros((CLASSES, 4)), tf.range(CLASSES)).numpy()
    assert np.abs(same[0] - same[1]).max() > 1e-4  # each label has its own codes

    stages.grow(gan)
    for each in (gan, loaded):
        before = [variable.numpy() for variable in each.reconstruction.encoder.trainable_variables]
        assert 0.0 < float(step(each, 16)["loss/reconstruction"]) < 10.0
        for variable, old in zip(
            each.reconstruction.encoder.trainable_variables, before, strict=True
        ):
            assert np.abs(variable.numpy() - old).max() > 0, variable.path
