import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import layers

from common.priors import PRIORS
from gan.networks.base import ImageSpec
from gan.reconstruction import memory

SIZE = 6
SPEC = ImageSpec(1, 1, SIZE)


def generator(classes=0, temperature=0.05, entries=16):
    """A memory in front of a network that shows the codes as pixels."""
    code = keras.Input((SIZE,))
    inputs = [code, keras.Input((), dtype="int32")] if classes else code
    plain = keras.Model(inputs, layers.Reshape((1, 1, SIZE))(code), name="generator")
    spec = ImageSpec(1, 1, SIZE, classes)
    return memory.with_memory(plain, spec, entries, temperature)


def codes_and_labels(count=12, classes=3):
    random = np.random.default_rng(0)
    codes = random.normal(size=(count, SIZE)).astype(np.float32)
    codes[0] *= 4.0  # without biases it would be chosen most of the time
    return codes, (np.arange(count) % classes).astype(np.int32)


def nearest(found, codes):
    """The index of the code that each image shows, and its distance."""
    distance = np.linalg.norm(found.reshape(-1, 1, SIZE) - codes, axis=2)
    return distance.argmin(axis=1), distance.min(axis=1)


def test_biases_by_hand():
    scores = tf.constant([[1.0, 0.0], [1.0, 0.0]])
    np.testing.assert_allclose(
        memory.balanced(scores, tf.zeros(2), 1.0, 30), [-0.5, 0.5], atol=1e-4
    )


def test_latents_lead_to_every_code_equally_often():
    model, (codes, labels) = generator(temperature=0.3), codes_and_labels()
    memory.fill(model, codes, labels, PRIORS["normal"], seed=0)
    latents = np.random.default_rng(1).normal(size=(6000, SIZE)).astype(np.float32)
    shares = keras.Model(model.inputs, model.get_layer("memory_shares").output)(latents).numpy()
    assert np.median(shares.max(axis=1)) > 0.7
    np.testing.assert_allclose(shares.mean(axis=0)[: len(codes)], 1 / len(codes), rtol=0.15)
    np.testing.assert_allclose(shares[:, len(codes) :], 0.0, atol=1e-6)


def test_a_label_leads_to_its_own_codes():
    model, (codes, labels) = generator(classes=3), codes_and_labels()
    memory.fill(model, codes, labels, PRIORS["normal"], seed=0)
    latents = np.random.default_rng(1).normal(size=(300, SIZE)).astype(np.float32)
    wanted = (np.arange(300) % 3).astype(np.int32)
    chosen, distance = nearest(model([latents, wanted]).numpy(), codes)
    sure = distance < 0.05
    assert sure.mean() > 0.8
    assert np.array_equal(labels[chosen[sure]], wanted[sure])


def test_the_memory_does_not_train_and_the_decoder_is_what_it_was():
    model = generator()
    assert memory.has_memory(model)
    assert not memory.has_memory(memory.decoder(model))
    assert model.trainable_variables == []
    assert memory.decoder(model).count_params() == 0
    assert model.output_shape == (None, 1, 1, SIZE)


def test_between_two_codes_the_way_is_continuous():
    model, (codes, labels) = generator(temperature=0.5), codes_and_labels()
    memory.fill(model, codes, labels, PRIORS["normal"], seed=0)
    ends = np.random.default_rng(2).normal(size=(2, SIZE))
    way = (ends[0] + np.linspace(0, 1, 2001)[:, None] * (ends[1] - ends[0])).astype(np.float32)
    found = model(way).numpy().reshape(-1, SIZE)
    steps = np.linalg.norm(np.diff(found, axis=0), axis=1)
    assert steps.max() < 0.2 < np.linalg.norm(found[0] - found[-1])


@pytest.mark.parametrize("count", [1, 2, 16])
def test_any_number_of_codes_that_fits(count):
    model, (codes, labels) = generator(), codes_and_labels(count, 1)
    memory.fill(model, codes, labels, PRIORS["normal"], seed=0)
    found = model(np.ones((4, SIZE), np.float32)).numpy()
    assert np.isfinite(found).all()
    assert nearest(found, codes)[1].max() < 1.0
