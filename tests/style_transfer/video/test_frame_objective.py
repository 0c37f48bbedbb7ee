"""An objective that takes one frame after the other."""

import numpy as np
import pytest
import tensorflow as tf

from style_transfer import extractors
from style_transfer.objective import Objective, Weights
from style_transfer.video.frame_objective import FrameObjective

WEIGHTS = Weights({"relu1_1": 1.0}, {"relu3_1": 0.5}, 0.1)


def test_the_next_frame_has_the_losses_of_a_new_objective():
    first, second, style, image = tf.constant(
        np.random.default_rng(0).random((4, 1, 16, 16, 3), np.float32)
    )
    extractor = extractors.load(str(extractors.REFERENCE))
    following = FrameObjective(extractor, first, [(style, 1.0)], WEIGHTS, penalty=100.0)
    assert float(following(image)["temporal"][0]) == 0.0
    trust = np.zeros((1, 16, 16, 1), np.float32)
    trust[:, :4] = 1.0
    following.begin(second, image + 0.1, tf.constant(trust))
    found = {name: float(value[0]) for name, value in following(image).items()}
    # a quarter of the pixels is 0.1 away
    assert found.pop("temporal") == pytest.approx(100.0 * 0.25 * 0.01, rel=1e-4)
    expected = Objective(extractor, second, [(style, 1.0)], WEIGHTS)(image)
    assert found == pytest.approx({name: float(value[0]) for name, value in expected.items()}, 1e-5)
