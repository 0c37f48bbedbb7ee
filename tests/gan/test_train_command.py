"""The command line of training, in a subprocess, on tiny images."""

import dataclasses
import json
import os
import random
import re
import resource
import shutil
import signal
import time
import urllib.request

import numpy as np
import pytest

from common.checkpoints import Checkpoints
from common.errors import InputError
from gan import validation
from gan.config import Config
from gan.train import parse
from tests.command_line import arrays_of, run, run_here, start
from tests.gan.tiny import TINY


def test_help_shows_at_most_39_options():
    code, out, _ = run("gan.train", "--help")
    assert code == 0
    flags = set(re.findall(r"--[a-z][a-z.-]*", out)) - {"--help"}
    assert {"--dataset", "--networks", "--preset", "--balance", "--set"} <= flags
    assert len(flags) <= 39, sorted(flags)


def test_hidden_fields_are_set_by_their_path():
    found = parse(["--set", "networks.latent_size=8", "run.tick_kimg=0.5", "--seed", "3"])
    assert (found.networks.latent_size, found.run.tick_kimg, found.seed) == (8, 0.5, 3)
    found = parse(["--set", "balance.augment_operations=flip,cutout", "--set", "ema_kimg=7"])
    assert (found.balance.augment_operations, found.ema_kimg) == (("flip", "cutout"), 7.0)
    with pytest.raises(InputError, match=r"run.tick_kimg=VALUE"):
        parse(["--tick-kimg", "4"])


@pytest.mark.parametrize(
    "words",
    [
        ["--set", "balance.options=no such\nfile"],
        ["--set", "balance.options=no\nname=1"],
        ["--set", "no\nfield=1"],
        ["--set", "seed=1\n2"],
        ["--set", "monitor\n"],
        ["--preset", "de\nfault"],
        ["--networks", "dc\ngan"],
        ["--networks.options", "a\nb"],
        ["--networks.options", "a\nb=1"],
    ],
)
def test_line_breaks_in_a_value_stay_within_the_line(words):
    with pytest.raises(InputError) as caught:
        validation.check(parse(words))
    assert "\n" not in str(caught.value).split(words[0])[1].split(";")[0]
    assert r"\n" in str(caught.value)


def test_the_automatic_balance_is_one_flag_besides_the_single_ones():
    balance = parse(["--balance", "auto", "--balance.on-alarm", "restore"]).balance
    assert (balance.mode, balance.on_alarm) == ("auto", "restore")
    assert parse(["--balance.augment", "0.2"]).balance.mode == "fixed"


def test_a_preset_sets_the_defaults_and_flags_override_it():
    assert parse([]) == dataclasses.replace(Config(), preset="default")
    found = parse(["--preset", "tutorial", "--generator.learning-rate", "3e-4"])
    assert (found.networks.name, found.update) == ("tutorial", "simultaneous")
    assert found.generator.learning_rate == 3e-4
    assert found.discriminator.learning_rate == 1e-4
    assert found == parse(["--networks", "tutorial", "--generator.learning-rate", "3e-4"])
    assert parse(["--preset", "few-images"]).preset == "few_images"
    plain = parse(["--networks", "tutorial", "--preset", "default"])
    assert plain.generator.learning_rate == Config().generator.learning_rate
    with pytest.raises(InputError, match="did you mean tutorial"):
        parse(["--preset", "tutoria"])


def test_a_run_prints_what_it_did_and_what_to_do_next(finished):
    folder, out, err = finished
    assert "128 images of 16x16x1, 2 classes | dcgan: generator" in out
    assert f"python -m gan.sample --run {folder}" in out.splitlines()[-1]
    assert f"run folder: {folder} (Ctrl-C saves the run and ends it)" in out
    assert "finished: saw all 128 images" in out
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


