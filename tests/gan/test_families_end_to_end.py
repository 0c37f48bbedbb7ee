"""Families whose training differs from the DCGAN's, through the command lines."""

import dataclasses
import json

import numpy as np
import pytest
from PIL import Image

from gan import generate
from gan.config import BalanceConfig, NetworkConfig, StopConfig
from gan.trainer import train
from tests.command_line import arrays_of, run_here, sample_evaluate_and_export
from tests.gan.tiny import TINY, run_of


@pytest.mark.slow
def test_multi_scale_trains_samples_evaluates_and_exports(blobs, cache, tmp_path):
    folder = tmp_path / "run"
    code, _, err = run_here(
        "gan.train", "--dataset", blobs, "--networks", "multi_scale", "--epochs", "4", "--run-dir",
        folder, "--cache-dir", cache, *TINY, "stop.evaluate_every=0.064", "stop.evaluate_count=24",
    )  # fmt: skip
    assert code == 0, err
    about = json.loads((folder / "config.json").read_text())
    assert (about["networks"]["family"], about["config"]["preset"]) == ("multi_scale",) * 2
    rows = [json.loads(line) for line in (folder / "metrics.jsonl").read_text().splitlines()]
    assert any("quality/frechet_distance" in row for row in rows)
    with Image.open(folder / "latest.png") as sheet:
        assert sheet.width > 10 * 16
    assert sample_evaluate_and_export(folder, tmp_path, cache) == (16, 16, 1)
    latents = generate.draw_latents(4, 8, seed=0)
    drawn = [
        generate.draw(generate.load_generator(folder, kind)[0], latents, np.zeros(4, np.int32))
        for kind in ("last", "best")
    ]
    assert drawn[0].shape == drawn[1].shape == (4, 16, 16, 1)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("family", "normalization"), [("multi_scale", "batch"), ("projected", "spectral")]
)
def test_a_resumed_run_ends_with_the_same_bits(tiny, family, normalization):
    config = dataclasses.replace(
        tiny,
        networks=NetworkConfig(family, latent_size=8, width=4, normalization=normalization),
        balance=BalanceConfig(mode="auto", augment_kimg=1.0),
        precision="bfloat16",
        stop=StopConfig(epochs=4, evaluate_every=0),
    )
    whole = train(run_of(config, run_dir=tiny.run.run_dir.with_name("whole")))
    half = train(dataclasses.replace(config, stop=StopConfig(epochs=2, evaluate_every=0)))
    rest = train(run_of(config, run_dir=None, resume=half.folder))
    assert whole.status == rest.status == "finished"  # a diverged run keeps its last good state
    one, other = arrays_of(whole.folder), arrays_of(rest.folder)
    assert list(one) == list(other)
    for name, value in one.items():
        np.testing.assert_array_equal(value, other[name], err_msg=name)
