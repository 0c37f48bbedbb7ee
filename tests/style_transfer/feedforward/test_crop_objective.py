import numpy as np
import pytest
import tensorflow as tf

from style_transfer import extractors
from style_transfer.feedforward.crop_objective import CropObjective
from style_transfer.objective import Objective, Weights

WEIGHTS = Weights({"relu1_1": 1.0, "fire5": 2.0}, {"relu2_1": 0.5}, 0.3)


@pytest.fixture(scope="module")
def extractor():
    return extractors.load("compact")


@pytest.mark.parametrize("chosen", [[0, 0, 0], [1, 0, 1]])
def test_a_batch_costs_what_each_crop_costs_with_its_own_content_and_style(extractor, chosen):
    random = np.random.default_rng(0)
    styles = [tf.constant(random.random((1, 40, 48, 3), np.float32)) for _ in set(chosen)]
    crops, images = tf.constant(random.random((2, 3, 32, 32, 3), np.float32))
    objective = CropObjective(extractor, styles, WEIGHTS, side=32)
    objective.content_scale.assign(2.0)
    found = objective.of_crops(images, crops, tf.constant(chosen))
    for number, style in enumerate(chosen):
        alone = Objective(
            extractor,
            crops[number : number + 1],
            [(styles[style], 1.0)],
            WEIGHTS,
            statistic="gram_and_mean",
        )
        alone.content_scale.assign(2.0)
        expected = alone(images[number : number + 1])
        assert found.keys() == expected.keys()
        for name, value in expected.items():
            np.testing.assert_allclose(found[name][number], value[0], rtol=2e-3, err_msg=name)


def test_the_targets_of_the_styles_are_computed_once(extractor):
    calls = []

    def counted(image):
        calls.append(image.shape[1])
        return extractor(image)

    counting = extractors.Extractor("counting", extractor.layers, counted)
    style = tf.zeros((1, 40, 40, 3))
    objective = CropObjective(counting, [style], Weights({"relu1_1": 1.0}, {}, 0.0), side=32)
    calls.clear()
    for _ in range(2):
        objective.of_crops(tf.ones((2, 32, 32, 3)), tf.ones((2, 32, 32, 3)), tf.constant([0, 0]))
    assert calls == [32, 32]  # the images; without a content loss not the crops
