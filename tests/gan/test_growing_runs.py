"""Runs of the progressive family: stages of 8 and 16 pixels, killed and resumed."""

import dataclasses
import json
import subprocess
import sys

import keras
import numpy as np
import pytest
from PIL import Image

from common.checkpoints import Checkpoints
from common.errors import InputError
from gan import generate, validation
from gan.callbacks.checkpoints import checkpoint_variables
from gan.config import BalanceConfig, DataConfig, NetworkConfig, OptimizerConfig, StopConfig
from gan.reconstruction.reconstruction_options import ReconstructionConfig
from gan.trainer import train
from tests.command_line import ROOT, arrays_of, run, sample_evaluate_and_export
from tests.common.distribution.test_replicas import MIRRORED
from tests.gan.tiny import TINY, run_of

GROWN = [208]  # of 512 images, in calls of 16: 2/5 is 204.8


@pytest.fixture(scope="module")
def squares(tmp_path_factory):
    """A folder of 64 gray 32x32 images."""
    folder = tmp_path_factory.mktemp("squares")
    random = np.random.default_rng(0)
    for index in range(64):
        image = np.zeros((32, 32), np.uint8)
        top, left = random.integers(2, 20, size=2)
        image[top : top + 9, left : left + 9] = random.integers(100, 256, size=(9, 9))
        Image.fromarray(image).save(folder / f"{index:03d}.png")
    return folder


@pytest.fixture
def growing(tiny, squares):
    options = ("first=8",)
    return dataclasses.replace(
        tiny,
        data=DataConfig(dataset=str(squares), resolution=16),
        networks=NetworkConfig("progressive", latent_size=8, width=4, options=options),
        generator=OptimizerConfig(schedule="cosine", decay_kimg=1.0),
        balance=BalanceConfig(augment_target=0.3, augment_kimg=1.0),
        stop=StopConfig(epochs=8, evaluate_every=0),
    )


class KilledError(Exception):
    """Ends a process without giving it a chance to save."""


class Kill(keras.callbacks.Callback):
    """Raises once a number of images has been seen, at the end or the begin of a call."""

    def __init__(self, images, at_begin=False):
        super().__init__()
        self.images, self.at_begin = images, at_begin

    def on_train_batch_begin(self, batch, logs=None):
        if self.at_begin and int(self.model.images_seen) >= self.images:
            raise KilledError

    def on_train_batch_end(self, batch, logs=None):
        if not self.at_begin and int(self.model.images_seen) >= self.images:
            raise KilledError


@pytest.mark.slow
@pytest.mark.parametrize(("kill", "weight", "optimizer"), [
    pytest.param(Kill(GROWN[0]), 0.0, "muon", id="before growth is recorded"),
    pytest.param(Kill(GROWN[0], at_begin=True), 1.0, "adam", id="after growth"),
])  # fmt: skip
def test_a_killed_run_ends_with_the_same_bits(growing, kill, weight, optimizer):
    reconstruction = ReconstructionConfig(weight, features=0.0, encoder_width=4, entries=64)
    generator = dataclasses.replace(growing.generator, optimizer=optimizer)
    growing = dataclasses.replace(growing, reconstruction=reconstruction, generator=generator)
    result = train(run_of(growing, run_dir=growing.run.run_dir.with_name("whole")))
    assert result.gan.grown == GROWN
    whole = arrays_of(result.folder)
    with pytest.raises(KilledError):
        train(growing, callbacks=[kill])
    _, state = Checkpoints(growing.run.run_dir).load("last")
    known = kill.images if kill.at_begin else kill.images - 1
    assert state["growth"] == [images for images in GROWN if images <= known]
    rest = train(run_of(growing, run_dir=None, resume=growing.run.run_dir))
    assert rest.gan.grown == GROWN
    assert int(rest.gan.images_seen) == 512
    found = arrays_of(rest.folder)
    assert list(found) == list(whole)
    for name, value in whole.items():
        np.testing.assert_array_equal(value, found[name], err_msg=name)


