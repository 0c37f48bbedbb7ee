"""The command line of exporting, in this process; it starts a new one for every format."""

import dataclasses
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from common.errors import InputError
from common.exporting import formats
from gan import export, generate, generator_file
from gan.config import NetworkConfig
from gan.export import Config
from gan.exporting import verification
from gan.trainer import train
from tests.command_line import run

ALL = tuple(formats.FORMATS)


@pytest.fixture
def target(tmp_path):
    return tmp_path / "out"


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, "run/generator.keras"),
        ({"format": "onnx"}, "run/generator.onnx"),
        ({"format": "litert", "checkpoint": "best"}, "run/generator-best.tflite"),
        ({"format": "savedmodel"}, "run/savedmodel"),
        ({"card": True, "format": "onnx"}, "run/hub"),
        ({"format": "onnx", "out": Path("model")}, "model.onnx"),
        ({"format": "savedmodel", "out": Path("model")}, "model"),
    ],
)
def test_the_name_of_the_file_follows_from_run_and_format(changes, expected):
    assert export.output(Config(Path("run"), **changes)) == Path(expected)


def refused(config, message):
    with pytest.raises(InputError, match=message) as error:
        export.check(config)
    assert len(str(error.value).splitlines()) == 2


def test_what_cannot_be_written_is_refused_before_tensorflow(finished, target, monkeypatch):
    folder = finished[0]
    target.write_text("a file")
    refused(Config(folder, out=target / "generator.keras"), "--out .*cannot be written")
    refused(Config(folder, format="savedmodel", out=target), "--out .*exists already")
    with pytest.raises(InputError, match="not a run"):
        export.check(Config(target.parent))
    monkeypatch.setattr(formats.importlib.util, "find_spec", lambda name: None)
    for name, package in (
        ("onnx", "onnx and tf2onnx and onnxruntime"),
        ("litert", "ai-edge-litert"),
    ):
        refused(
            Config(folder, format=name), f"--format {name}: needs the package {package}\n.*extra"
        )
    assert target.read_text() == "a file"


def test_an_export_that_differs_leaves_no_file(finished, target, monkeypatch):
    monkeypatch.setattr(verification, "largest_difference", lambda *_: 2e-5)
    for name in ("keras", "savedmodel"):
        with pytest.raises(InputError, match=r"differs by 2e-05, expected at most 1e-05\n"):
            export.main(["--run", str(finished[0]), "--format", name, "--out", str(target / "x")])
        assert list(target.iterdir()) == []


def test_what_its_runtime_cannot_load_is_reported_in_two_lines(finished, target):
    pytest.importorskip("ai_edge_litert")
    generator, _ = generate.load_generator(finished[0])
    target.write_bytes(b"damaged")
    with pytest.raises(
        InputError, match=r"cannot be loaded without this code\n.*ValueError"
    ) as error:
        verification.check(generator, target.rename(f"{target}.tflite"), "litert", classes=2)
    assert len(str(error.value).splitlines()) == 2


@pytest.fixture(params=["default", "bfloat16", "resnet", "style_based", "subpixel"])
def trained(request, tiny):
    changes = {
        "default": {},
        "bfloat16": {"precision": "bfloat16"},
        "resnet": {"networks": NetworkConfig(name="resnet", latent_size=8, width=4,
                                             normalization="none", upsampling="resize")},
        "style_based": {"networks": NetworkConfig(name="style_based", latent_size=8, width=4)},
        "subpixel": {"networks": NetworkConfig(latent_size=8, width=4, upsampling="subpixel")},
    }  # fmt: skip
    return train(dataclasses.replace(tiny, **changes[request.param]))


@pytest.mark.slow
def test_every_format_agrees_with_the_trained_generator(trained, target, capsys):
    for name in ALL:
        for module in formats.FORMATS[name].packages:
            pytest.importorskip(module)
        assert (
            export.main(["--run", str(trained.folder), "--format", name, "--out", str(target)]) == 0
        )
        out = capsys.readouterr().out
        assert "64 images agree; the largest difference" in out
    latents = generate.draw_latents(5, 8, seed=0)
    images = in_runtime(target.with_suffix(".onnx"), latents)
    if trained.gan.compute_dtype == "float32":
        expected = trained.gan.ema_generator(latents, training=False)
        np.testing.assert_allclose(images, expected, atol=1e-5)


def in_runtime(path, latents):
    onnx, onnxruntime = pytest.importorskip("onnx"), pytest.importorskip("onnxruntime")
    onnx.checker.check_model(str(path), full_check=True)
    session = onnxruntime.InferenceSession(str(path))
    about = session.get_modelmeta().custom_metadata_map
    assert json.loads(about["latent"])["size"] == 8
    return session.run(None, {"latent": latents})[0]


@pytest.mark.slow
def test_every_format_of_a_conditional_generator_by_command_line(finished, target):
    for name in ALL:
        for module in formats.FORMATS[name].packages:
            pytest.importorskip(module)
        code, out, err = run("gan.export", "--run", finished[0], "--format", name, "--out", target)
        assert code == 0, err
        assert f"{target}{formats.FORMATS[name].suffix}" in out
        assert "64 images agree" in out
        assert err == ""


HUB = """
import sys, types
hub = types.ModuleType("huggingface_hub")
hub.snapshot_download = lambda repo_id, **options: {"user/name": sys.argv[1]}[repo_id]
sys.modules["huggingface_hub"] = hub
import keras, numpy as np
generator = keras.saving.load_model("hf://user/name")
images = generator([np.zeros((2, 8), np.float32), np.array([0, 1])], training=False)
np.save(sys.argv[2], images)
"""


@pytest.mark.slow
def test_a_folder_with_a_card_is_loaded_as_the_hub_serves_it(finished, target, tmp_path):
    arguments = ["--run", str(finished[0]), "--card", "--license", "cc0-1.0", "--out", str(target)]
    assert export.main(arguments) == 0
    names = {path.name for path in target.iterdir()} - {"assets"}  # Keras's, empty
    assert names == {"README.md", "samples.png", "config.json", "metadata.json",
                     "model.weights.h5", generator_file.MEMBER}  # fmt: skip
    assert 'license: "cc0-1.0"' in (target / "README.md").read_text()
    subprocess.run(
        [sys.executable, "-I", "-c", HUB, str(target), str(tmp_path / "images.npy")],
        cwd=tmp_path, check=True, timeout=240,
    )  # fmt: skip
    generator, _ = generate.load_generator(finished[0])
    expected = generator([np.zeros((2, 8), np.float32), np.array([0, 1])], training=False)
    np.testing.assert_allclose(np.load(tmp_path / "images.npy"), expected, atol=1e-6)
