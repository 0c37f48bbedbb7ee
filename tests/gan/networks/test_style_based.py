import dataclasses
import itertools

import keras
import numpy as np
import pytest
import tensorflow as tf

from common.checkpoints import Checkpoints
from common.errors import InputError
from gan import directions, presets, project, sample, stock
from gan.build import build_gan
from gan.config import Config, NetworkConfig, StopConfig
from gan.networks import style_based
from gan.networks.base import ImageSpec
from gan.trainer import train
from tests.gan.tiny import run_of

SMALL = NetworkConfig("style_based", latent_size=8, width=4, minibatch_deviation=4)


def strengthen(network):
    """Give the noise of a generator a strength that shows."""
    for weight in network.weights:
        if weight.path.endswith("strength"):
            weight.assign(1.0)


@pytest.mark.parametrize("resolution", [16, 28, 40])
@pytest.mark.parametrize("depth", [1, 2])
def test_both_networks_have_the_resolution(resolution, depth):
    spec = ImageSpec(resolution, resolution, 3)
    generator = style_based.build_generator(spec, SMALL, depth=depth)
    discriminator = style_based.build_discriminator(spec, SMALL, discriminator_depth=depth)
    assert generator.output_shape == discriminator.input_shape == (None, resolution, resolution, 3)


def test_the_global_seed_decides_on_the_kernels_and_no_two_are_equal():
    spec, config = ImageSpec(16, 16, 1), NetworkConfig("style_based", latent_size=128, width=4)
    found = []
    for seed in (0, 0, 1):
        keras.utils.set_random_seed(seed)
        weights = style_based.build_generator(spec, config).weights
        found.append([w.numpy() for w in weights if w.path.endswith("kernel")])
    for one, again, other in zip(*found, strict=True):
        np.testing.assert_array_equal(one, again)
        assert np.abs(one - other).max() > 0
    for one, other in itertools.combinations(found[0], 2):
        assert one.shape != other.shape or np.abs(one - other).max() > 0


def test_activations_start_with_unit_mean_square():
    """So that no layer vanishes or saturates before the first update."""
    keras.utils.set_random_seed(0)
    generator = style_based.build_generator(ImageSpec(32, 32, 3), NetworkConfig("style_based"))
    maps = [layer.output for layer in generator.layers if isinstance(layer, keras.layers.LeakyReLU)]
    assert len(maps) == 5  # two layers of the mapping network, then 4, 8 and 16 pixels
    latents = np.random.default_rng(0).normal(size=(64, 64)).astype(np.float32)
    *found, images = keras.Model(generator.input, [*maps, generator.output])(latents)
    assert [float(tf.reduce_mean(x**2)) for x in found] == pytest.approx([1.0] * 5, rel=0.5)
    assert 0.05 < float(tf.math.reduce_std(images)) < 0.7


def test_new_images_have_no_checkerboard():
    """No energy at the frequency of the last stride, but for the border and tanh."""
    keras.utils.set_random_seed(0)
    generator = style_based.build_generator(ImageSpec(32, 32, 1), SMALL)
    for weight in generator.weights:
        if weight.path.endswith("kernel") and weight.shape[:2] == (4, 4):
            weight.assign(2.0 * weight)
    images = np.asarray(generator(np.random.default_rng(0).normal(size=(64, 8))))[:, :-1, :-1, 0]
    spectrum = (np.abs(np.fft.fft2(images[:, :30, :30])) ** 2).mean(axis=0)
    spectrum[0, 0] = 0.0
    assert spectrum[15].max() < 0.01 * spectrum.max()
    assert spectrum[:, 15].max() < 0.01 * spectrum.max()


def test_sampling_has_constant_noise_and_training_has_not():
    generator = style_based.build_generator(ImageSpec(16, 16, 1), SMALL)
    strengthen(generator)
    latents = tf.ones((2, 8))
    first, second = (generator(latents, training=False) for _ in range(2))
    np.testing.assert_array_equal(first, second)
    np.testing.assert_allclose(first[0], first[1], atol=1e-6)
    first, second = (generator(latents, training=True) for _ in range(2))
    for one, other in itertools.combinations([*first, *second], 2):
        assert np.abs(one - other).max() > 1e-3


