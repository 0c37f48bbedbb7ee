import numpy as np
import pytest

from common import images as image_io
from experiments import style_scores
from style_transfer import extractors
from style_transfer.config import Config, OptimizationConfig

CONFIG = Config(size=32, optimization=OptimizationConfig(iterations=4))


def test_a_copy_of_the_content_has_no_content_loss():
    content, style = np.random.default_rng(0).random((2, 32, 32, 3)).astype(np.float32)
    pair = [image_io.as_image(image) for image in (content, style)]
    judge = extractors.load("compact")
    copy = image_io.to_array(pair[0]) / np.float32(255)
    by_style, by_content = style_scores.losses(copy, *pair, CONFIG, judge)
    assert by_content == pytest.approx(0.0, abs=1e-6)
    assert by_style > 0.0
    copy = image_io.to_array(pair[1]) / np.float32(255)
    by_style, by_content = style_scores.losses(copy, *pair, CONFIG, judge)
    assert by_style == pytest.approx(0.0, abs=1e-6)
    assert by_content > 0.02


@pytest.mark.slow
def test_extractors_take_turns():
    compact = extractors.load("compact")
    times = style_scores.times_by_turns({"a": compact, "b": compact.reference}, CONFIG, 2)
    assert list(times) == ["a", "b"]
    assert all(1e-5 < seconds < 1.0 for seconds in times.values())


def test_ratios_are_shown(capsys):
    def score(style, content):
        return {"style_loss": style, "content_loss": content, "seconds": 2.0}

    style_scores.show(
        [
            {"content": "a", "style": "b", "teacher": score(2, 4), "compact": score(3, 4)},
            {"content": "c", "style": "d", "teacher": score(2, 4), "compact": score(5, 2)},
        ]
    )
    lines = capsys.readouterr().out.splitlines()
    assert lines[1].split() == ["a", "+", "b", "1.50", "1.00", "1.00"]
    assert lines[3].split() == ["median", "2.00", "0.75", "1.00"]
    assert lines[5].split() == ["worst", "2.50", "1.00", "1.00"]
