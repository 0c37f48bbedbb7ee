import numpy as np
import pytest
import tensorflow as tf

from common.extractors.compact import Features
from common.losses import smoothness
from common.losses import style as losses
from common.losses.content import huber_distance, squared_distance
from style_transfer.extractors import Extractor
from style_transfer.objective import CONTENT, Objective, Weights


def of(values, head=None):
    return Features(values, losses.moments(values), head)


def pixels(image):
    """Two layers that are the picture itself, and twice it."""
    return {"one": of(image), "two": of(2.0 * image)}


EXTRACTOR = Extractor("pixels", ("one", "two"), pixels)


@pytest.fixture
def pictures():
    random = np.random.default_rng(0)
    return [tf.constant(random.random((1, 4, 6, 3)), tf.float32) for _ in range(3)]


def test_nothing_is_lost_at_the_target(pictures):
    content, _, _ = pictures
    objective = Objective(
        EXTRACTOR, content, [(content, 1.0)], Weights({"one": 1.0}, {"two": 3.0}, 0.0)
    )
    assert {name: float(value) for name, value in objective(content).items()} == {
        "style/one": 0.0,
        "content/two": 0.0,
    }


def test_every_term_by_hand(pictures):
    content, style, image = pictures
    objective = Objective(
        EXTRACTOR, content, [(style, 5.0)], Weights({"one": 1.0, "two": 3.0}, {"one": 0.7}, 0.2)
    )
    terms = objective(image)
    gram = losses.gram_distance(losses.moments(image), losses.moments(style))
    # Twice the picture is four times its Gram matrix: the same distance, as it is relative.
    assert float(terms["style/one"]) == pytest.approx(0.25 * float(gram), rel=1e-5)
    assert float(terms["style/two"]) == pytest.approx(0.75 * float(gram), rel=1e-5)
    expected = 0.7 * float(squared_distance(image, content))
    assert float(terms["content/one"]) == pytest.approx(expected, rel=1e-5)
    expected = 0.2 * float(smoothness.total_variation(image))
    assert float(terms["total_variation"]) == pytest.approx(expected, rel=1e-5)


def test_styles_weigh_in_proportion(pictures):
    first, second, image = pictures
    weights = Weights({"one": 1.0}, {}, 0.0)

    def loss(styles):
        return float(Objective(EXTRACTOR, image, styles, weights)(image)["style/one"])

    mixed = loss([(first, 1.0), (second, 3.0)])
    assert mixed == pytest.approx(0.25 * loss([(first, 1.0)]) + 0.75 * loss([(second, 9.0)]))


def test_a_corrected_loss_is_the_references_with_our_own_gradient(pictures):
    content, style, image = pictures
    squares = Extractor("squares", ("one", "two"), lambda image: pixels(tf.square(image)))
    weights = Weights({"one": 1.0, "two": 3.0}, {"one": 0.5}, 0.2)
    styles = [(style, 1.0), (content, 2.0)]
    ours = Objective(EXTRACTOR, content, styles, weights, reference=squares)
    theirs = Objective(squares, content, styles, weights)
    ours.correct(image)
    found, expected = ours(image), theirs(image)
    for layer in ("one", "two"):
        name = f"style/{layer}"
        assert float(found[name]) == pytest.approx(float(expected[name]), rel=1e-4)
    content_term = float(Objective(EXTRACTOR, content, styles, weights)(image)["content/one"])
    assert float(found["content/one"]) == pytest.approx(content_term)
    # |G + offset - G*|^2 in one direction, by differences: the offset stands still
    direction = tf.constant(np.random.default_rng(3).normal(size=image.shape), tf.float32)
    with tf.GradientTape() as tape:
        tape.watch(image)
        loss = ours(image)["style/one"]
    slope = float(tf.reduce_sum(tape.gradient(loss, image) * direction))
    ahead, behind = (float(ours(image + s * direction)["style/one"]) for s in (1e-2, -1e-2))
    assert slope == pytest.approx((ahead - behind) / 2e-2, rel=2e-2)


@pytest.mark.parametrize("places", [1, 4])
def test_content_through_a_head_is_the_distance_of_the_expanded_activations(pictures, places):
    content, image, _ = pictures
    head = tf.constant(np.random.default_rng(1).normal(size=(4, places, 7)), tf.float32)
    value, target = of(image, head), of(content, head)
    expected = squared_distance(value.expanded(), target.expanded())
    assert float(CONTENT["squared"](target)(value)) == pytest.approx(float(expected), rel=1e-4)
    expected = huber_distance(value.expanded(), target.expanded())
    assert float(CONTENT["huber"](target)(value)) == pytest.approx(float(expected), rel=1e-4)


@pytest.mark.parametrize("statistic", losses.STYLE)
@pytest.mark.parametrize("smoothness", smoothness.SMOOTHNESS)
def test_every_choice_has_a_finite_gradient(pictures, statistic, smoothness):
    content, style, image = pictures
    objective = Objective(
        EXTRACTOR,
        content,
        [(style, 1.0)],
        Weights({"one": 1.0}, {"two": 1.0}, 1.0),
        statistic,
        "huber",
        smoothness,
    )
    with tf.GradientTape() as tape:
        tape.watch(image)
        loss = tf.add_n(list(objective(image).values()))
    gradient = tape.gradient(loss, image).numpy()
    assert np.isfinite(gradient).all()
    assert np.abs(gradient).max() > 0
