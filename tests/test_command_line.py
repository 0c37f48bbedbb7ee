"""The real command lines, run for real on tiny pictures."""

import json
import os
import random
import resource
import signal
import subprocess
import sys
import time
import urllib.request

import numpy as np
import pytest
from PIL import Image

from common.checkpoints import Checkpoints
from tests.command_line import ROOT, run, start

TINY = [
    *("--batch-size", "8", "--networks.width", "4", "--networks.latent-size", "8"),
    *("--tick-kimg", "0.032", "--steps-per-execution", "2", "--evaluate-every", "0"),
]


FRONTS = ["gan.train", "gan.sample", "gan.evaluate", "style_transfer.stylize"]


@pytest.fixture(scope="session")
def cache(tmp_path_factory):
    return tmp_path_factory.mktemp("cache")


@pytest.fixture(scope="session")
def finished(blobs, cache, tmp_path_factory):
    """A run of two epochs on two classes, and what it printed."""
    folder = tmp_path_factory.mktemp("runs") / "tiny"
    classes = tmp_path_factory.mktemp("classes")
    for index, path in enumerate(sorted(blobs.iterdir()) * 2):
        (classes / "ab"[index % 2]).mkdir(exist_ok=True)
        target = classes / "ab"[index % 2] / f"{index}.png"
        target.write_bytes(path.read_bytes())
    code, out, err = run(
        "gan.train", "--dataset", classes, "--epochs", "1", "--run-dir", folder,
        "--cache-dir", cache, *TINY,
    )  # fmt: skip
    assert code == 0, err
    return folder, out, err


def test_the_front_modules_do_not_import_tensorflow():
    code = (
        "import sys, gan.train, gan.sample, gan.evaluate, style_transfer.stylize; "
        "print([name for name in ('tensorflow', 'keras', 'matplotlib') if name in sys.modules])"
    )
    out = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert out.stdout.strip() == "[]", out.stderr


@pytest.mark.parametrize("module", FRONTS)
def test_help_explains_every_flag(module):
    code, out, _ = run(module, "--help")
    assert code == 0
    assert "--seed" in out
    assert "required" in out or module != "gan.sample"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["gan.train", "--loss", "hing"], "hinge"),
        (["gan.train", "--bath-size", "8"], "--batch-size"),
        (["gan.train", "--batch-size", "many"], "--batch-size"),
        (["gan.train", "--resolution", "33"], "--resolution: expected one of [16, 20"),
        (
            ["gan.train", "--dataset", "/no/such/folder"],
            "--dataset /no/such/folder: no such folder",
        ),
        (["gan.train", "--dataset", "minst"], "did you mean mnist"),
        (["gan.train", "--resume", "/no/such/run"], "--resume /no/such/run: not a run"),
        (["gan.train", "--run-dir", "/dev/null/run"], "--run-dir /dev/null/run"),
        (
            ["gan.sample", "--run", "/no/such/run", "--out", "x.png"],
            "--run /no/such/run: not a run",
        ),
        (["gan.sample", "--run", "x"], "expected one of --out"),
        (["gan.sample"], "--run"),
    ],
)
def test_bad_input_is_told_in_two_lines(arguments, message, cache):
    if arguments[0] == "gan.train":
        arguments = [*arguments, "--cache-dir", cache]
    code, _, err = run(*arguments)
    assert code == 2
    assert message in err
    assert len(err.strip().splitlines()) <= 2, err


def test_a_run_says_what_it_did_and_what_to_do_next(finished):
    folder, out, err = finished
    assert "128 pictures of 16x16x1, 2 classes" in out
    assert f"python -m gan.sample --run {folder}" in out.splitlines()[-1]
    for noise in ("oneDNN", "absl", "Warning", "Traceback", "cuda"):
        assert noise not in err
    assert "100%" in err


def test_a_second_run_into_the_same_folder_is_refused(finished, blobs, cache):
    folder, _, _ = finished
    before = sorted((path, path.stat().st_mtime_ns) for path in folder.rglob("*"))
    code, _, err = run(
        "gan.train", "--dataset", blobs, "--run-dir", folder, "--cache-dir", cache, *TINY
    )
    assert code == 2
    assert f"--resume {folder}" in err
    assert sorted((path, path.stat().st_mtime_ns) for path in folder.rglob("*")) == before


def test_samples_as_grid_archive_and_walk(finished, tmp_path):
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


def test_a_resume_may_extend_but_not_change_a_run(finished, tmp_path):
    import shutil

    folder = shutil.copytree(finished[0], tmp_path / "copy")
    code, _, err = run("gan.train", "--resume", folder, "--batch-size", "16")
    assert code == 2
    assert "batch_size: 8 -> 16" in err
    code, _, err = run("gan.train", "--resume", folder, "--epochs", "2", *TINY[-4:])
    assert code == 0, err
    assert json.loads((folder / "summary.json").read_text())["images"] == 256


def test_a_torn_checkpoint_is_told(finished, tmp_path):
    import shutil

    folder = shutil.copytree(finished[0], tmp_path / "copy")
    for path in Checkpoints(folder).paths("last"):
        path.write_bytes(path.read_bytes()[:1000])
    code, _, err = run("gan.sample", "--run", folder, "--out", tmp_path / "x.png")
    assert code == 2
    assert "torn checkpoint" in err
    assert not (tmp_path / "x.png").exists()


def arrays_of(folder):
    return Checkpoints(folder).load("last")[0]


