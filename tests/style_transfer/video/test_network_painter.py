"""A network that paints frames."""

import dataclasses
from pathlib import Path

import numpy as np
import pytest

from style_transfer.config import AppearanceConfig
from style_transfer.video import network_painter
from style_transfer.video.blend import Carried
from style_transfer.video.config import Config


@pytest.fixture
def seen(monkeypatch):
    """What a network that returns its input has been given."""
    seen = []

    @dataclasses.dataclass
    class Brush:
        folder: Path

        def paint(self, *arguments, photo):
            seen.append((self.folder, *arguments, photo))
            return np.asarray(arguments[0])

    monkeypatch.setattr(network_painter.apply, "load", Brush)
    return seen


def carried():
    return Carried(np.ones((16, 16, 3), np.float32), np.ones((16, 16), np.float32))


def test_a_frame_is_painted_with_the_weights_and_colors_that_are_set(seen, tmp_path):
    appearance = AppearanceConfig(style_weights=(1.0, 2.0), colors="content")
    paint = network_painter.make(Config(model=Path("run"), appearance=appearance), tmp_path)
    frame = np.zeros((16, 16, 3), np.uint8)
    np.testing.assert_array_equal(paint(0, frame, None), frame)
    assert (paint(1, frame, carried()) == round(0.8 * 255)).all()
    ((folder, image, *settings, _), _) = seen
    assert (folder, image.size, settings) == (Path("run"), (16, 16), [(1.0, 2.0), "content"])


def test_the_frames_of_a_scene_share_the_colors_of_its_first_frame_also_after_a_resume(
    seen, tmp_path
):
    frames = [np.full((16, 16, 3), 40 * number, np.uint8) for number in range(5)]
    for number, frame in enumerate(frames):
        paint = network_painter.make(Config(model=Path("run")), tmp_path)  # as a resume does
        paint(number, frame, None if number in (0, 3) else carried())
    means = [255 * photo[0][0] for *_, photo in seen]
    np.testing.assert_allclose(means, [0, 0, 0, 120, 120], atol=1e-3)
