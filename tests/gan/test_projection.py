"""The search for latent vectors, with a generator that can be inverted."""

import keras
import numpy as np
import pytest

from common.priors import PRIORS
from gan import generate, projection
from gan.projection_loss import Objective, Settings

SIDE, SIZE = 8, 4
QUICK = Settings(starts=6, kept=2, steps=60)


@pytest.fixture(scope="module")
def generator():
    """A conditional generator whose classes are bright in different halves."""
    keras.utils.set_random_seed(0)
    latent, label = keras.Input((SIZE,)), keras.Input((), dtype="int32")
    halves = keras.layers.Embedding(2, SIDE * SIDE)
    x = keras.layers.Dense(SIDE * SIDE, kernel_initializer="orthogonal")(latent)
    x = keras.layers.Add()([x, halves(label)])
    x = keras.layers.Reshape((SIDE, SIDE, 1))(x)
    model = keras.Model([latent, label], keras.layers.Activation("tanh")(x))
    bright = np.zeros((2, SIDE, SIDE), np.float32)
    bright[0, :4], bright[1, 4:] = 1.0, 1.0
    halves.set_weights([bright.reshape(2, -1)])
    return model


def search_for(generator, targets, **changes):
    arguments = {"classes": 2, "settings": QUICK, **changes}
    return projection.Search(generator, PRIORS["normal"], targets, **arguments)


def finish(search):
    while search.done < search.settings.steps:
        search.step()
    return search.results()


@pytest.mark.slow
def test_samples_of_the_generator_are_found_with_their_class(generator):
    latents = generate.draw_latents(2, SIZE, seed=9)
    labels = np.array([1, 0], np.int32)
    targets = generate.draw(generator, latents, labels)
    found = finish(search_for(generator, targets))
    assert [each.label for each in found] == [1, 0]
    assert max(each.pixel_error for each in found) < 0.01
    np.testing.assert_allclose([each.latent for each in found], latents, atol=0.1)
    assert found[0].frames.shape == (1 + QUICK.steps // 10, SIDE, SIDE, 1)
    errors = [np.abs(frame.astype(int) - targets[0]).mean() for frame in found[0].frames]
    assert errors[-1] < errors[0]


@pytest.mark.slow
def test_a_search_continues_with_the_same_bits(generator):
    targets = generate.draw(generator, generate.draw_latents(2, SIZE, 5), np.zeros(2, np.int32))
    whole = finish(search_for(generator, targets, label=0))
    for steps in (7, 25):  # while all starts are left, and after that
        first = search_for(generator, targets, label=0)
        while first.done < steps:
            first.step()
        second = search_for(generator, targets, label=0)
        second.restore({name: np.array(array) for name, array in first.state().items()})
        assert second.done == steps
        for one, other in zip(finish(second), whole, strict=True):
            np.testing.assert_array_equal(one.latent, other.latent)
            np.testing.assert_array_equal(one.frames, other.frames)


@pytest.mark.slow
@pytest.mark.parametrize("prior", ["spherical", "truncated"])
def test_latents_stay_in_their_prior(generator, prior):
    targets = np.full((1, SIDE, SIDE, 1), 255, np.uint8)  # that no latent vector makes
    search = projection.Search(
        generator, PRIORS[prior], targets, classes=2, settings=Settings(4, 2, 10)
    )
    latent = finish(search)[0].latent
    assert np.isfinite(PRIORS[prior].log_prob(latent[None])).all()


@pytest.mark.parametrize("channels", [1, 3, 4])
def test_the_loss_of_the_image_itself_is_that_of_its_prior(channels):
    latent = keras.Input((SIZE,))
    x = keras.layers.Dense(SIDE * SIDE * channels, "tanh")(latent)
    generator = keras.Model(latent, keras.layers.Reshape((SIDE, SIDE, channels))(x))
    latents = generate.draw_latents(3, SIZE, 0)
    targets = generate.draw(generator, latents[:1], np.zeros(1))
    objective = Objective(generator, PRIORS["normal"], targets, Settings(prior=0.5))
    losses = objective(keras.ops.convert_to_tensor(latents[None]), np.zeros((1, 3), np.int32))
    density = PRIORS["normal"].log_prob(latents[0])
    assert losses.shape == (1, 3)
    assert float(losses[0, 0]) == pytest.approx(-0.5 * density / SIZE, abs=3e-3)  # 8 bits
    assert float(losses[0, 1]) > float(losses[0, 0]) + 0.1


def test_the_nearest_images_come_first():
    def flat(*values):
        return np.repeat(np.uint8(values), 16).reshape(-1, 4, 4, 1)

    pool = flat(0, 50, 100, 150, 200)
    assert projection.nearest(flat(140, 0), pool, 2).tolist() == [[3, 2], [0, 1]]


def test_large_images_are_searched_one_by_one():
    assert projection.batch_size(32, 32, 64) == 16
    assert projection.batch_size(256, 256, 64) == 1
