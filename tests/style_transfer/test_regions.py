"""Style losses of regions, by hand and beside those of whole images."""

import numpy as np
import pytest
import tensorflow as tf

from common.extractors.compact import Features
from common.losses import style as losses
from style_transfer import regions
from style_transfer.extractors import Extractor, load
from style_transfer.masks import Guides, Masks
from style_transfer.objective import Objective, Weights
from style_transfer.tiling import tiled

ONE_LAYER = Weights({"pixels": 1.0}, {}, 0.0)


def halved(values):
    return tf.nn.avg_pool2d(values, 2, 2, "SAME")


def layers(image):
    """The image itself, and averages of 2x2 pixels."""
    coarse = halved(image)
    return {
        "pixels": Features(image, losses.moments(image)),
        "coarse": Features(coarse, losses.moments(coarse)),
    }


EXTRACTOR = Extractor("pixels", ("pixels", "coarse"), layers)


def split(height, width, columns):
    """Two regions: the first `columns` columns, and the others."""
    first = np.zeros((height, width), np.float32)
    first[:, :columns] = 1.0
    return np.stack([first, 1.0 - first])


@pytest.fixture
def images():
    random = np.random.default_rng(0)
    return [tf.constant(random.random((1, 8, 10, 3)), tf.float32) for _ in range(3)]


def total(objective, image):
    with tf.GradientTape() as tape:
        tape.watch(image)
        loss = tf.add_n([tf.reduce_sum(term) for term in objective(image).values()])
    return float(loss), tape.gradient(loss, image).numpy()


def test_each_region_is_compared_with_its_own_by_its_share_of_the_area(images):
    content, style, image = images
    guides = Guides(split(8, 10, 3), [split(8, 10, 6)[::-1]], None)
    found = Objective(EXTRACTOR, content, [(style, 1.0)], ONE_LAYER, guides=guides)(image)

    def distance(value, target):
        gram, goal = losses.gram_matrix(value), losses.gram_matrix(target)
        return np.sum((gram - goal) ** 2) / np.sum(goal**2)

    first = distance(image[:, :, :3], style[:, :, 6:])
    second = distance(image[:, :, 3:], style[:, :, :6])
    assert found["style/pixels"].shape == (1,)
    expected = 0.3 * first + 0.7 * second
    assert float(found["style/pixels"][0]) == pytest.approx(expected, rel=1e-4)


def test_several_styles_give_a_region_what_has_its_color(images):
    content, style, image = images
    other = 0.5 * style
    everywhere, nowhere = np.ones((8, 10), np.float32), np.zeros((8, 10), np.float32)
    first, second = np.stack([everywhere, nowhere]), np.stack([nowhere, everywhere])

    def loss(content_weights, styles, shares=(1.0, 3.0)):
        guides = Guides(content_weights, styles, None)
        pairs = list(zip((style, other), shares, strict=True))
        found = Objective(EXTRACTOR, content, pairs, ONE_LAYER, guides=guides)(image)
        return float(found["style/pixels"][0])

    alone = [
        float(Objective(EXTRACTOR, content, [(each, 1.0)], ONE_LAYER)(image)["style/pixels"][0])
        for each in (style, other)
    ]
    assert loss(first, [first, second]) == pytest.approx(alone[0], rel=1e-5)
    assert loss(second, [first, second]) == pytest.approx(alone[1], rel=1e-5)
    mixed = 0.25 * alone[0] + 0.75 * alone[1]
    assert loss(first, [first, first]) == pytest.approx(mixed, rel=1e-5)
    assert loss(first, [first, first], (1.0, 0.0)) == pytest.approx(alone[0], rel=1e-5)


@pytest.mark.parametrize("statistic", losses.MASKABLE)
def test_one_mask_everywhere_equals_no_mask(statistic):
    random = np.random.default_rng(1)
    content, style, image = (
        tf.constant(random.random((1, *size, 3)), tf.float32)
        for size in ((37, 50), (45, 41), (37, 50))
    )
    extractor = load("compact")
    deep, shallow = extractor.layers[-1], extractor.layers[0]
    weights = Weights({shallow: 1.0, deep: 2.0}, {deep: 0.3}, 0.1)
    whole = Masks(("white",), np.ones((1, 5, 7), np.float32), (np.ones((1, 4, 4), np.float32),))
    guides = whole.at((50, 37), [(41, 45)])
    plain, masked = (
        total(
            Objective(
                extractor, content, [(style, 1.0)], weights, statistic=statistic, guides=each
            ),
            image,
        )
        for each in (None, guides)
    )
    assert masked[0] == pytest.approx(plain[0], rel=1e-6)
    np.testing.assert_allclose(masked[1], plain[1], atol=1e-6 * np.abs(plain[1]).max())


def test_a_gradient_stays_in_its_region_and_does_not_depend_on_its_size(images):
    """At each pixel the pull of the style is that of an image without masks."""
    content, style, image = images
    pattern = image[:, :, :2]  # a region of a fifth that repeats, so that its moments are equal
    image = tf.tile(pattern, (1, 1, 5, 1))
    _, plain = total(Objective(EXTRACTOR, content, [(style, 1.0)], ONE_LAYER), image)
    nowhere = np.zeros((2, 8, 10), np.float32)
    nowhere[0] = 1.0
    small = split(8, 10, 2)
    objective = Objective(
        EXTRACTOR, content, [(style, 1.0)], ONE_LAYER, guides=Guides(small, [nowhere], None)
    )
    _, found = total(objective, image)
    np.testing.assert_allclose(found[:, :, :2], plain[:, :, :2], rtol=1e-3, atol=1e-7)
    assert not found[:, :, 2:].any()


