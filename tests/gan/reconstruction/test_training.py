import dataclasses
from pathlib import Path

import keras
import numpy as np
import pytest
from PIL import Image

from common.checkpoints import Checkpoints
from gan.config import NetworkConfig, StopConfig
from gan.generate import draw_latents, load_generator
from gan.reconstruction.reconstruction_options import ReconstructionConfig
from gan.trainer import train
from tests.gan.tiny import run_of


@pytest.fixture
def reconstructing(tiny):
    """A tiny run that reconstructs its images."""
    return dataclasses.replace(
        tiny,
        networks=NetworkConfig(width=4, latent_size=8),
        reconstruction=ReconstructionConfig(weight=10.0, features=0.0, encoder_width=4, entries=64),
    )


@pytest.mark.slow
def test_a_resumed_run_ends_with_the_same_bits(reconstructing):
    stop = StopConfig(epochs=4, evaluate_every=0)
    config = dataclasses.replace(reconstructing, stop=stop)
    whole = train(run_of(config, run_dir=config.run.run_dir.with_name("whole")))
    half = train(dataclasses.replace(config, stop=StopConfig(epochs=2, evaluate_every=0)))
    rest = train(run_of(config, run_dir=None, resume=half.folder))
    first, second = (Checkpoints(run.folder).load("last")[0] for run in (whole, rest))
    assert list(first) == list(second)
    for name, value in first.items():
        np.testing.assert_array_equal(value, second[name], err_msg=name)
    assert 0.0 < whole.metrics["loss/reconstruction"] < 20.0


@pytest.mark.slow
def test_the_encoder_trains_and_the_images_of_a_run_come_from_its_memory(reconstructing):
    result = train(reconstructing)
    encoder = result.gan.reconstruction.encoder
    kernels = [v.numpy() for v in encoder.trainable_variables if v.name == "kernel"]
    generator, _ = load_generator(result.folder)
    stored = generator.get_layer("memory_values").kernel.numpy()
    images = len(np.unique(blob_images(reconstructing), axis=0))
    assert len(np.unique(stored, axis=0)) == images  # one code for each
    assert all(np.isfinite(kernel).all() for kernel in kernels)
    images = generator(draw_latents(16, 8, seed=0)).numpy()
    assert images.shape == (16, 16, 16, 1)
    assert np.ptp(images, axis=0).max() > 0.0


def blob_images(config):
    return np.stack([np.asarray(Image.open(path)) for path in Path(config.data.dataset).iterdir()])


@pytest.mark.slow
def test_a_saved_model_goes_on_with_its_encoder(reconstructing, tmp_path):
    gan = train(reconstructing).gan
    gan.save(tmp_path / "gan.keras")
    loaded = keras.saving.load_model(tmp_path / "gan.keras")
    for one, other in zip(gan.weights, loaded.weights, strict=True):
        np.testing.assert_array_equal(one, other)
    assert loaded.reconstruction.terms == gan.reconstruction.terms
