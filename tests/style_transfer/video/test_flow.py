"""Moving images along a flow, and where it is trusted."""

import numpy as np
import pytest

from style_transfer.video import flow as optical
from tests.style_transfer.video.clips import moving


def constant(x, y, size=(6, 8)):
    return np.broadcast_to(np.float32([x, y]), (*size, 2)).copy()


@pytest.mark.parametrize("warp", [optical.warp, optical.warp_sharply])
def test_whole_pixels_are_moved_exactly_and_the_border_is_repeated(warp):
    image = np.random.default_rng(0).random((6, 8, 3), np.float32)
    moved = warp(image, constant(2, -1))
    np.testing.assert_array_equal(moved[1:, :-2], image[:-1, 2:])
    np.testing.assert_array_equal(moved[0, :-2], image[0, 2:])
    np.testing.assert_array_equal(moved[1:, -2:], image[:-1, [-1, -1]])
    np.testing.assert_array_equal(warp(image, constant(0, 0)), image)


def test_between_pixels_is_bilinear():
    image = np.float32([[0, 4], [8, 16]])[..., None]
    moved = optical.warp(image, constant(0.25, 0.5, (2, 2)))
    # 0.75 * (0 + 8) / 2 + 0.25 * (4 + 16) / 2 at the first place
    assert moved[0, 0, 0] == pytest.approx(5.5)


def test_sharp_interpolation_is_cubic():
    image = np.float32([[0.0, 0.0, 1.0, 1.0]])[..., None]
    moved = optical.warp_sharply(image, constant(0.25, 0, (1, 4)))
    # Catmull-Rom weights at 0.25: -0.0703, 0.8672, 0.2266, -0.0234
    np.testing.assert_allclose(moved[0, 1, 0], 0.2266 - 0.0234, atol=1e-4)
    assert moved[0, 2, 0] == 1.0  # 1.0703, cut


def test_a_flow_is_trusted_where_the_opposite_one_returns():
    backward, forward = constant(2, 0, (3, 6)), constant(-2, 0, (3, 6))
    forward[0, 0] = (-2.6, 0)  # 0.36 <= 0.01 (4 + 6.76) + 0.5
    forward[0, 1] = (-2.9, 0)  # 0.81 > 0.01 (4 + 8.41) + 0.5
    trusted = optical.returns(backward, forward)
    expected = np.ones((3, 6), bool)
    expected[:, 4:] = False  # beyond the right border
    expected[0, 1] = False
    np.testing.assert_array_equal(trusted, expected)


def test_a_changed_place_is_not_similar():
    frame = np.zeros((9, 9, 3), np.float32)
    other = frame.copy()
    other[4, 4] = 0.5  # 0.02 on the mean of 5 x 5
    np.testing.assert_array_equal(optical.similar(frame, other, 0.03), np.ones((9, 9), bool))
    found = ~optical.similar(frame, other, 0.01)
    assert found[2:7, 2:7].all()
    assert found.sum() == 25


def test_without_opencv_nothing_moves():
    frames = moving()
    assert not optical.estimator("none")(frames[1], frames[0]).any()


def test_dense_inverse_search_finds_a_movement():
    pytest.importorskip("cv2")
    frames = moving(size=(96, 64))
    found = optical.estimator("dis")(frames[1], frames[0])[8:-8, 8:-8]
    np.testing.assert_allclose(np.median(found, axis=(0, 1)), [2, 0], atol=0.2)