@pytest.mark.slow
def test_a_resume_may_extend_but_not_change_a_run(finished, tmp_path):
    folder = shutil.copytree(finished[0], tmp_path / "copy")
    code, _, err = run("gan.train", "--resume", folder, "--batch-size", "16")
    assert code == 2
    assert "batch_size: 8 -> 16" in err
    code, _, err = run("gan.train", "--resume", folder, "--epochs", "2")
    assert code == 0, err
    assert json.loads((folder / "summary.json").read_text())["images"] == 256


@pytest.mark.slow
def test_a_killed_run_resumes_to_the_same_bits(blobs, cache, tmp_path):
    """KILL_ROUNDS=20 kills twenty runs, each at its own random moment."""
    options = [
        "--dataset",
        blobs,
        "--epochs",
        "20",
        "--cache-dir",
        cache,
        *TINY,
        "run.deterministic=True",
    ]
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
            code, _, err = run("gan.train", "--resume", folder, "--cache-dir", cache)
            assert code == 0, err
        resumed = arrays_of(folder)
        assert list(resumed) == list(whole)
        for name, value in whole.items():
            np.testing.assert_array_equal(resumed[name], value, err_msg=f"{name} from {images}")
        print(f"killed after {images} images: same bits")


@pytest.mark.slow
def test_ctrl_c_saves_and_prints_how_to_continue(blobs, cache, tmp_path):
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


@pytest.mark.slow
def test_a_full_disk_is_reported_and_loses_nothing(blobs, cache, tmp_path):
    def small_disk():  # a file beyond this many bytes fails, as it would on a full disk
        resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000))

    code, _, err = run(
        "gan.train", "--dataset", blobs, "--epochs", "1", "--run-dir", tmp_path / "run",
        "--cache-dir", cache, *TINY, preexec_fn=small_disk,
    )  # fmt: skip
    assert code == 2, err
    assert "disk full" in err
    assert not list((tmp_path / "run").rglob(".tmp-*"))


@pytest.mark.slow
def test_tensorboard_serves_the_metrics(finished):
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
        assert {"training_images/real", "samples/fixed_latents"} <= set(images)
        assert "config" in get("plugin/text/tags")["tiny"]
    finally:
        server.terminate()
        server.communicate()


@pytest.mark.slow
@pytest.mark.parametrize(
    "networks", ["projected", "pytorch_example", "resnet", "style_based", "tutorial"]
)
def test_every_family_trains_resumes_samples_and_is_evaluated(networks, blobs, cache, tmp_path):
    folder = tmp_path / "run"
    small = ["--set", "run.tick_kimg=0.008", "run.steps_per_execution=1"]
    code, out, err = run(
        "gan.train", "--networks", networks, "--dataset", blobs, "--epochs", "0.25",
        "--batch-size", "8", "--evaluate-every", "0", "--run-dir", folder, "--cache-dir", cache,
        *small,
    )  # fmt: skip
    assert code == 0, err
    assert f"{networks}: generator" in out
    assert ("of them frozen" in out) == (networks == "projected")
    assert json.loads((folder / "config.json").read_text())["networks"]["family"] == networks
    code, _, err = run_here("gan.train", "--resume", folder, "--epochs", "0.5")
    assert code == 0, err
    assert json.loads((folder / "summary.json").read_text())["images"] == 32
    code, _, err = run_here(
        "gan.sample", "--run", folder, "--count", "3", "--npz", tmp_path / "s.npz"
    )
    assert code == 0, err
    side = {"pytorch_example": 64, "tutorial": 28}.get(networks, 16)
    with np.load(tmp_path / "s.npz") as archive:
        assert archive["images"].shape == (3, side, side, 1)
    code, _, err = run(
        "gan.evaluate", "--run", folder, "--count", "40", "--features", "compact",
        "--cache-dir", cache, "--out", tmp_path / "scores.json",
    )  # fmt: skip
    assert code == 0, err
    assert json.loads((tmp_path / "scores.json").read_text())["scores"]["frechet_distance"] > 0
