import sys

import numpy as np
import pytest
from PIL import Image

from common.errors import InputError
from experiments import instant_curve

ROW = {
    "recolored": 2.0,
    "instant": 1.0,
    "instant_seconds": 0.5,
    "from_recolored": [[2.0, 20, 1.5], [10.0, 90, 0.7]],
    "from_instant": [[2.0, 20, 0.9], [10.0, 90, 0.6]],
}


def test_the_curves_start_where_the_time_of_the_start_ends():
    axes = instant_curve.curve([ROW]).axes[0]
    recolored, instant, _ = axes.get_lines()
    np.testing.assert_allclose(recolored.get_xydata(), [[0, 2.0], [2, 1.5], [10, 0.7]])
    np.testing.assert_allclose(instant.get_xydata(), [[0.5, 1.0], [2.5, 0.9], [10.5, 0.6]])


def test_images_are_kept_after_the_marks(monkeypatch):
    class Model:
        steps_done, average, stop_training = 0, None, False

    taken, now = instant_curve._Snapshots((3.0, 1.0)), [0.0]
    monkeypatch.setattr(instant_curve.time, "perf_counter", lambda: now[0])
    model = Model()
    model.average = type("Average", (), {"numpy": lambda self: [model.steps_done]})()
    taken.begin()
    for seconds in (0.5, 1.5, 2.0, 4.0):
        now[0], model.steps_done = seconds, model.steps_done + 10
        taken.take(model)
    assert taken.found == [(1.5, 20, 20), (4.0, 40, 40)]
    assert model.stop_training


def test_the_command_line_needs_a_style_for_each_content(monkeypatch, tmp_path):
    Image.new("RGB", (32, 32)).save(tmp_path / "a.png")
    words = ["instant_curve", "--content", str(tmp_path / "a.png")]
    monkeypatch.setattr(sys, "argv", words)
    with pytest.raises(InputError, match="--style: expected one image for each of 1"):
        instant_curve.main()
