import numpy as np

from gan import stages
from gan.build import build_gan, compile_gan
from gan.callbacks.refresh_memory import RefreshMemory
from gan.config import Config, NetworkConfig
from gan.networks.base import ImageSpec
from gan.reconstruction.reconstruction_options import ReconstructionConfig


def test_the_same_random_half_of_the_images_is_encoded_flipped():
    images = np.random.default_rng(0).integers(0, 256, (200, 2, 3, 1), np.uint8)
    labels, index = np.zeros(200, np.int32), np.arange(50, 150)

    def shown(seed, flip=True):
        return RefreshMemory(images, labels, index, seed, horizontal_flip=flip).shown(index)

    np.testing.assert_array_equal(shown(3, flip=False), images[index])
    found = shown(3)
    flipped = (found == images[index, :, ::-1]).all(axis=(1, 2, 3))
    kept = (found == images[index]).all(axis=(1, 2, 3))
    assert (flipped ^ kept).all()
    assert 35 < flipped.sum() < 65
    np.testing.assert_array_equal(found, shown(3))
    assert not np.array_equal(found, shown(4))


def test_images_are_encoded_at_the_size_that_has_trained(monkeypatch):
    networks = NetworkConfig("progressive", latent_size=4, width=2, options=("first=8",))
    reconstruction = ReconstructionConfig(weight=1.0, features=0.0, encoder_width=2, entries=8)
    config = Config(networks=networks, reconstruction=reconstruction, precision="float32")
    gan = build_gan(config, ImageSpec(16, 16, 1))
    compile_gan(gan, config)
    images = np.random.default_rng(0).integers(0, 256, (8, 16, 16, 1), np.uint8)
    callback = RefreshMemory(images, np.zeros(8, np.int32), None, seed=0)
    callback.set_model(gan)
    callback.on_train_begin()
    encode, sides = gan.reconstruction.mean_codes, []
    monkeypatch.setattr(
        gan.reconstruction, "mean_codes", lambda x: sides.append(x.shape[1]) or encode(x)
    )
    callback.on_train_batch_begin(0)
    stages.grow(gan)
    callback.on_epoch_end(0)  # of the epoch that growth has ended
    callback.on_train_batch_begin(0)
    callback.on_epoch_end(1)
    assert sides == [8, 16]
    assert np.abs(gan.generator.get_layer("memory_values").kernel.numpy()).max() > 0