@pytest.mark.slow
def test_growth_is_not_repeated_with_a_longer_budget(growing):
    first = train(growing)
    longer = dataclasses.replace(growing, stop=StopConfig(epochs=16, evaluate_every=0))
    result = train(run_of(longer, run_dir=None, resume=first.folder))
    assert result.gan.grown == GROWN
    summary = json.loads((first.folder / "summary.json").read_text())
    assert (summary["images"], summary["growth"]) == (1024, GROWN)


@pytest.mark.slow
def test_every_stage_has_its_share_of_the_minutes(growing):
    stop = StopConfig(max_minutes=0.25, evaluate_every=0)
    result = train(dataclasses.replace(growing, stop=stop))
    assert len(result.gan.grown) == 1
    assert result.gan.current.side == 16
    assert result.reason == "used its 0.25 minutes"


@pytest.mark.slow
def test_a_growing_run_through_the_command_lines(squares, cache, tmp_path):
    folder = tmp_path / "run"
    code, out, err = run(
        "gan.train", "--dataset", squares, "--networks", "progressive", "--networks.options",
        "first=8", "--epochs", "4", "--run-dir", folder, "--cache-dir", cache, *TINY,
        "stop.evaluate_every=0.064", "stop.evaluate_count=24",
    )  # fmt: skip
    assert code == 0, err
    assert "progressive, grown from 8, 16 pixels" in out
    assert out.count("growing to") == 2
    rows = [json.loads(line) for line in (folder / "metrics.jsonl").read_text().splitlines()]
    seen = [row["images"] for row in rows]
    assert seen == sorted(set(seen))
    assert any("quality/frechet_distance" in row for row in rows)
    sheets = [Image.open(path).size for path in sorted((folder / "samples").glob("*.png"))]
    assert len(sheets) > 6
    assert len(set(sheets)) == 1  # full size from the start
    assert sample_evaluate_and_export(folder, tmp_path, cache) == (32, 32, 1)


@pytest.mark.slow
def test_a_run_that_ended_in_its_first_stage_makes_images_of_full_size(growing):
    with pytest.raises(KilledError):
        train(growing, callbacks=[Kill(64)])
    generator, _ = generate.load_generator(growing.run.run_dir)
    latents = generate.draw_latents(4, 8, seed=0)
    images = generate.draw(generator, latents, np.zeros(4, np.int32))
    assert images.shape == (4, 16, 16, 1)
    np.testing.assert_array_equal(images[:, ::2, ::2], images[:, 1::2, 1::2])


def test_several_processes_are_refused(growing, monkeypatch):
    cluster = {"cluster": {"worker": ["127.0.0.1:1", "127.0.0.1:2"]}}
    cluster["task"] = {"type": "worker", "index": 0}
    monkeypatch.setenv("TF_CONFIG", json.dumps(cluster))
    with pytest.raises(InputError, match="--networks progressive: expected a single process"):
        validation.check(growing)


@pytest.mark.slow
def test_two_devices_grow_together(squares, cache, tmp_path):
    process = subprocess.run(
        [sys.executable, "-c", MIRRORED, "--strategy", "mirrored", "--dataset", squares,
         "--resolution", "16", "--networks", "progressive", "--networks.options", "first=8",
         "--epochs", "2",
         "--run-dir", tmp_path / "run", "--cache-dir", cache, *TINY],
        cwd=ROOT, capture_output=True, text=True, timeout=240,
    )  # fmt: skip
    assert process.returncode == 0, process.stderr
    assert json.loads((tmp_path / "run" / "config.json").read_text())["machine"]["replicas"] == 2
    assert len(json.loads((tmp_path / "run" / "summary.json").read_text())["growth"]) == 1


@pytest.mark.slow
def test_other_losses_penalties_and_controls_train_in_every_stage(growing):
    networks = dataclasses.replace(growing.networks, normalization="none")
    balance = BalanceConfig(mode="auto", discriminator_steps=2, generator_steps=2, label_flips=0.1)
    config = dataclasses.replace(
        growing, networks=networks, balance=balance, loss="relativistic", penalty="r1_r2"
    )
    result = train(config)
    assert result.gan.current.side == 16
    assert np.isfinite(list(result.metrics.values())).all()
    assert all(np.isfinite(np.array(each)).all() for each in checkpoint_variables(result.gan))
