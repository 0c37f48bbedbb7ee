"""The command line of sampling, in a subprocess."""

import shutil

import numpy as np
import pytest
from PIL import Image

from common.checkpoints import Checkpoints
from common.errors import InputError
from gan import sample
from tests.command_line import run


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
    ],
)
def test_what_cannot_be_sampled_is_refused_before_tensorflow(finished, tmp_path, changes, message):
    with pytest.raises(InputError, match=message):
        sample.check(sample.Config(**{"run": finished[0], "out": tmp_path / "x.png", **changes}))
