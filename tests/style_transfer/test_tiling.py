"""Losses and gradients of tiles against those of whole images."""

import dataclasses

import keras
import numpy as np
import pytest
import tensorflow as tf

from common.errors import InputError
from common.extractors.compact import WEIGHTS, Features
from common.losses.content import CONTENT
from common.losses.feature_map import moments
from common.losses.style import STYLE
from style_transfer import extractors, optimize
from style_transfer.extractors import Extractor
from style_transfer.image_model import StyledImage, TiledImage
from style_transfer.lbfgs import fit_lbfgs
from style_transfer.objective import Objective, Weights
from style_transfer.tile_layout import is_large
from style_transfer.tiling import tiled
from tests.style_transfer.bowl import fit
from tests.style_transfer.quick import quick
from tests.style_transfer.test_receptive_fields import VGG_19, narrow_vgg

SIZE = (53, 75)  # odd, and two tiles to each side
ROW = (37, 75)  # one row of tiles
TINT = tf.constant([1.0, 0.6, 0.2])


def smooth(size, seed):
    """Return an image (1, H, W, 3) with structure of all sizes."""
    random = np.random.default_rng(seed)
    coarse = tf.image.resize(random.random((1, 5, 7, 3)), size, "bicubic")
    return tf.clip_by_value(coarse + random.normal(0, 0.05, (1, *size, 3)), 0.0, 1.0)


def kinds(extractor, weights, side):
    """Yield an extractor with its kind of model: of the whole image, and by tiles."""
    yield extractor, StyledImage
    yield tiled(extractor, weights, side), TiledImage


def both(extractor, weights, side, size, **losses):
    """Return the losses and the gradient of a whole image, and those by tiles."""
    image, content, style = smooth(size, 0), smooth(size, 1), TINT * smooth(size[::-1], 2)
    results = []
    for each, kind in kinds(extractor, weights, side):
        objective = Objective(each, content, [(style, 1.0)], weights, **losses)
        logs, gradient = kind(image, objective).evaluation()()
        results.append(({name: float(value) for name, value in logs.items()}, gradient.numpy()))
    return results


def assert_equal(whole, by_tiles, relative=1e-5):
    assert by_tiles[0] == pytest.approx(whole[0], rel=relative)
    assert np.linalg.norm(by_tiles[1] - whole[1]) <= relative * np.linalg.norm(whole[1])


@pytest.fixture(scope="module")
def shallow():
    return extractors.load(str(WEIGHTS))


@pytest.mark.slow
def test_tiles_give_the_losses_and_gradients_of_the_whole_image(shallow):
    weights = Weights(dict.fromkeys(shallow.layers, 1.0), {"relu2_1": 0.5, "relu3_1": 1.0}, 0.1)
    assert_equal(*both(shallow, weights, 48, SIZE))


@pytest.mark.slow
@pytest.mark.parametrize("content_distance", CONTENT)
@pytest.mark.parametrize("statistic", STYLE)
def test_tiles_of_every_statistic(shallow, statistic, content_distance):
    weights = Weights(dict.fromkeys(shallow.layers, 1.0), {"relu2_1": 0.5, "relu3_1": 1.0}, 0.1)
    losses = {"statistic": statistic, "content_distance": content_distance}
    assert_equal(*both(shallow, weights, 48, ROW, **losses))


@pytest.mark.slow
def test_tiles_of_the_embedded_extractor():
    extractor = extractors.load("compact")
    weights = Weights(dict.fromkeys(extractor.layers, 1.0), {extractor.layers[-1]: 1.0}, 0.1)
    assert_equal(*both(extractor, weights, 256, (203, 331)))


@pytest.mark.slow
@pytest.mark.parametrize(("layers", "side", "size"),
                         [(VGG_19[:5], 36, SIZE), (VGG_19, 192, (171, 307))])  # fmt: skip
