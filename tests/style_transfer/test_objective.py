import numpy as np
import pytest
import tensorflow as tf

from common.extractors.compact import Features
from common.losses import smoothness
from common.losses import style as losses
from common.losses.content import CONTENT, squared_distance
from style_transfer.extractors import Extractor
from style_transfer.objective import Objective, Weights


def of(values):
    return Features(values, losses.moments(values))


def pixels(image):
    """Two layers that are the image itself, and twice it."""
    return {"one": of(image), "two": of(2.0 * image)}


EXTRACTOR = Extractor("pixels", ("one", "two"), pixels)


@pytest.fixture
def images():
    random = np.random.default_rng(0)
    return [tf.constant(random.random((1, 4, 6, 3)), tf.float32) for _ in range(3)]


def number(value):
    assert value.shape == (1,)
    return float(value[0])


def test_the_terms_are_0_at_the_target(images):
    content, _, _ = images
    objective = Objective(
        EXTRACTOR, content, [(content, 1.0)], Weights({"one": 1.0}, {"two": 3.0}, 0.0)
    )
    assert {name: number(value) for name, value in objective(content).items()} == {
        "style/one": 0.0,
        "content/two": 0.0,
    }


def test_every_term_by_hand(images):
    content, style, image = images
    objective = Objective(
        EXTRACTOR, content, [(style, 5.0)], Weights({"one": 1.0, "two": 3.0}, {"one": 0.7}, 0.2)
    )
    terms = objective(image)
    gram, goal = losses.gram_matrix(image).numpy(), losses.gram_matrix(style).numpy()
    distance = np.sum((gram - goal) ** 2) / np.sum(goal**2)
    # Twice the image is four times its Gram matrix: the same distance, as it is relative.
    assert number(terms["style/one"]) == pytest.approx(0.25 * distance, rel=1e-5)
    assert number(terms["style/two"]) == pytest.approx(0.75 * distance, rel=1e-5)
    expected = 0.7 * number(squared_distance(image, content))
    assert number(terms["content/one"]) == pytest.approx(expected, rel=1e-5)
    expected = 0.2 * number(smoothness.total_variation(image))
    assert number(terms["total_variation"]) == pytest.approx(expected, rel=1e-5)


def test_a_batch_gives_one_value_per_image(images):
    content, style, image = images
    weights = Weights({"one": 1.0, "two": 3.0}, {"one": 0.7}, 0.2)
    objective = Objective(EXTRACTOR, content, [(style, 1.0)], weights)
    together = objective(tf.concat([image, content], axis=0))
    for index, alone in enumerate((objective(image), objective(content))):
        for name, value in alone.items():
            assert together[name].shape == (2,)
            found = float(together[name][index])
            assert found == pytest.approx(number(value), rel=1e-4, abs=1e-6), name


def test_styles_weigh_in_proportion(images):
    first, second, image = images
    weights = Weights({"one": 1.0}, {}, 0.0)

    def loss(styles):
        return number(Objective(EXTRACTOR, image, styles, weights)(image)["style/one"])

    mixed = loss([(first, 1.0), (second, 3.0)])
    assert mixed == pytest.approx(0.25 * loss([(first, 1.0)]) + 0.75 * loss([(second, 9.0)]))


@pytest.mark.parametrize("statistic", losses.STYLE)
@pytest.mark.parametrize("content_distance", CONTENT)
@pytest.mark.parametrize("smoothness", smoothness.SMOOTHNESS)
def test_every_choice_has_a_finite_gradient(images, statistic, content_distance, smoothness):
    content, style, image = images
    objective = Objective(
        EXTRACTOR,
        content,
        [(style, 1.0)],
        Weights({"one": 1.0}, {"two": 1.0}, 1.0),
        statistic=statistic,
        content_distance=content_distance,
        smoothness=smoothness,
    )
    with tf.GradientTape() as tape:
        tape.watch(image)
        loss = tf.add_n(list(objective(image).values()))
    gradient = tape.gradient(loss, image).numpy()
    assert np.isfinite(gradient).all()
    assert np.abs(gradient).max() > 0
