"""Painting frame after frame, and continuing after an interruption."""

import numpy as np
import pytest

from style_transfer.video import frames, sequence
from style_transfer.video.flow import estimator
from tests.style_transfer.video.clips import Inverter, moving, write


def paint(clip, folder, painter, weight=0.8):
    numbers = sequence.paint_next(
        clip, clip.size, folder, painter, estimator("none"), weight=weight, tolerance=0.2
    )
    return list(numbers)


def bytes_of(folder):
    return [path.read_bytes() for path in sorted(folder.iterdir())]


def test_an_interrupted_clip_continues_with_the_same_bits(tmp_path):
    clip = frames.open_clip(write(tmp_path / "in", moving(5)))
    whole, broken = tmp_path / "whole", tmp_path / "broken"
    assert paint(clip, whole, Inverter()) == [0, 1, 2, 3, 4]
    with pytest.raises(KeyboardInterrupt):
        paint(clip, broken, Inverter(stops_at=3))
    assert frames.count_written(broken) == 3
    painter = Inverter()
    assert paint(clip, broken, painter) == [3, 4]
    assert painter.numbers == [3, 4]
    assert painter.scenes == []
    assert bytes_of(broken) == bytes_of(whole)
    assert paint(clip, broken, painter) == []


def test_a_new_scene_and_a_weight_of_0_carry_nothing(tmp_path):
    images = moving(4)
    images[2:] = 255 - images[2:]
    clip = frames.open_clip(write(tmp_path / "in", images))
    painter = Inverter()
    paint(clip, tmp_path / "out", painter)
    assert painter.scenes == [0, 2]
    second = next(frames.read(frames.open_clip(tmp_path / "out"), clip.size, first=2))
    np.testing.assert_array_equal(second, 255 - images[2])
    painter = Inverter()
    paint(clip, tmp_path / "alone", painter, weight=0.0)
    assert painter.scenes == [0, 1, 2, 3]
