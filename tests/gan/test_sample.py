"""The command line of sampling, in a subprocess, and its checks."""

import json
import os
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from common.checkpoints import Checkpoints
from common.errors import InputError
from gan import evaluate, sample
from tests.command_line import run


@pytest.mark.slow
def test_samples_as_grid_archive_and_interpolation(finished, tmp_path):
    folder, _, _ = finished
    code, out, err = run(
        "gan.sample", "--run", folder, "--count", "6", "--seed", "3", "--out", tmp_path / "g.png",
        "--npz", tmp_path / "s.npz", "--interpolation", tmp_path / "w.gif",
    )  # fmt: skip
    assert code == 0, err
    assert "g.png" in out
    with np.load(tmp_path / "s.npz") as archive:
        assert archive["images"].shape == (6, 16, 16, 1)
        assert archive["images"].dtype == np.uint8
        assert archive["labels"].tolist() == [0, 1, 0, 1, 0, 1]
    with Image.open(tmp_path / "w.gif") as walk:
        assert walk.n_frames > 6
    code, _, err = run("gan.sample", "--run", folder, "--label", "z", "--out", tmp_path / "z.png")
    assert code == 2
    assert "--label z: expected one of: a, b" in err


def test_a_torn_checkpoint_is_reported(finished, tmp_path):
    folder = shutil.copytree(finished[0], tmp_path / "copy")
    (folder / "generator.keras").unlink()  # as of a killed run
    for path in Checkpoints(folder).paths("last"):
        path.write_bytes(path.read_bytes()[:1000])
    code, _, err = run("gan.sample", "--run", folder, "--out", tmp_path / "x.png")
    assert code == 2
    assert "torn checkpoint" in err
    assert not (tmp_path / "x.png").exists()


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"count": 0}, "--count: expected at least 1, got 0"),
        ({"seed": -1}, "--seed: expected at least 0"),
        ({"out": None}, "expected one of --out"),
        ({"label": "z"}, "--label z: expected one of: a, b"),
        ({"out": Path("x.ico")}, "--out x.ico: images cannot be written in this format"),
    ],
)
def test_what_cannot_be_sampled_is_refused_before_tensorflow(finished, tmp_path, changes, message):
    with pytest.raises(InputError, match=message):
        sample.check(sample.Config(**{"run": finished[0], "out": tmp_path / "x.png", **changes}))


@pytest.mark.parametrize(
    ("names", "message"),
    [
        ({"out": "pipe.png"}, "--out .*pipe.png: expected the name of a file, found a pipe"),
        ({"npz": "folder"}, "--npz .*folder.npz: a folder; expected the name of a file"),
        ({"out": "x.gif", "interpolation": "x.gif"}, "x.gif: is also the file of --out"),
    ],
)
def test_files_that_cannot_be_written_are_refused_before_tensorflow(
    finished, tmp_path, names, message
):
    os.mkfifo(tmp_path / "pipe.png")
    (tmp_path / "folder.npz").mkdir()
    paths = {field: tmp_path / name for field, name in names.items()}
    with pytest.raises(InputError, match=message):
        sample.check(sample.Config(run=finished[0], **paths))


def test_files_that_will_be_replaced_are_named(finished, tmp_path, capsys):
    names = {"out": "x.png", "npz": "x.npz", "interpolation": "x.gif"}
    paths = {field: tmp_path / name for field, name in names.items()}
    paths["out"].write_bytes(b"")
    paths["npz"].write_bytes(b"")
    sample.check(sample.Config(run=finished[0], **paths))
    expected = [f"{paths[field]} exists and will be replaced" for field in ("out", "npz")]
    assert capsys.readouterr().out.splitlines() == expected


def test_a_label_is_found_in_any_normal_form(finished, tmp_path):
    folder = shutil.copytree(finished[0], tmp_path / "copy")
    about = json.loads((folder / "config.json").read_text())
    about["data"]["class_names"][0] = "caf\u00e9"
    (folder / "config.json").write_text(json.dumps(about))
    for label in ("caf\u00e9", "cafe\u0301"):
        sample.check(sample.Config(run=folder, label=label, out=tmp_path / "x.png"))


def test_an_edited_configuration_is_refused_in_two_lines(finished, tmp_path):
    folder = shutil.copytree(finished[0], tmp_path / "copy")
    about = json.loads((folder / "config.json").read_text())
    about["config"]["networks"]["width"] = -4
    (folder / "config.json").write_text(json.dumps(about))
    for check, config in (
        (sample.check, sample.Config(run=folder, out=tmp_path / "x.png")),
        (evaluate.check, evaluate.Config(run=folder)),
    ):
        with pytest.raises(InputError, match=r"networks.width: expected 1 to 1024") as caught:
            check(config)
        assert str(caught.value).startswith(f"--run {folder}: config.json: networks.width")
        assert len(str(caught.value).splitlines()) == 2
