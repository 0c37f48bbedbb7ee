import sys

import numpy as np
import pytest
from PIL import Image

from common.errors import InputError
from experiments import paint_scores
from style_transfer.prepare import prepare, read
from tests.style_transfer.quick import quick


@pytest.mark.slow
def test_a_network_that_only_recolors_is_where_the_optimization_starts():
    pixels = np.random.default_rng(0).integers(0, 256, (2, 6, 8, 3), dtype=np.uint8)
    photo, style = (Image.fromarray(each).resize((64, 48)) for each in pixels)
    config = quick(48)
    content, styles = read(photo, [style], config)
    goal, _ = prepare(content, styles, (48, 36), config)

    class Brush:
        styles = ("one", "two")

        def paint(self, image, weights):
            assert weights == [0.0, 1.0]
            return np.uint8(np.round(255 * goal))

    found, row = paint_scores.measure(photo, style, Brush(), [0.0, 1.0], config)
    assert row.shape == (36, 3 * 48, 3)
    assert found["network"] == pytest.approx(found["start"], rel=0.02)
    assert found["network_usual"] == pytest.approx(found["start_usual"], rel=0.02)
    assert found["start_usual"] == pytest.approx(found["start"])  # it has no content loss
    assert found["optimized_usual"] != found["optimized"]
    assert found["optimized"] < 0.8 * found["start"]


def test_a_photo_is_needed(monkeypatch, tmp_path):
    words = ["paint_scores", "--model", str(tmp_path), "--content"]
    monkeypatch.setattr(sys, "argv", words)
    with pytest.raises(InputError, match="--content: expected at least one photo"):
        paint_scores.main()