def test_places_average_the_area_and_stay_a_partition_of_unity():
    random = np.random.default_rng(0)
    first = random.random((9, 11)).astype(np.float32)
    features = layers(tf.zeros((1, 9, 11, 3)))
    planes = [
        regions.place_weights(each, features, ("pixels", "coarse")) for each in (first, 1 - first)
    ]
    for layer in ("pixels", "coarse"):
        assert planes[0][layer].shape == (1, *features[layer].places)
        np.testing.assert_allclose(planes[0][layer] + planes[1][layer], 1.0, atol=1e-6)
    even = regions.place_weights(first[:8, :10], layers(tf.zeros((1, 8, 10, 3))), ("coarse",))
    assert float(even["coarse"][0, 1, 2]) == pytest.approx(first[2:4, 4:6].mean(), rel=1e-5)


def test_a_layer_in_which_a_region_is_smaller_than_a_place_is_left_out(images):
    content, style, image = images
    weights = Weights({"pixels": 1.0, "coarse": 1.0}, {}, 0.0)
    tiny = np.zeros((2, 8, 10), np.float32)
    tiny[0, 0, 0] = 1.0
    tiny[1] = 1.0 - tiny[0]
    objective = Objective(
        EXTRACTOR, content, [(style, 1.0)], weights, guides=Guides(tiny, [split(8, 10, 5)], None)
    )
    assert set(objective.regions[0].weights) == {"pixels"}
    assert set(objective.regions[1].weights) == {"pixels", "coarse"}
    assert np.isfinite(total(objective, image)[0])


def test_layers_on_the_same_values_share_their_moments():
    head = tf.random.stateless_normal((4, 1, 5), seed=(1, 2))
    values = tf.random.stateless_uniform((1, 6, 6, 3), seed=(1, 2))
    features = {name: Features(values, losses.moments(values), head) for name in ("one", "two")}
    upper = tf.constant(np.repeat([1.0, 0.0], 3)[None, :, None] * np.ones((1, 6, 6)), tf.float32)
    found = regions.weighted(features, {"one": upper, "two": upper})
    assert found["one"].own_moments is found["two"].own_moments
    cut = Features(values[:, :3], losses.moments(values[:, :3]), head).moments()
    np.testing.assert_allclose(found["one"].moments().second, cut.second, rtol=1e-4, atol=1e-5)


def test_what_is_kept_is_the_content_and_has_no_style(images):
    content, style, image = images
    keep = np.zeros((1, 8, 10, 1), np.float32)
    keep[:, :, 4:] = 1.0
    guides = Guides((1.0 - keep[..., 0]), [np.ones((1, 8, 10), np.float32)], keep)
    weights = Weights({"pixels": 1.0}, {"coarse": 0.5}, 0.1)
    objective = Objective(EXTRACTOR, content, [(style, 1.0)], weights, guides=guides)
    shown = tf.concat([image[:, :, :4], content[:, :, 4:]], axis=2)
    found, gradient = total(objective, image)
    assert found == pytest.approx(total(objective, shown)[0], rel=1e-6)
    assert not gradient[:, :, 4:].any()
    gram, goal = losses.gram_matrix(image[:, :, :4]), losses.gram_matrix(style)
    expected = 0.4 * np.sum((gram - goal) ** 2) / np.sum(goal**2)
    assert float(objective(image)["style/pixels"][0]) == pytest.approx(expected, rel=1e-4)
    # what is kept may have other colors than the target
    other = Objective(
        EXTRACTOR, content, [(style, 1.0)], weights, guides=guides, kept=1.0 - content
    )
    shown = tf.concat([image[:, :, :4], 1.0 - content[:, :, 4:]], axis=2)
    assert total(other, image)[0] == pytest.approx(total(other, shown)[0], rel=1e-6)
    assert total(other, image)[0] > found


@pytest.mark.slow
def test_the_gradient_of_a_large_image_in_tiles_is_that_of_the_whole():
    random = np.random.default_rng(2)
    whole = Extractor("pixels", ("pixels", "coarse"), layers, None, 2, 1)
    content, style, image = (
        tf.constant(random.random((1, 21, 18, 3)), tf.float32) for _ in range(3)
    )
    weights = Weights({"pixels": 1.0, "coarse": 2.0}, {"coarse": 0.5}, 0.1)
    keep = np.zeros((1, 21, 18, 1), np.float32)
    keep[:, :6] = 0.7
    guides = Guides(split(21, 18, 5) * (1.0 - keep[..., 0]), [split(21, 18, 11)], keep)
    found = []
    for extractor in (whole, tiled(whole, weights, side=8)):
        objective = Objective(extractor, content, [(style, 1.0)], weights, guides=guides)
        if extractor is not whole:
            for region in objective.regions:
                extractor.apply.expect(region.weights)
        found.append(total(objective, image))
    assert found[1][0] == pytest.approx(found[0][0], rel=1e-5)
    np.testing.assert_allclose(found[1][1], found[0][1], atol=1e-5 * np.abs(found[0][1]).max())


def test_the_strides_of_layers():
    assert regions.layer_strides(EXTRACTOR, ("coarse", "pixels")) == {"coarse": 2.0, "pixels": 1.0}