def test_the_label_changes_images_and_logits():
    spec = ImageSpec(16, 16, 1, classes=3)
    images = style_based.build_generator(spec, SMALL)([tf.ones((2, 8)), tf.constant([0, 2])])
    assert np.abs(images[0] - images[1]).max() > 1e-3
    discriminator = style_based.build_discriminator(spec, SMALL)
    embedding = discriminator.get_layer("label_embedding")
    embedding.set_weights([np.random.default_rng(0).normal(size=embedding.get_weights()[0].shape)])
    logits = discriminator([tf.ones((2, 16, 16, 1)), tf.constant([0, 2])]).numpy()
    assert abs(logits[0] - logits[1]) > 1e-4


@pytest.mark.parametrize(("precision", "classes"), [("float32", 2), ("bfloat16", 0)])
def test_a_stock_generator_makes_the_same_images(precision, classes):
    keras.config.set_dtype_policy({"bfloat16": "mixed_bfloat16"}.get(precision, precision))
    config = presets.apply(Config(), "style_based")
    networks = dataclasses.replace(SMALL, options=("depth=2",))
    config = dataclasses.replace(config, networks=networks, precision=precision)
    spec = ImageSpec(16, 16, 3, classes)
    trained = build_gan(config, spec).ema_generator
    strengthen(trained)
    found = stock.to_stock(trained, config, spec)
    assert all(type(layer).__module__.startswith("keras.") for layer in found.layers)
    latents = np.random.default_rng(0).normal(size=(4, 8)).astype(np.float32)
    inputs = [latents, np.arange(4) % 2] if classes else latents
    tolerance = 1e-5 if precision == "float32" else 0.05
    np.testing.assert_allclose(found(inputs), trained(inputs), atol=tolerance)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ("depth=0", "depth=0: expected an integer of at least 1"),
        ("mapping_size=big", "mapping_size=big: expected an integer of at least 1"),
        ("discriminator_depth=1.5", "discriminator_depth=1.5: expected an integer"),
        ("path_length=-1", "path_length=-1: expected a number of at least 0"),
        ("path_length_interval=0", "path_length_interval=0: expected an integer of at least 1"),
    ],
)
def test_options_that_make_no_sense_are_refused(options, message):
    config = Config(networks=dataclasses.replace(SMALL, options=(options,)))
    with pytest.raises(InputError, match=f"--networks.options {message}"):
        build_gan(config, ImageSpec(16, 16, 1))


@pytest.mark.slow
def test_a_resumed_run_ends_with_the_same_bits(tiny):
    """With noise, lazy penalty and path lengths, interrupted between two of their turns."""
    config = presets.apply(tiny, "style_based")
    networks = dataclasses.replace(SMALL, options=("path_length=2", "path_length_interval=3"))
    config = dataclasses.replace(config, batch_size=8, penalty_interval=3, networks=networks)
    config = dataclasses.replace(config, stop=StopConfig(epochs=2, evaluate_every=0))
    whole = train(run_of(config, run_dir=tiny.run.run_dir.with_name("whole")))
    half = train(dataclasses.replace(config, stop=StopConfig(epochs=0.5, evaluate_every=0)))
    rest = train(run_of(config, run_dir=None, resume=half.folder))
    strengths = [w for w in whole.gan.generator.weights if w.path.endswith("strength")]
    assert all(abs(float(weight)) > 0 for weight in strengths)
    first, second = (Checkpoints(run.folder).load("last")[0] for run in (whole, rest))
    assert list(first) == list(second)
    for name, value in first.items():
        np.testing.assert_array_equal(value, second[name], err_msg=name)


@pytest.mark.slow
def test_a_run_is_truncated_walked_and_taken_apart(tiny, tmp_path):
    config = presets.apply(tiny, "style_based")
    folder = train(dataclasses.replace(config, batch_size=8, networks=SMALL)).folder

    def spread(*truncation):
        path = tmp_path / "s.npz"
        words = ["--run", str(folder), "--count", "32", "--npz", str(path), *truncation]
        assert sample.main([*words, "--interpolation", str(tmp_path / "walk.gif")]) == 0
        with np.load(path) as archive:
            return archive["images"].astype(float).std(axis=0).mean()

    assert 0 < spread("--truncation", "0.3") < 0.7 * spread()
    assert directions.main(["--run", str(folder), "--out", str(tmp_path / "d.png")]) == 0
    images = tmp_path / "images"
    images.mkdir()
    draw = ["--run", str(folder), "--count", "1", "--out", str(images / "a.png")]
    assert sample.main(draw) == 0
    words = ["--image", str(images / "a.png"), "--out", str(tmp_path / "p"), "--steps", "5"]
    assert project.main(["--run", str(folder), *words, "--starts", "4"]) == 0
    assert (tmp_path / "p" / "a.npz").exists()
