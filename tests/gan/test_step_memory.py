import dataclasses

import keras
import pytest
import tensorflow as tf

from common import free_memory
from common.distribution.replicas import Replicas
from common.errors import InputError
from gan import step_memory
from gan.build import build_gan
from gan.networks.base import ImageSpec
from gan.reconstruction.reconstruction_options import ReconstructionConfig

GIB = 2**30


def test_activations_are_the_outputs_of_all_layers():
    image = keras.Input((4, 6, 3))
    x = keras.layers.Conv2D(2, 1, dtype="mixed_bfloat16")(image)  # 4 * 6 * 2 numbers of 2 bytes
    inner = keras.Sequential([keras.Input((4, 6, 2)), keras.layers.ReLU(), keras.layers.Flatten()])
    x = inner(x)  # 2 * 48 numbers of 4 bytes
    network = keras.Model(image, keras.ops.mean(x, axis=1))  # one number
    assert step_memory.activations(network) == 96 + 2 * 192 + 4


def test_networks_that_are_no_graphs_are_not_estimated():
    class Subclassed(keras.Model):
        def call(self, x):
            return x

    assert step_memory.activations(Subclassed()) is None


def test_an_estimate_grows_with_the_batch_and_inverts():
    found = step_memory.Estimate(fixed=100.0, per_image=10.0)
    assert found.total(found.largest_batch(1000.0)) <= 1000.0 < found.total(91)
    assert found.largest_batch(50.0) == 0


def test_more_pixels_width_and_a_penalty_need_more(tiny):
    def bytes_of(side=32, **changes):
        networks = dataclasses.replace(tiny.networks, normalization="none", **changes)
        config = dataclasses.replace(tiny, networks=networks)
        return step_memory.estimate(build_gan(config, ImageSpec(side, side, 3))).per_image

    assert bytes_of(64) == pytest.approx(4 * bytes_of(), rel=0.1)
    assert bytes_of(width=8) == pytest.approx(2 * bytes_of(), rel=0.2)
    penalized = dataclasses.replace(
        tiny, penalty="r1", networks=dataclasses.replace(tiny.networks, normalization="none")
    )
    gan = build_gan(penalized, ImageSpec(32, 32, 3))
    assert step_memory.estimate(gan).per_image > 1.3 * bytes_of()
    reconstructing = dataclasses.replace(tiny, reconstruction=ReconstructionConfig(weight=1.0))
    gan = build_gan(reconstructing, ImageSpec(32, 32, 3))
    features = 0.75 * step_memory.FEATURE_BYTES * 32 * 32
    assert step_memory.estimate(gan).per_image > features + bytes_of()


def test_a_frozen_network_in_the_discriminator_is_counted(tiny):
    networks = dataclasses.replace(tiny.networks, name="projected", normalization="spectral")
    gan = build_gan(dataclasses.replace(tiny, networks=networks), ImageSpec(32, 32, 3))
    outputs = step_memory.activations(gan.discriminator)
    features = step_memory.FEATURE_BYTES * 32 * 32
    assert step_memory.estimate(gan).per_image > 0.75 * (2 * outputs + features)


@pytest.mark.skipif(bool(tf.config.list_physical_devices("GPU")), reason="only of main memory")
def test_a_step_that_does_not_fit_is_refused_with_a_batch_size_that_does(tiny, monkeypatch):
    config = dataclasses.replace(tiny, batch_size=4096)
    gan = build_gan(config, ImageSpec(32, 48, 1))
    found = step_memory.estimate(gan)
    memory = found.total(1000)
    monkeypatch.setattr(free_memory, "available", lambda: memory)
    step_memory.check(gan, dataclasses.replace(config, batch_size=1000), Replicas())
    with pytest.raises(
        InputError, match=r"--batch-size 4096: .* 32x48 pixels needs about"
    ) as error:
        step_memory.check(gan, config, Replicas())
    advised = int(str(error.value).splitlines()[1].split()[1])
    assert 0.8 * memory < found.total(advised) <= step_memory.RESERVE * memory
    monkeypatch.setattr(free_memory, "available", lambda: 1000)
    with pytest.raises(InputError, match="no batch size would fit"):
        step_memory.check(gan, config, Replicas())
    monkeypatch.setattr(free_memory, "available", lambda: None)
    step_memory.check(gan, config, Replicas())
