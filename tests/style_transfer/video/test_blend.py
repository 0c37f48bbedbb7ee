"""The previous result in the next frame."""

import numpy as np

from style_transfer.video.blend import Carried, blend, carry, fade
from style_transfer.video.flow import estimator
from tests.style_transfer.video.clips import moving


def test_the_trusted_part_is_mixed_by_the_weight():
    painted = np.full((2, 2, 3), 200, np.uint8)
    trust = np.float32([[1, 0.5], [0, 0]])
    carried = Carried(np.full((2, 2, 3), 100 / 255, np.float32), trust)
    np.testing.assert_array_equal(blend(painted, carried, 0.8)[..., 0], [[120, 160], [200, 200]])
    np.testing.assert_array_equal(blend(painted, carried, 0.0), painted)


def test_the_mask_fades_inside_its_border():
    trusted = np.zeros((9, 9), bool)
    trusted[2:7, 2:7] = True
    faded = fade(trusted)
    assert faded[4, 4] == 1.0
    assert not faded[~trusted].any()
    np.testing.assert_allclose(faded[4, 2:5], [1 / 3, 2 / 3, 1], atol=1e-6)


def test_what_stands_still_is_carried_and_what_has_changed_is_not():
    before = moving()[0]
    frame, result = before.copy(), 255 - before
    frame[8:24, 8:24] = 255 - frame[8:24, 8:24]
    carried = carry(frame, before, result, estimator("none"), 0.06)
    assert carried.trust[:4].all()
    assert not carried.trust[12:20, 12:20].any()
    np.testing.assert_allclose(255 * carried.image, result, atol=1e-3)


def test_a_new_scene_carries_nothing():
    before = moving()[0]
    assert carry(255 - before, before, before, estimator("none"), 0.06) is None
