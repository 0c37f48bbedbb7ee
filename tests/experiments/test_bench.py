import os

import numpy as np
import pytest
from PIL import Image

from experiments import bench, bench_gan, bench_torch

FOUND = {
    "step": [
        {
            "networks": "tutorial",
            "precision": "float32",
            "ours_images_per_second": 400.0,
            "pytorch_images_per_second": 350.0,
        },
        {"networks": "default", "precision": "bfloat16", "ours_images_per_second": 1800.0},
    ],
    "tutorial": [{"images_per_second": 200.0}],
    "growth": [{"batch_size": {16: 9.0, 32: 14.0}, "resolution": {16: 10.0, 32: 30.0}}],
    "style": [
        {"extractor": "compact", "size": 256, "precision": "float32", "ours_seconds": 0.02},
        {"extractor": "compact", "size": 512, "precision": "float32", "ours_seconds": 0.09},
    ],
}


def test_the_figure_shows_every_way_to_train_the_same_networks():
    assert bench._bars(FOUND, "tutorial") == {
        "ours, float32": 400.0,
        "PyTorch, float32": 350.0,
        "the tutorial's loop": 200.0,
    }


@pytest.mark.parametrize("parts", [tuple(FOUND), ("growth",), ()])
def test_the_figure_is_made_of_what_was_measured(tmp_path, parts):
    bench.draw_figure({part: FOUND[part] for part in parts}, tmp_path / "bench.png")
    assert np.asarray(Image.open(tmp_path / "bench.png")).std() > 5.0


def double(number):
    print("not to be seen")
    return {"double": 2 * number, "process": os.getpid()}


def test_a_row_has_a_process_of_its_own_and_its_memory_is_told(capfd):
    row = bench.alone(double, 21)
    assert row["double"] == 42
    assert row["process"] != os.getpid()
    assert 5 < row["peak_megabytes"] < 5000
    assert "not to be seen" not in "".join(capfd.readouterr())


def test_the_input_is_timed_alone():
    assert 100 < bench_gan.pipeline("default", seconds=0.2)["images_per_second"] < 1e9


@pytest.mark.parametrize(
    ("operation", "kind"),
    [
        ("_MklNativeConv2DBackpropFilter", "convolutions"),
        ("_MklNativePadWithConv2D", "convolutions"),
        ("_MklNativeFusedBatchNormGradV3", "normalisation"),
        ("LeakyReluGrad", "activations"),
        ("ResourceApplyAdam", "optimizers"),
        ("_MklTranspose", "transposes, casts, copies"),
        ("AddV2", "the rest"),
    ],
)
def test_operations_are_told_apart(operation, kind):
    assert bench_gan._kind(operation) == kind


def test_every_part_prints_and_returns_its_rows(monkeypatch, capsys):
    measured = {
        "peak": {"operations_per_second": 1e11},
        "step": {
            "operations_per_image": 10**6,
            "ours_images_per_second": 500.0,
            "bare_images_per_second": 480.0,
            "ratio": 1.04,
            "pytorch_images_per_second": 400.0,
            "over_pytorch": 1.25,
        },
        "tutorial_loop": {"images_per_second": 300.0},
        "pipeline": {"images_per_second": 9000.0},
        "profile": {"shares": {"convolutions": 0.75, "the rest": 0.25}},
        "iteration": {"ours_seconds": 0.02, "bare_seconds": 0.018, "ratio": 1.11},
        "growth": {"batch_size": {16: 1.0}, "resolution": {16: 1.0}},
    }
    monkeypatch.setattr(
        bench, "alone", lambda f, *_: measured[f.__name__] | {"peak_megabytes": 900}
    )
    monkeypatch.setattr(bench_torch, "installed", lambda: True)
    options = bench.BenchConfig()
    found = {part: rows(["float32", "bfloat16"], options) for part, rows in bench.PARTS.items()}
    assert len(found["step"]) == 6
    assert found["step"][0]["share_of_peak"] == 500.0 * 1e6 / 1e11
    assert [len(found[part]) for part in ("style", "growth")] == [12, 1]
    said = capsys.readouterr().out
    for part in ("convolutions 75 %", "1.25", "vgg19, 1024 px", "16: 1.0", "100 GFLOP/s"):
        assert part in said
