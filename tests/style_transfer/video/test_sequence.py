"""Painting frame after frame, and continuing after an interruption."""

import numpy as np
import pytest

from style_transfer.video import frames, sequence
from style_transfer.video.blend import blend
from style_transfer.video.flow import estimator
from tests.style_transfer.video.clips import Inverter, moving, write

STILL = estimator("none")


class Mixer(Inverter):
    def __call__(self, number, frame, carried):
        painted = super().__call__(number, frame, carried)
        return painted if carried is None else blend(painted, carried, 0.8)


def paint(clip, folder, painter, flow=STILL):
    return list(sequence.paint_next(clip, clip.size, folder, painter, flow, 0.2))


def bytes_of(folder):
    return [path.read_bytes() for path in sorted(folder.iterdir())]


def test_an_interrupted_clip_continues_with_the_same_bits(tmp_path):
    clip = frames.open_clip(write(tmp_path / "in", moving(5)))
    whole, broken = tmp_path / "whole", tmp_path / "broken"
    assert paint(clip, whole, Mixer()) == [0, 1, 2, 3, 4]
    with pytest.raises(KeyboardInterrupt):
        paint(clip, broken, Mixer(stops_at=3))
    assert frames.count_written(broken) == 3
    painter = Mixer()
    assert paint(clip, broken, painter) == [3, 4]
    assert painter.numbers == [3, 4]
    assert painter.scenes == []
    assert bytes_of(broken) == bytes_of(whole)
    assert paint(clip, broken, painter) == []


def test_a_new_scene_and_no_flow_carry_nothing(tmp_path):
    images = moving(4)
    images[2:] = 255 - images[2:]
    clip = frames.open_clip(write(tmp_path / "in", images))
    painter = Mixer()
    paint(clip, tmp_path / "out", painter)
    assert painter.scenes == [0, 2]
    second = next(frames.read(frames.open_clip(tmp_path / "out"), clip.size, first=2))
    np.testing.assert_array_equal(second, 255 - images[2])
    painter = Mixer()
    paint(clip, tmp_path / "alone", painter, flow=None)
    assert painter.scenes == [0, 1, 2, 3]
