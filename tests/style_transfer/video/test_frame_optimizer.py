"""What the frames of a scene share, without an optimization."""

import numpy as np
import pytest
from PIL import Image

from style_transfer import optimize
from style_transfer.video import frame_optimizer
from style_transfer.video.blend import Carried
from tests.style_transfer.quick import quick
from tests.style_transfer.video.clips import moving


class BuiltError(Exception):
    """The objective of a frame would be built now."""


@pytest.fixture
def painter(tmp_path, monkeypatch, style):
    def paint(frame, styles, config, *, extractor, dial):
        dial.scale = 1.0 / (3.0 + np.asarray(frame).mean())
        return np.asarray(frame, np.float32) / 255.0, []

    monkeypatch.setattr(optimize, "paint", paint)
    made = []

    def build(goal, references, start):
        made.append(goal)
        raise BuiltError

    def make():
        styles = [Image.fromarray(style)]
        painter = frame_optimizer.OptimizingPainter(
            quick(48), styles, tmp_path, iterations=1, penalty=1.0
        )
        painter._build = build
        return painter

    return make, made


def goal_of(painter, number, frame):
    """Return the content of a frame, which is not painted."""
    make, made = painter
    trust = np.zeros(frame.shape[:2], np.float32)
    carried = Carried(np.zeros(frame.shape, np.float32), trust)
    with pytest.raises(BuiltError):
        make()(number, frame, carried)
    return made[-1]


def test_a_scene_keeps_the_palette_of_its_first_frame(painter):
    make, _ = painter
    frames = moving(4)
    bright = frames[1].copy()
    bright[:16] = 255  # something bright comes in above
    make()(0, frames[0], None)
    plain, changed = (goal_of(painter, 1, frame) for frame in (frames[1], bright))
    np.testing.assert_array_equal(changed[16:], plain[16:])
    make()(2, frames[2] // 4, None)  # a dark scene begins
    np.testing.assert_array_equal(goal_of(painter, 1, frames[1]), plain)  # after a resume
    again = goal_of(painter, 3, frames[1])  # in another scene
    assert np.abs(again - plain).mean() > 0.02
