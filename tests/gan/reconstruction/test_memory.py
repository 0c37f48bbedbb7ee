import keras
import numpy as np
import pytest
from keras import layers

from common.priors import PRIORS
from gan.networks.base import ImageSpec
from gan.reconstruction import memory

SIZE = 6
SPEC = ImageSpec(1, 1, SIZE)


def generator(classes=0, temperature=0.05, entries=16, name="generator"):
    """A memory in front of a network that shows the codes as pixels."""
    code = keras.Input((SIZE,))
    inputs = [code, keras.Input((), dtype="int32")] if classes else code
    plain = keras.Model(inputs, layers.Reshape((1, 1, SIZE))(code), name=name)
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
    draws, codes = np.ones((memory.CHUNK + 2, 1)), np.array([[1.0], [0.0]])
    found = memory.balanced(draws, codes, np.zeros(2), 1.0, 30)
    np.testing.assert_allclose(found, [-0.5, 0.5], atol=1e-4)


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


def test_every_label_is_balanced_although_codes_outnumber_draws(monkeypatch):
    """Codes come sorted by label from a folder."""
    monkeypatch.setattr(memory, "DRAWS", 8)
    model, (codes, _) = generator(classes=3, temperature=1.0, entries=64), codes_and_labels(60)
    labels = np.repeat(np.arange(3, dtype=np.int32), 20)
    memory.fill(model, codes, labels, PRIORS["normal"], seed=0)
    counted = keras.Model(model.inputs, model.get_layer("memory_shares").output)
    latents = np.asarray(PRIORS["normal"].sample(20, SIZE, 0), np.float32)  # the draws
    for label in range(3):
        shares = counted([latents, np.full(20, label, np.int32)]).numpy().mean(axis=0)
        np.testing.assert_allclose(shares[:60], np.where(labels == label, 1 / 20, 0), atol=2e-3)


def test_a_generator_without_labels_has_a_memory_without_them():
    code = keras.Input((SIZE,))
    plain = keras.Model(code, layers.Reshape((1, 1, SIZE))(code))
    model = memory.with_memory(plain, ImageSpec(1, 1, SIZE, classes=3), 16, 0.05)
    memory.fill(model, *codes_and_labels(), PRIORS["normal"], seed=0)
    assert model(np.ones((2, SIZE), np.float32)).shape == (2, 1, 1, SIZE)


def test_a_memory_is_copied():
    source, target = generator(classes=3), generator(classes=3)
    memory.fill(source, *codes_and_labels(), PRIORS["normal"], seed=0)
    memory.copy(source, target)
    inputs = [np.ones((3, SIZE), np.float32), np.arange(3, dtype=np.int32)]
    np.testing.assert_array_equal(source(inputs), target(inputs))


def test_the_memory_does_not_train_and_the_decoder_is_what_it_was():
    model = generator(name="of_another_name")
    assert memory.has_memory(model)
    assert memory.decoder(model).name == "of_another_name"
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
