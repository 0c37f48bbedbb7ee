"""Pans and zooms with known flow."""

import numpy as np
import pytest

from experiments import video_warp


def test_a_pan_moves_every_pixel_by_its_step():
    shown = video_warp.boxes("pan", 64, 3, (200, 150))
    assert shown[1] == pytest.approx((68, 51, 132, 99))
    flow, visible = video_warp.exact_flow(shown[1], shown[0], (64, 48))
    np.testing.assert_allclose(flow, np.broadcast_to([2.3, 0.7], (48, 64, 2)), atol=1e-4)
    assert visible[:47, :61].all()
    assert not visible[:, 62:].any()


def test_a_zoom_moves_pixels_towards_the_center_of_the_frame_before():
    shown = video_warp.boxes("zoom", 64, 2, (200, 150))
    flow, visible = video_warp.exact_flow(shown[1], shown[0], (64, 48))
    # a pixel 31.5 to the left of the center was 0.985 * 31.5 to the left
    np.testing.assert_allclose(flow[0, 0], [0.015 * 31.5, 0.015 * 23.5], atol=1e-4)
    assert visible.all()


def test_an_exactly_moved_image_has_no_warp_error():
    wide = np.random.default_rng(0).random((8, 12, 3), np.float32)
    shown = [(float(t), 0.0, float(t + 8), 8.0) for t in range(3)]
    results = np.stack([wide[:, t : t + 8] for t in range(3)])
    assert video_warp.warp_errors(results, shown) == [0.0, 0.0]
    results[2, :, 0] += 0.5
    assert video_warp.warp_errors(results, shown)[1] == pytest.approx(0.25 / 7)
