import dataclasses
import json
import shutil

import numpy as np
import pytest

from common.checkpoints import Checkpoints
from common.errors import InputError
from gan.build import build_gan
from gan.config import BalanceConfig, DataConfig, OptimizerConfig, StopConfig
from gan.trainer import train
from tests.gan.tiny import build_with_tanh, run_of


@pytest.mark.parametrize(
    "balance",
    [
        pytest.param(
            BalanceConfig(
                pause_accuracy=0.6, resume_accuracy=0.5, label_flips=0.1, instance_noise=0.1
            ),
            marks=pytest.mark.slow,
        ),
        pytest.param(
            BalanceConfig(mode="auto", augment_kimg=1.0, discriminator_steps=2, generator_steps=2),
            marks=pytest.mark.slow,
        ),
    ],
)
def test_a_resumed_run_ends_with_the_same_bits(tiny, balance):
    config = dataclasses.replace(
        tiny,
        balance=balance,
        precision="bfloat16",
        generator=OptimizerConfig(schedule="cosine", decay_kimg=1.0),
        stop=StopConfig(epochs=4, evaluate_every=0),
    )
    whole = train(run_of(config, run_dir=tiny.run.run_dir.with_name("whole")))
    half = train(dataclasses.replace(config, stop=StopConfig(epochs=2, evaluate_every=0)))
    rest = train(run_of(config, run_dir=None, resume=half.folder))
    assert int(rest.gan.images_seen) == int(whole.gan.images_seen) == 256
    first, _ = Checkpoints(whole.folder).load("last")
    second, _ = Checkpoints(rest.folder).load("last")
    assert list(first) == list(second)
    for name, value in first.items():
        np.testing.assert_array_equal(value, second[name], err_msg=name)
    rows = [(result.folder / "metrics.jsonl").read_text().splitlines() for result in (whole, rest)]
    for one, other in zip(*(map(json.loads, lines) for lines in rows), strict=True):
        del one["speed/images_per_second"], other["speed/images_per_second"]
        assert one == other


@pytest.mark.slow
def test_a_resume_with_another_configuration_is_refused(tiny):
    folder = train(tiny).folder
    changed = dataclasses.replace(tiny, batch_size=16, generator=OptimizerConfig(beta_1=0.1))
    with pytest.raises(InputError, match=r"batch_size: 8 -> 16; generator.beta_1: 0.5 -> 0.1"):
        train(run_of(changed, run_dir=None, resume=folder))
    with pytest.raises(InputError, match="has had its 128 images"):
        train(run_of(tiny, run_dir=None, resume=folder))


@pytest.mark.slow
def test_a_resume_on_changed_data_is_refused(tiny, blobs, tmp_path):
    copy = shutil.copytree(blobs, tmp_path / "copy")
    config = dataclasses.replace(tiny, data=DataConfig(dataset=str(copy)))
    folder = train(config).folder
    (copy / "000.png").unlink()
    longer = dataclasses.replace(config, stop=StopConfig(epochs=3, evaluate_every=0))
    with pytest.raises(InputError, match="has changed since the run began"):
        train(run_of(longer, run_dir=None, resume=folder))


@pytest.mark.slow
def test_a_run_killed_before_its_first_checkpoint_starts_again(tiny):
    whole = train(run_of(tiny, run_dir=tiny.run.run_dir.with_name("whole")))
    killed = train(tiny)
    for path in killed.folder.rglob("*"):
        if path.is_file() and path.name != "config.json":
            path.unlink()
    again = train(run_of(tiny, run_dir=None, resume=killed.folder))
    for one, other in zip(whole.gan.weights, again.gan.weights, strict=True):
        np.testing.assert_array_equal(one, other)


@pytest.mark.slow
def test_what_a_killed_run_left_unfinished_is_removed(tiny):
    tiny.run.run_dir.mkdir(parents=True)
    (tiny.run.run_dir / ".tmp-killed.json").write_bytes(b"{")  # before there was a config.json
    folder = train(tiny).folder
    assert not list(folder.rglob(".tmp-*"))
    (folder / "checkpoints" / ".tmp-killed.npz").write_bytes(b"half")
    with pytest.raises(InputError, match="the run has had its"):
        train(run_of(tiny, run_dir=None, resume=folder))
    assert not list(folder.rglob(".tmp-*"))


@pytest.mark.slow
def test_adapted_augmentation_is_logged_and_survives_a_resume(tiny):
    config = dataclasses.replace(
        tiny,
        balance=BalanceConfig(augment_target=0.01, augment_kimg=1.0),
        stop=StopConfig(epochs=4, evaluate_every=0),
    )
    whole = train(run_of(config, run_dir=tiny.run.run_dir / "whole"))
    assert whole.metrics["balance/augment"] > 0.0
    half = dataclasses.replace(config, stop=StopConfig(epochs=2, evaluate_every=0))
    folder = train(run_of(half, run_dir=tiny.run.run_dir / "half")).folder
    resumed = train(run_of(config, run_dir=None, resume=folder))
    for one, two in zip(whole.gan.variables, resumed.gan.variables, strict=True):
        np.testing.assert_array_equal(one, two)


@pytest.mark.slow
def test_a_resume_accepts_fields_that_the_run_does_not_know_yet(tiny):
    whole = train(run_of(longer(tiny), run_dir=tiny.run.run_dir.with_name("whole")))
    folder = train(tiny).folder
    about = json.loads((folder / "config.json").read_text())
    for part, name in (("networks", "options"), ("networks", "kernels"), ("balance", "augment")):
        del about["config"][part][name]
    del about["config"]["preset"], about["config"]["ema_kimg"]
    (folder / "config.json").write_text(json.dumps(about))
    resumed = train(run_of(longer(tiny), run_dir=None, resume=folder))
    for one, other in zip(whole.gan.variables, resumed.gan.variables, strict=True):
        np.testing.assert_array_equal(one, other)
    saved = json.loads((folder / "config.json").read_text())["config"]
    assert saved["networks"]["kernels"] == "fast"
    changed = dataclasses.replace(longer(tiny), ema_kimg=1.0)
    with pytest.raises(InputError, match=r"ema_kimg: 40.0 -> 1.0"):
        train(run_of(changed, run_dir=None, resume=folder))


@pytest.mark.slow
def test_a_resume_refuses_fields_of_another_version(tiny):
    folder = train(tiny).folder
    about = json.loads((folder / "config.json").read_text())
    about["config"]["color"] = "red"
    (folder / "config.json").write_text(json.dumps(about))
    with pytest.raises(InputError, match="unknown field color"):
        train(run_of(longer(tiny), run_dir=None, resume=folder))


@pytest.mark.slow
def test_a_resume_rebuilds_the_same_networks_or_none(tiny):
    folder = train(tiny, build=build_with_tanh).folder
    config = run_of(longer(tiny), run_dir=None, resume=folder)
    with pytest.raises(InputError, match=r"given in Python\n.*build="):
        train(config)
    with pytest.raises(InputError, match="expected networks with the fingerprint"):
        train(config, build=lambda config, spec: build_gan(config, spec))
    assert int(train(config, build=build_with_tanh).gan.images_seen) == 192


def longer(config):
    return dataclasses.replace(config, stop=StopConfig(epochs=3, evaluate_every=0))
