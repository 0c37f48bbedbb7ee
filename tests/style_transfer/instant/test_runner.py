import json
import os
import signal
import sys

import numpy as np
import pytest
from PIL import Image

from style_transfer import optimize, stylize
from style_transfer.config import Config
from style_transfer.instant import coarse_to_fine, runner
from tests.style_transfer.quick import quick


@pytest.fixture
def files(tmp_path, content, style):
    photos = tmp_path / "photos"
    photos.mkdir()
    Image.fromarray(content).save(photos / "a.png")
    Image.fromarray(content[:, ::-1]).save(photos / "b.png")
    Image.fromarray(style).save(tmp_path / "style.png")
    keep = np.zeros((40, 30), np.uint8)
    keep[:10] = 255
    Image.fromarray(keep).save(tmp_path / "keep.png")
    return tmp_path


def command(monkeypatch, *words):
    monkeypatch.setattr(sys, "argv", ["stylize", "--method", "instant", *map(str, words)])
    return stylize.main()


def test_the_command_line_writes_an_image_and_its_time(files, monkeypatch, capsys):
    out, run = files / "out.png", files / "run"
    words = ["--content", files / "photos/a.png", "--style", files / "style.png", "--size", 40]
    words += ["--keep", files / "keep.png", "--out", out, "--run-dir", run]
    assert command(monkeypatch, *words) == 0
    assert Image.open(out).size == (30, 40)
    assert "30x40 pixels in " in capsys.readouterr().out
    assert json.loads((run / "summary.json").read_text())["images"][0]["size"] == [30, 40]
    assert json.loads((run / "config.json").read_text())["config"]["method"] == "instant"


def test_a_folder_is_continued(files, monkeypatch, capsys):
    (files / "photos/broken.png").write_text("no image")
    words = ["--content", files / "photos", "--style", files / "style.png", "--size", 32]
    words += ["--out", files / "results"]
    assert command(monkeypatch, *words, "--run-dir", files / "run1") == 1
    assert {path.name for path in (files / "results").iterdir()} == {"a.png", "b.png"}
    assert "s per image" in capsys.readouterr().out
    (files / "results/b.png").unlink()
    assert command(monkeypatch, *words, "--run-dir", files / "run2") == 1
    assert "1 of 3 images exist already" in capsys.readouterr().out
    assert (files / "results/b.png").is_file()


def test_ctrl_c_records_the_run_after_the_current_image(files, monkeypatch, capsys):
    paint = runner.paint

    def interrupted(*arguments):
        os.kill(os.getpid(), signal.SIGINT)
        return paint(*arguments)

    monkeypatch.setattr(runner, "paint", interrupted)
    words = ["--content", files / "photos", "--style", files / "style.png", "--size", 32]
    words += ["--out", files / "results", "--run-dir", files / "run"]
    assert command(monkeypatch, *words) == 0
    out = capsys.readouterr().out
    assert "interrupted: stopped by SIGINT" in out
    assert "1 of 2 images" in out
    assert [path.name for path in (files / "results").iterdir()] == ["a.png"]
    summary = json.loads((files / "run/summary.json").read_text())
    assert summary["status"] == "interrupted"
    assert len(summary["images"]) == 1


def test_python_returns_an_image(content, style):
    result = stylize.stylize(content, [style, style[::-1]], Config(method="instant", size=40))
    assert result.shape == (40, 30, 3)
    assert result.dtype == np.float32
    assert 0.0 <= result.min() <= result.max() <= 1.0


def test_the_optimization_starts_from_the_instant_result(content, style):
    goal, reference = (np.float32(each) / 255.0 for each in (content, style))
    config = quick(48, init="instant")
    inputs = optimize.LevelInputs((30, 40), goal, goal, [reference], None)
    start = optimize.start_image(config, inputs)
    np.testing.assert_array_equal(start, coarse_to_fine.render(goal, [reference], config))


@pytest.mark.slow
def test_the_optimization_from_the_instant_result_gives_an_image(content, style):
    config = quick(32, init="instant", optimization={"iterations": 10})
    result = stylize.stylize(content, style, config)
    assert result.shape == (32, 24, 3)
    assert np.isfinite(result).all()
