import itertools

import keras
import numpy as np
import pytest
import tensorflow as tf

from common.images import as_image
from style_transfer import optimize, prepare, stylize
from style_transfer.image_model import StyledImage
from style_transfer.strength import (
    ALONE,
    SCALES,
    Dial,
    FollowDial,
    content_distance,
    usual_scale,
)
from tests.style_transfer.quick import quick


class Blend:
    """Style and content pull a gray image towards 1 and 0; the balance is 1 / (1 + 25 scale)."""

    def __init__(self, style_weight=1.0):
        self.content_scale = tf.Variable(1.0)
        self.style_weight = style_weight

    def __call__(self, image):
        return {
            "style/a": self.style_weight * tf.reduce_mean((image - 1.0) ** 2)[None],
            "content/b": 25.0 * self.content_scale * tf.reduce_mean(image**2)[None],
        }


def fit(terms, iterations, callbacks):
    model = StyledImage(np.full((1, 4, 4, 3), 0.5, np.float32), terms)
    model.compile(keras.optimizers.Adam(0.02, beta_2=0.99), steps_per_execution=10)
    ticks = tf.data.Dataset.from_tensors(0.0).repeat()
    model.fit(ticks, steps_per_epoch=iterations, callbacks=callbacks, verbose=0)
    return model


def test_the_usual_scale_is_even_around_a_half():
    assert usual_scale(0.5) == 1.0
    assert usual_scale(0.25) == 9.0
    assert usual_scale(0.75) == pytest.approx(1 / 9)
    assert usual_scale(1.0) == 0.0


def test_the_content_distance_is_the_content_loss_without_its_scale():
    logs = {"content/a": 1.0, "content/b": tf.constant(2.0), "style/a": 5.0, "loss": 8.0}
    assert content_distance(logs, 4.0) == 0.75


def test_what_the_palette_changes_counts():
    dial = Dial(0.5)
    dial.alone, dial.shift = 0.8, 0.2
    assert dial.target == pytest.approx(0.5 * (0.8 + 0.2) - 0.2)
    dial.shift = 0.7  # nearly all that is asked for
    assert dial.target == pytest.approx(0.3 * 0.5 * (0.8 + 0.7))


def test_the_weight_grows_beyond_the_target_and_falls_below_it():
    dial = Dial(0.5)
    dial.alone = 0.8
    assert dial.target == 0.4
    dial.follow({"content/a": 0.4}, 10)
    assert dial.scale == 1.0
    dial.follow({"content/a": 0.6}, 10)  # half as far again as it should be
    assert dial.scale == pytest.approx(np.exp(0.04 * 10 * np.log(1.5)))
    dial.scale = 1.0
    dial.follow({"content/a": 0.2}, 10)
    assert dial.scale == pytest.approx(np.exp(0.04 * 10 * np.log(0.5)))


def test_the_weight_is_bounded():
    dial = Dial(0.5)
    dial.alone = 1e-9
    for _ in range(100):
        dial.follow({"content/a": 1.0 * dial.scale}, 100)
    assert dial.scale == SCALES[1]
    dial.alone = 1.0
    for _ in range(100):
        dial.follow({"content/a": 0.0}, 100)
    assert dial.scale == SCALES[0]


def test_a_diverged_stage_changes_nothing():
    dial = Dial(0.5)
    dial.alone = 0.8
    dial.follow({"content/a": float("nan")}, 10)
    assert dial.scale == 1.0
    dial.alone = float("nan")
    dial.follow({"content/a": 0.4}, 10)
    assert dial.scale == 1.0


@pytest.mark.parametrize("style_weight", [1.0, 10.0])
@pytest.mark.parametrize("strength", [0.2, 0.5, 0.9])
def test_the_distance_is_the_strengths_share_whatever_the_scale_of_the_losses(
    strength, style_weight
):
    terms = Blend(style_weight)
    terms.content_scale.assign(ALONE)
    alone = 25.0 * float(np.mean(fit(terms, 200, []).image.numpy() ** 2))
    assert alone == pytest.approx(25.0, rel=0.01)  # the style alone: an image of ones
    dial = Dial(strength)
    dial.alone = alone
    model = fit(terms, 1000, [FollowDial(dial, terms.content_scale)])
    distance = 25.0 * float(np.mean(model.image.numpy() ** 2))
    assert distance == pytest.approx(strength * alone, rel=0.1)


@pytest.mark.slow
def test_the_content_distance_is_the_strengths_share_of_that_of_the_style_alone(content, style):
    extractor = optimize.load_extractor(quick())

    def features(image):
        return extractor(tf.constant(image[None, ..., :3]))["relu3_1"].values

    def distance(strength):
        config = quick(strength=strength, total_variation=0.0, optimization={"iterations": 60})
        result = stylize.stylize(content, style, config, extractor=extractor)
        goal, _ = prepare.prepare(as_image(content), [], result.shape[1::-1], config)
        return float(tf.reduce_mean((features(result) - features(goal)) ** 2))

    found = {strength: distance(strength) for strength in (0.0, 0.3, 0.5, 0.8, 1.0)}
    assert found[0.0] == pytest.approx(0.0, abs=1e-6)
    for before, after in itertools.pairwise(found):
        step = (found[after] - found[before]) / found[1.0]
        assert step == pytest.approx(after - before, abs=after - before)
