"""A network that paints frames."""

import dataclasses
from pathlib import Path

import numpy as np

from style_transfer.config import AppearanceConfig
from style_transfer.video import network_painter
from style_transfer.video.blend import Carried
from style_transfer.video.config import Config


def test_a_frame_is_painted_with_the_weights_and_colors_that_are_set(monkeypatch):
    seen = []

    @dataclasses.dataclass
    class Brush:
        folder: Path

        def paint(self, *arguments):
            seen.append((self.folder, *arguments))
            return np.asarray(arguments[0])

    monkeypatch.setattr(network_painter.apply, "load", Brush)
    appearance = AppearanceConfig(style_weights=(1.0, 2.0), colors="content")
    paint = network_painter.make(Config(model=Path("run"), appearance=appearance))
    frame = np.zeros((16, 16, 3), np.uint8)
    np.testing.assert_array_equal(paint(0, frame, None), frame)
    carried = Carried(np.ones((16, 16, 3), np.float32), np.ones((16, 16), np.float32))
    assert (paint(1, frame, carried) == round(0.8 * 255)).all()
    ((folder, image, *settings), _) = seen
    assert (folder, image.size, settings) == (Path("run"), (16, 16), [(1.0, 2.0), "content"])
