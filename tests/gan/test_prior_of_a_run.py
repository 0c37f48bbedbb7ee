"""The prior of a run: in training, in its files, and in what reads them."""

import dataclasses
import json
import shutil

import keras
import numpy as np
import pytest
import tensorflow as tf

from common.errors import InputError
from common.losses.adversarial import ADVERSARIAL
from common.priors import PRIORS, Mixture, Spherical
from gan import build, generate, sample, saving
from gan.balance.base import Balance
from gan.config import Config, NetworkConfig
from gan.model import GAN
from gan.networks.base import ImageSpec
from gan.trainer import train

SPEC = ImageSpec(16, 16, 1)
SMALL = Config(networks=NetworkConfig(latent_size=8, width=4), precision="float32")


def with_prior(prior):
    """Return a GAN whose images are its latents."""
    networks = [keras.Sequential([keras.Input((256,)), keras.layers.Reshape((16, 16, 1))])]
    networks.append(keras.models.clone_model(networks[0]))
    discriminator = build.build_gan(SMALL, SPEC).discriminator
    return GAN(
        networks[0],
        discriminator,
        networks[1],
        loss=ADVERSARIAL["hinge"],
        balance=Balance([]),
        prior=prior,
        seed=3,
    )


@pytest.mark.parametrize("prior", PRIORS)
def test_the_training_step_draws_from_the_prior(prior):
    gan = with_prior(PRIORS[prior])
    images, _ = tf.function(gan.generate)(None, tf.zeros(5, tf.int32))
    expected = PRIORS[prior].sample(5, 256, keras.random.SeedGenerator(3))
    np.testing.assert_allclose(tf.reshape(images, (5, 256)), expected, rtol=1e-6)


def test_a_prior_given_in_python_trains_and_is_not_saved():
    class Tens:
        def sample(self, count, size, seed):
            return tf.fill((count, size), 10.0)

        def log_prob(self, latents):
            return tf.zeros(len(latents))

    gan = with_prior(Tens())
    images, _ = tf.function(gan.generate)(None, tf.zeros(5, tf.int32))
    np.testing.assert_array_equal(images, np.full((5, 16, 16, 1), 10.0))
    with pytest.raises(InputError, match="its prior is saved by name; expected one of normal"):
        saving.to_config(gan)


def test_a_saved_model_keeps_its_prior(monkeypatch):
    monkeypatch.setattr(saving, "NETWORKS", ())
    gan = build.build_gan(dataclasses.replace(SMALL, prior="mixture"), SPEC)
    described = json.loads(json.dumps(saving.to_config(gan)))
    assert saving.from_config(described)["prior"] == Mixture()
    del described["prior"]  # as in files of earlier versions
    assert saving.from_config(described)["prior"] == PRIORS["normal"]


@pytest.fixture
def with_sphere(finished, tmp_path):
    """A copy of a finished run that says that its prior is a sphere."""
    folder = shutil.copytree(finished[0], tmp_path / "sphere")
    about = json.loads((folder / "config.json").read_text())
    about["config"]["prior"] = "spherical"
    (folder / "config.json").write_text(json.dumps(about))
    return folder


def test_truncation_is_refused_for_a_sphere_and_out_of_its_bounds(with_sphere, finished, tmp_path):
    config = sample.Config(with_sphere, truncation=0.7, out=tmp_path / "x.png")
    with pytest.raises(InputError, match=r"--truncation 0.7: .* leave it out"):
        sample.check(config)
    sample.check(dataclasses.replace(config, truncation=1.0))
    sample.check(dataclasses.replace(config, run=finished[0]))
    for factor in (0.0, 1.5):
        with pytest.raises(InputError, match="--truncation: expected more than 0, at most 1"):
            sample.check(dataclasses.replace(config, truncation=factor))


def test_a_mapping_network_is_truncated_whatever_the_prior(with_sphere, tmp_path):
    about = json.loads((with_sphere / "config.json").read_text())
    about["config"]["networks"]["name"] = about["networks"]["family"] = "style_based"
    (with_sphere / "config.json").write_text(json.dumps(about))
    sample.check(sample.Config(with_sphere, truncation=0.7, out=tmp_path / "x.png"))


def test_sampling_draws_from_the_prior_of_the_run(with_sphere, tmp_path, monkeypatch):
    drawn, draw = [], generate.draw

    def recorded(generator, latents, *rest):
        drawn.append(latents)
        return draw(generator, latents, *rest)

    monkeypatch.setattr(generate, "draw", recorded)
    words = ["--run", str(with_sphere), "--count", "3", "--out", str(tmp_path / "x.png")]
    sample.main([*words, "--interpolation", str(tmp_path / "x.gif")])
    assert len(drawn) == 2  # the grid and the path
    for latents in drawn:
        assert np.isfinite(Spherical().log_prob(latents)).all()


@pytest.mark.slow
@pytest.mark.parametrize("prior", ["spherical", "truncated", "mixture"])
def test_a_run_trains_with_the_prior_and_says_so(tiny, prior):
    result = train(dataclasses.replace(tiny, prior=prior))
    assert result.status == "finished"
    about = json.loads((result.folder / "config.json").read_text())
    assert about["config"]["prior"] == prior
    generator, described = generate.stock_generator(result.folder)
    assert described["latent"]["prior"] == prior
    assert generator.inputs[0].shape[-1] == 8