def test_a_killed_run_resumes_to_the_same_bits(blobs, cache, tmp_path):
    """KILL_ROUNDS=20 kills twenty runs, each at its own random moment."""
    options = ["--dataset", blobs, "--epochs", "20", "--cache-dir", cache, "--deterministic", *TINY]
    started = time.monotonic()
    code, _, err = run("gan.train", *options, "--run-dir", tmp_path / "whole")
    assert code == 0, err
    whole, lasted = arrays_of(tmp_path / "whole"), time.monotonic() - started
    for number in range(int(os.environ.get("KILL_ROUNDS", "1"))):
        folder = tmp_path / f"killed-{number}"
        victim = start("gan.train", *options, "--run-dir", folder)
        deadline = time.monotonic() + 60
        while not (Checkpoints(folder).paths("last") or time.monotonic() > deadline):
            time.sleep(0.02)  # until there is something to resume
        time.sleep(random.uniform(0.0, 0.5 * lasted))
        victim.send_signal(signal.SIGKILL)
        victim.communicate()
        images = int(Checkpoints(folder).paths("last")[0].name.split("-")[1])
        if images < 20 * 64:
            code, _, err = run(
                "gan.train", "--resume", folder, "--cache-dir", cache, "--deterministic", *TINY[-4:]
            )
            assert code == 0, err
        resumed = arrays_of(folder)
        assert list(resumed) == list(whole)
        for name, value in whole.items():
            np.testing.assert_array_equal(resumed[name], value, err_msg=f"{name} from {images}")
        print(f"killed after {images} images: same bits")


def test_ctrl_c_saves_and_says_how_to_go_on(blobs, cache, tmp_path):
    folder = tmp_path / "run"
    process = start(
        "gan.train", "--dataset", blobs, "--epochs", "100000", "--run-dir", folder,
        "--cache-dir", cache, *TINY,
    )  # fmt: skip
    deadline = time.monotonic() + 90
    while not (folder / "metrics.jsonl").exists() and time.monotonic() < deadline:
        time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 130
    assert f"python -m gan.train --resume {folder}" in out
    assert "Traceback" not in err
    summary = json.loads((folder / "summary.json").read_text())
    assert summary["status"] == "interrupted"
    newest = Checkpoints(folder).paths("last")[0]
    assert int(newest.name.split("-")[1]) == summary["images"]


def test_a_full_disk_is_told_and_loses_nothing(blobs, cache, tmp_path):
    def small_disk():  # a file beyond this many bytes fails, as it would on a full disk
        resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000))

    code, _, err = run(
        "gan.train", "--dataset", blobs, "--epochs", "1", "--run-dir", tmp_path / "run",
        "--cache-dir", cache, *TINY, preexec_fn=small_disk,
    )  # fmt: skip
    assert code == 2, err
    assert "disk full" in err
    assert not list((tmp_path / "run").rglob(".tmp-*"))


def test_tensorboard_serves_the_figures(finished):
    folder, _, _ = finished
    server = start(
        "tensorboard.main", "--logdir", folder.parent, "--port", "0", "--load_fast=false"
    )
    try:
        address = next(
            word for line in server.stderr for word in line.split() if word.startswith("http://")
        ).rstrip("/")

        def get(path):
            with urllib.request.urlopen(f"{address}/data/{path}", timeout=20) as answer:
                return json.load(answer)

        deadline = time.monotonic() + 60
        while not get("plugin/timeseries/tags").get("scalars") and time.monotonic() < deadline:
            time.sleep(0.5)
        scalars = get("plugin/timeseries/tags")["scalars"]["runTagInfo"]["tiny"]
        assert {
            "loss/discriminator", "loss/generator", "discriminator/real", "discriminator/fake",
            "discriminator/accuracy", "gradient_norm/discriminator", "gradient_norm/generator",
            "learning_rate/discriminator", "learning_rate/generator",
            "balance/discriminator_share", "speed/images_per_second",
        } <= set(scalars)  # fmt: skip
        series = get("plugin/scalars/scalars?run=tiny&tag=loss%2Fgenerator")
        assert [step for _, step, _ in series] == [32, 64, 96, 128]
        images = get("plugin/images/tags")["tiny"]
        assert {"data/real", "samples/fixed_latents"} <= set(images)
        assert "config" in get("plugin/text/tags")["tiny"]
    finally:
        server.terminate()
        server.communicate()


def test_a_run_is_evaluated_with_its_protocol(finished, cache, tmp_path):
    folder, _, _ = finished
    code, out, err = run(
        "gan.evaluate", "--run", folder, "--count", "60", "--features", "compact",
        "--cache-dir", cache, "--out", tmp_path / "scores.json",
    )  # fmt: skip
    assert code == 0, err
    found = json.loads((tmp_path / "scores.json").read_text())
    assert (
        found["scores"]["frechet_distance"] > found["scores"]["frechet_distance_of_two_real_halves"]
    )
    for name in ("kernel_inception_distance", "precision", "recall", "density", "coverage"):
        assert name in found["scores"]
        assert name in out
    assert "60 of 128 pictures" in found["protocol"]["real"]
    assert out.splitlines()[-1].endswith("scores.json")
    for arguments, message in (
        (["--run", tmp_path], "--run"),
        (["--npz", tmp_path / "no.npz", "--dataset", "glyphs"], "no such file"),
        ([], "--run, --npz, --folder"),
    ):
        code, _, err = run("gan.evaluate", *arguments)
        assert code == 2
        assert message in err
        assert len(err.strip().splitlines()) <= 2