@pytest.mark.parametrize("pooling", ["max", "average"])
def test_tiles_of_a_vgg(layers, side, size, pooling):
    extractor = narrow_vgg(layers, pooling)
    weights = Weights({layers[0]: 1.0, layers[-1]: 1.0}, {layers[-2]: 1.0}, 0.0)
    assert_equal(*both(extractor, weights, side, size))


@pytest.mark.slow
def test_what_a_loss_reads_without_notice_is_computed_as_well(shallow, monkeypatch):
    """Activations of a style layer, and moments of a content layer."""

    def sorted_values(target):
        goal = tf.sort(tf.reduce_mean(target.expanded(), axis=-1))

        def loss(value):
            found = tf.sort(tf.reduce_mean(value.expanded(), axis=-1))
            return tf.reduce_mean(tf.abs(found[:, :18, :18] - goal[:, :18, :18]))[None]

        return loss

    def mean(target):
        goal = target.moments().mean
        return lambda value: tf.reduce_sum(tf.square(value.moments().mean - goal), axis=1)

    monkeypatch.setitem(STYLE, "sorted", sorted_values)
    monkeypatch.setitem(CONTENT, "mean", mean)
    weights = Weights({"relu1_1": 1.0, "relu2_1": 1.0}, {"relu3_1": 1.0}, 0.0)
    assert_equal(*both(shallow, weights, 48, ROW, statistic="sorted", content_distance="mean"))


def models(extractor):
    """Yield the same image as a whole and by tiles."""
    weights = Weights({"relu1_1": 1.0, "relu3_1": 1.0}, {"relu3_1": 1.0}, 0.1)
    for each, kind in kinds(extractor, weights, 48):
        objective = Objective(each, smooth(ROW, 1), [(TINT * smooth((39, 41), 2), 1.0)], weights)
        yield kind(smooth(ROW, 0), objective)


@pytest.mark.slow
def test_lbfgs_goes_the_same_way(shallow):
    losses = []
    for model in models(shallow):
        heard = []
        listen = keras.callbacks.LambdaCallback(
            on_train_batch_end=lambda batch, logs, heard=heard: heard.append(logs["loss"])
        )
        fit_lbfgs(model, 4, [listen])
        losses.append(heard)
    assert losses[1] == pytest.approx(losses[0], rel=1e-4)
    assert losses[0][-1] < 0.9 * losses[0][0]


@pytest.mark.slow
def test_adam_takes_the_same_steps(shallow):
    averages = []
    for model in models(shallow):
        fit(model, 10, execution=model.EXECUTION)
        assert model.steps_done == 10
        averages.append(model.average.numpy())
    assert np.abs(averages[1] - averages[0]).mean() < 1e-3


@pytest.mark.slow
def test_paint_uses_tiles_beyond_its_limit(shallow, content, style):
    seen = {}

    def note(batch, logs):
        width, height = hear.model.image.shape[2:0:-1]
        seen.setdefault((width, height), []).append((batch, type(hear.model)))

    hear = keras.callbacks.LambdaCallback(on_train_batch_end=note)
    whole, _ = optimize.paint(content, style, quick(80), extractor=shallow)
    config = quick(80, optimization={"tile": 56})
    by_tiles, _ = optimize.paint(content, style, config, [hear], shallow)
    *small, large = seen
    assert large == (60, 80)
    assert {kind for size in small for _, kind in seen[size]} == {StyledImage}
    assert seen[large] == [(batch, TiledImage) for batch in range(6)]
    assert np.abs(by_tiles - whole).mean() < 1e-3


def test_an_extractor_of_unknown_radius_is_never_tiled():
    unknown = Extractor("unknown", ("all",), lambda x: {"all": Features(x, moments(x))})
    assert not is_large((10_000, 10_000), unknown, 1000)
    assert is_large((200, 6670), dataclasses.replace(unknown, radius=0), 1000)
    assert not is_large((1000, 1333), dataclasses.replace(unknown, radius=0), 1000)


def test_tiles_that_are_too_small_are_refused(shallow):
    with pytest.raises(InputError, match=r"tile=27: expected at least 28, .* sees 10 pixels"):
        tiled(shallow, Weights({}, {}, 0.0), 27)
