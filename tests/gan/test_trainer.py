"""Training through the Python API, on a folder of 64 tiny images."""

import dataclasses
import json
import shutil

import keras
import numpy as np
import pytest
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from common.errors import InputError
from gan.build import build_gan
from gan.config import DataConfig, OptimizerConfig, StopConfig
from gan.trainer import train
from tests.gan.tiny import run_of


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"batch_size": 1}, "--batch-size: expected at least 2, got 1"),
        ({"loss": "hing"}, "--loss: expected one of .* did you mean hinge"),
        ({"data": DataConfig(dataset="/no/such/folder")}, "--dataset /no/such/folder: no such"),
    ],
)
def test_a_configuration_made_in_python_is_checked(tiny, change, message):
    with pytest.raises(InputError, match=message):
        train(dataclasses.replace(tiny, **change))
    assert not tiny.run.run_dir.exists()


def test_a_run_leaves_everything_in_its_folder(tiny):
    result = train(run_of(tiny, histograms=True))
    folder = result.folder
    assert result.status == "finished"
    assert int(result.gan.images_seen) == 128
    summary = json.loads((folder / "summary.json").read_text())
    assert summary["status"] == "finished"
    assert summary["images"] == 128
    about = json.loads((folder / "config.json").read_text())
    assert about["config"]["batch_size"] == 8
    assert (about["data"]["height"], about["data"]["width"], about["data"]["channels"]) == (
        16,
        16,
        1,
    )
    assert about["data"]["images"] == 64
    assert about["networks"]["family"] == "dcgan"
    assert about["machine"]["versions"]["keras"] == keras.__version__
    rows = [json.loads(line) for line in (folder / "metrics.jsonl").read_text().splitlines()]
    assert [row["images"] for row in rows] == [32, 64, 96, 128]
    assert all(np.isfinite(list(row.values())).all() for row in rows)
    for name in ("latest.png", "training.gif", "samples/000000000000.png"):
        assert (folder / name).stat().st_size > 0

    events = EventAccumulator(str(folder), size_guidance={"tensors": 0})
    events.Reload()
    tags = set(events.Tags()["tensors"])
    assert {
        "loss/discriminator",
        "loss/generator",
        "discriminator/real",
        "discriminator/fake",
        "discriminator/accuracy",
        "gradient_norm/discriminator",
        "gradient_norm/generator",
        "learning_rate/discriminator",
        "learning_rate/generator",
        "balance/discriminator_share",
        "speed/images_per_second",
        "quality/sliced_wasserstein",
        "samples/fixed_latents",
        "training_images/real",
        "at_end/sliced_wasserstein",
        "at_end/images_seen",
        "config",
    } <= tags
    assert any(tag.startswith("weights/") for tag in tags)
    assert [event.step for event in events.Tensors("loss/generator")] == [32, 64, 96, 128]
    assert [event.step for event in events.Tensors("training_images/real")] == [0]
    session = events.SummaryMetadata("_hparams_/session_start_info")
    assert session.plugin_data.plugin_name == "hparams"


@pytest.mark.slow
def test_divergence_stops_and_restores_a_finite_state(tiny):
    wild = dataclasses.replace(
        tiny,
        loss="wasserstein",
        stop=StopConfig(epochs=200, evaluate_every=0),
        discriminator=OptimizerConfig(learning_rate=1e30),
    )
    result = train(wild)
    assert result.status == "diverged"
    assert "non-finite" in result.reason
    assert all(np.isfinite(np.asarray(v)).all() for v in result.gan.weights)
    assert json.loads((result.folder / "summary.json").read_text())["status"] == "diverged"


@pytest.mark.slow
def test_classes_are_used_if_there_are_enough_images(tiny, blobs, tmp_path):
    for name in ("a", "b"):
        shutil.copytree(blobs, tmp_path / "classes" / name)
    folder = str(tmp_path / "classes")
    for conditional, expected in (("auto", 2), ("off", 1)):
        config = dataclasses.replace(tiny, data=DataConfig(folder, conditional=conditional))
        result = train(run_of(config, run_dir=tmp_path / conditional))
        assert len(result.gan.generator.inputs) == expected
    with pytest.raises(InputError, match=r"--conditional on: .* has no classes"):
        train(dataclasses.replace(tiny, data=dataclasses.replace(tiny.data, conditional="on")))


@pytest.mark.slow
def test_networks_given_in_python_get_the_precision_of_the_configuration(tiny, tmp_path):
    for precision in ("bfloat16", "float32"):
        config = dataclasses.replace(
            tiny, precision=precision, stop=StopConfig(epochs=0.1, evaluate_every=0)
        )
        own = []

        def build(*arguments, own=own):
            own.append(build_gan(*arguments))
            return own[0]

        result = train(run_of(config, run_dir=tmp_path / precision), build=build)
        assert result.gan is own[0]
        assert result.gan.generator.layers[1].compute_dtype == precision
