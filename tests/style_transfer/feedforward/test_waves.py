import keras
import numpy as np
import pytest

from style_transfer.feedforward.build import shape_of
from style_transfer.feedforward.config import Config, from_dict, resolved, to_dict
from style_transfer.feedforward.waves import LENGTHS, vectors, waves


def test_a_wave_has_its_length_and_direction():
    found = vectors(50)
    lengths = 2 * np.pi / np.linalg.norm(found, axis=0)
    assert LENGTHS[0] - 1e-3 < lengths.min() < 20
    assert 80 < lengths.max() < LENGTHS[1] + 1e-3
    angles = np.arctan2(found[1], found[0])
    assert angles.min() < 0.3
    assert angles.max() > 2.8
    np.testing.assert_array_equal(vectors(3), found[:, :3])  # more waves keep the first


def test_waves_are_sines_of_the_position():
    corner = np.array([[3.0, 50.0], [0.0, 0.0]], np.float32)
    found = waves(keras.ops.zeros((2, 5, 4, 7)), 8, 6, corner)
    assert found.shape == (2, 5, 4, 6)
    row, column = 2, 3
    for example, (top, left) in enumerate(corner):
        position = np.array([8 * row + top, 8 * column + left])
        expected = np.sin(position @ vectors(6))
        np.testing.assert_allclose(found[example, row, column], expected, atol=1e-5)
    unmoved = waves(keras.ops.zeros((1, 5, 4, 7)), 8, 6)
    np.testing.assert_allclose(unmoved[0], found[1], atol=1e-6)


def test_a_run_from_before_there_were_waves_has_none():
    fields = to_dict(Config())
    del fields["network"]["waves"]
    assert from_dict(fields, "config.json").network.waves == 0
    assert from_dict(to_dict(Config()), "config.json").network.waves is None


@pytest.mark.parametrize(("video", "expected"), [(False, 16), (True, 0)])
def test_a_network_for_video_has_no_waves(video, expected):
    assert resolved(Config(video=video)).network.waves == expected
    assert shape_of(Config(video=video), 2).waves == expected
