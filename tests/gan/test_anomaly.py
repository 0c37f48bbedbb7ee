"""The command line that finds anomalies."""

import json
import shutil
import signal
import time

import numpy as np
import pytest
from PIL import Image

from common.errors import InputError
from gan import anomaly
from tests.command_line import run, start


@pytest.fixture
def test_folder(blobs, tmp_path):
    """Unlike the blobs: eight bright images of noise, and eight blobs that are copies."""
    random = np.random.default_rng(1)
    for name in ("good", "noise"):
        (tmp_path / "test" / name).mkdir(parents=True)
    for number, path in enumerate(sorted(blobs.iterdir())[:8]):
        shutil.copy(path, tmp_path / "test" / "good" / f"{number}.png")
        image = Image.fromarray(random.integers(0, 256, (16, 16), np.uint8))
        image.save(tmp_path / "test" / "noise" / f"{number}.png")
    return tmp_path / "test"


def config(blobs, test_folder, **fields):
    return anomaly.Config(**{"normal": blobs, "test": test_folder, **fields})


def test_minutes_and_resolution_are_those_of_the_detectors(blobs, test_folder, tmp_path):
    assert anomaly.check(config(blobs, test_folder)).max_minutes == anomaly.DEFAULT_MINUTES
    (tmp_path / "run").mkdir()
    anomaly.write_state(tmp_path / "run", fingerprint="a", resolution=16, max_minutes=0.5)
    found = anomaly.check(config(blobs, test_folder, run_dir=tmp_path / "run"))
    assert (found.max_minutes, found.resolution) == (0.5, 16)
    with pytest.raises(
        InputError, match=r"--max-minutes 2: the detectors in --run-dir .* have 0.5"
    ):
        anomaly.check(config(blobs, test_folder, run_dir=tmp_path / "run", max_minutes=2.0))
    with pytest.raises(InputError, match="trained on other images"):
        anomaly.write_state(tmp_path / "run", fingerprint="b", resolution=16, max_minutes=0.5)
    (tmp_path / "run" / "anomaly.json").write_text("{")
    with pytest.raises(InputError, match=r"anomaly.json is not valid"):
        anomaly.check(config(blobs, test_folder, run_dir=tmp_path / "run"))


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"normal": "missing"}, "--normal .*missing: no such folder"),
        ({"test": "missing"}, "--test .*missing: no such folder"),
        ({"test": "empty"}, "--test .*empty: no image in this folder"),
        ({"normal": "empty"}, "--normal .*empty: no image in this folder"),
        ({"normal": "test"}, "--test .*test: shares images with --normal"),
        ({"normal": "few"}, "--normal .*few: expected at least 20 images, found 3"),
        ({"out": "test"}, "--out .*test: exists already\nname a new folder"),
        ({"out": "file/below"}, "--out .*below: cannot be made, .*file is no folder to write in"),
        ({"run_dir": "file/below"}, "--out .*cannot be made"),
        ({"run_dir": "a_run"}, "--run-dir .*a_run: holds a run of another command"),
        ({"fdr": 0.0}, "--fdr: expected more than 0, at most 0.99"),
        ({"resolution": 33}, "--resolution 33: dcgan cannot make it"),
    ],
)
def test_bad_input_is_refused_before_anything_is_written(
    fields, message, blobs, test_folder, tmp_path
):
    (tmp_path / "empty").mkdir()
    (tmp_path / "file").write_text("")
    (tmp_path / "few").mkdir()
    (tmp_path / "a_run").mkdir()
    (tmp_path / "a_run" / "config.json").write_text("{}")
    for number in range(3):
        shutil.copy(blobs / f"{number:03d}.png", tmp_path / "few")
    before = sorted(tmp_path.rglob("*"))
    fields = {
        name: tmp_path / value if isinstance(value, str) else value
        for name, value in fields.items()
    }
    with pytest.raises(InputError, match=message) as error:
        anomaly.check(config(blobs, test_folder, **fields))
    assert len(str(error.value).splitlines()) <= 2
    assert sorted(tmp_path.rglob("*")) == before


@pytest.mark.slow
def test_noise_is_found_among_blobs_and_detectors_are_used_again(blobs, test_folder, tmp_path):
    arguments = ["gan.anomaly", "--normal", blobs, "--test", test_folder, "--seeds", "2",
                 "--max-minutes", "0.15", "--run-dir", tmp_path / "run",
                 "--cache-dir", tmp_path / "cache"]  # fmt: skip
    code, out, err = run(*arguments)
    assert code == 0, err
    table = json.loads((tmp_path / "run" / "results" / "table.json").read_text())
    assert table["calibration_images"] == 13
    assert table["detectors"]["GAN and encoder"]["auroc"] > 0.9
    assert "results/anomalies.csv" in out.splitlines()[-1]
    assert len((tmp_path / "run/results/anomalies.csv").read_text().splitlines()) == 17
    code, _, err = run(*arguments)
    assert (code, len(err.splitlines())) == (2, 2)
    assert "--out" in err
    began = time.monotonic()
    code, again, err = run(*arguments, "--out", tmp_path / "again")
    assert code == 0, err
    assert "img/s" not in err  # nothing was trained
    assert again.splitlines()[:4] == out.splitlines()[-5:-1]
    assert time.monotonic() - began < 120


@pytest.mark.slow
def test_ctrl_c_saves_and_the_same_command_continues(blobs, test_folder, tmp_path):
    arguments = ["gan.anomaly", "--normal", blobs, "--test", test_folder, "--max-minutes", "0.4",
                 "--run-dir", tmp_path / "run", "--cache-dir", tmp_path / "cache"]  # fmt: skip
    process = start(*arguments)
    while not list((tmp_path / "run").rglob("metrics.jsonl")):
        assert process.poll() is None, process.communicate()
        time.sleep(0.1)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=120)
    assert process.returncode == 130, err
    assert f"--run-dir {tmp_path / 'run'}" in out.splitlines()[-1]
    assert not (tmp_path / "run" / "results").exists()
    code, _, err = run(*arguments)
    assert code == 0, err
    assert (tmp_path / "run" / "results" / "anomalies.csv").exists()
