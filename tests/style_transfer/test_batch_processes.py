"""Folders of more images than one process stylizes."""

import json
import os
import signal
import time

import numpy as np
import pytest
from PIL import Image

from common import cli
from style_transfer import batch, stylize
from style_transfer.config import Config
from tests.command_line import start
from tests.style_transfer.test_batch import QUICK

pytestmark = pytest.mark.slow


def arguments(folder, images):
    """Make a folder of images and return the arguments that stylize it."""
    (folder / "photos").mkdir()
    random = np.random.default_rng(0)
    for number in range(images):
        pixels = random.integers(0, 256, (40 + number, 48, 3), np.uint8)
        Image.fromarray(pixels).save(folder / "photos" / f"{number:02d}.png")
    Image.fromarray(pixels[::-1]).save(folder / "style.png")
    return [
        *("--content", folder / "photos", "--style", folder / "style.png"),
        *("--out", folder / "out", "--run-dir", folder / "run", *QUICK),
    ]


def test_a_run_is_one_whole_over_its_processes(tmp_path, monkeypatch, capfd):
    monkeypatch.setattr(batch, "TOGETHER", 2)
    given = arguments(tmp_path, images=4)
    (tmp_path / "photos" / "01.png").write_bytes(b"nothing")
    config = cli.parse(Config, stylize.PROGRAM, [str(word) for word in given])
    assert stylize.run(config) == 1
    out, err = capfd.readouterr()
    assert "3 of 4 images" in out
    assert "skipped" in err
    assert "oneDNN" not in out + err
    names = [path.name for path in sorted((tmp_path / "out").iterdir())]
    assert names == ["00.png", "02.png", "03.png"]
    summary = json.loads((tmp_path / "run" / "summary.json").read_text())
    assert summary["status"] == "finished"
    assert [report["out"][-6:] for report in summary["images"]] == names
    assert [path[-6:] for path in summary["skipped"]] == ["01.png"]
    rows = (tmp_path / "run" / "metrics.jsonl").read_text().splitlines()
    assert len(rows) == 3  # one for each image, of ten iterations


def test_the_time_limit_is_that_of_all_processes(tmp_path, monkeypatch):
    monkeypatch.setattr(batch, "TOGETHER", 1)
    given = [*arguments(tmp_path, images=2), "--max-minutes", "0.001"]
    stylize.run(cli.parse(Config, stylize.PROGRAM, [str(word) for word in given]))
    summary = json.loads((tmp_path / "run" / "summary.json").read_text())
    assert summary["reason"] == "used its 0.001 minutes"
    assert not list((tmp_path / "out").glob("*.png"))


def test_ctrl_c_ends_the_process_that_works_and_the_run(tmp_path):
    process = start("style_transfer.stylize", *arguments(tmp_path, images=batch.TOGETHER + 1))
    deadline = time.monotonic() + 120
    while not list((tmp_path / "out").glob("*.png")) and time.monotonic() < deadline:
        time.sleep(0.05)
    os.kill(process.pid, signal.SIGINT)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 0, err
    assert "interrupted: stopped by SIGINT" in out
    done = list((tmp_path / "out").iterdir())
    assert 1 <= len(done) < batch.TOGETHER
    assert json.loads((tmp_path / "run" / "summary.json").read_text())["status"] == "interrupted"
