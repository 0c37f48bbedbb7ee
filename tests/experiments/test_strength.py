import json
import sys

import numpy as np
import pytest
from PIL import Image

from experiments import strength
from style_transfer.config import SMALLEST_SIDE


def test_the_largest_step_is_relative_to_the_mean():
    assert strength.largest_step([0.0, 1.0, 2.0, 3.0]) == pytest.approx(1.0)
    assert strength.largest_step([0.0, 0.1, 0.4]) == pytest.approx(1.5)
    assert strength.largest_step([0.0, 3.0, 2.0]) == pytest.approx(3.0)


def test_the_command_line_needs_a_style_for_each_content(monkeypatch, tmp_path):
    monkeypatch.setattr(sys, "argv", ["strength", "--content", "a.png"])
    with pytest.raises(Exception, match="--style: expected one image for each of 1 content"):
        strength.main()


@pytest.mark.slow
def test_a_strip_and_its_distances_are_written(monkeypatch, tmp_path, capsys):
    assert tuple(n / 10 for n in range(11)) == strength.STRENGTHS
    monkeypatch.setattr(strength, "STRENGTHS", (0.0, 0.5, 1.0))  # eleven take three minutes
    paths = []
    for seed, name in enumerate(("content", "style")):
        pixels = np.random.default_rng(seed).integers(0, 256, (8, 8, 3), np.uint8)
        paths.append(tmp_path / f"{name}.png")
        Image.fromarray(pixels).resize((48, 48)).save(paths[-1])
    words = ["strength", "--content", paths[0], "--style", paths[1], "--iterations", "10"]
    words += ["--size", 2 * SMALLEST_SIDE, "--out", tmp_path / "out"]
    monkeypatch.setattr(sys, "argv", list(map(str, words)))
    assert strength.main() == 0
    assert Image.open(tmp_path / "out/strip-1.png").size == (3 * 32, 32)
    found = json.loads((tmp_path / "out/distances.json").read_text())
    assert found["strengths"] == [0.0, 0.5, 1.0]
    assert found["distances"][0][0] == pytest.approx(0.0, abs=1e-6)
    assert found["distances"][0][-1] > 0.0
    assert (tmp_path / "out/curve.png").is_file()
    assert "times the mean step" in capsys.readouterr().out
