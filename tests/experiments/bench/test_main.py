from experiments.bench import __main__ as bench
from experiments.bench import pytorch

MEASURED = {
    "measure": {"operations_per_second": 1e11},
    "step": {
        "operations_per_image": 10**6,
        "ours_images_per_second": 500.0,
        "bare_images_per_second": 480.0,
        "ratio": 1.04,
        "pytorch_images_per_second": 400.0,
        "over_pytorch": 1.25,
    },
    "kernels": {
        "fast_images_per_second": 500.0,
        "keras_images_per_second": 330.0,
        "ratio": 1.52,
    },
    "tutorial_loop": {"images_per_second": 300.0},
    "pipeline": {"images_per_second": 9000.0},
    "profile": {"shares": {"convolutions": 0.75, "the rest": 0.25}},
    "iteration": {"ours_seconds": 0.02, "bare_seconds": 0.018, "ratio": 1.11},
    "training": {"ours_seconds": 0.02, "bare_seconds": 0.018, "ratio": 1.11},
    "painting": {"ours_seconds": 0.03, "bare_seconds": 0.025, "ratio": 1.2},
    "stage": {
        "resolution": 16,
        "ours_images_per_second": 500.0,
        "bare_images_per_second": 520.0,
        "ratio": 0.96,
    },
    "growth": {"batch_size": {16: 1.0}, "resolution": {16: 1.0}},
}


def test_every_part_prints_and_returns_its_rows(monkeypatch, capsys):
    def alone(function, *arguments):
        return MEASURED[function.rpartition(".")[2]] | {"peak_megabytes": 900}

    monkeypatch.setattr(bench, "alone", alone)
    monkeypatch.setattr(pytorch, "installed", lambda: True)
    options = bench.BenchConfig()
    found = {part: rows(["float32", "bfloat16"], options) for part, rows in bench.PARTS.items()}
    assert len(found["step"]) == 6
    assert found["step"][0]["share_of_peak"] == 500.0 * 1e6 / 1e11
    assert [row["precision"] for row in found["kernels"]] == ["float32", "bfloat16"]
    assert [len(found[part]) for part in ("style", "paint", "stages", "growth")] == [12, 4, 6, 1]
    said = capsys.readouterr().out
    for part in (
        "convolutions 75 %",
        "1.25",
        "1.52",
        "0.96",
        "vgg19, 1024 px",
        "16: 1.0",
        "100 GFLOP/s",
    ):
        assert part in said


def test_the_measured_functions_exist():
    import importlib
    import inspect
    import re

    names = re.findall(r"\{HERE\}\.(\w+)\.(\w+)", inspect.getsource(bench))
    assert len(names) == 11
    for module, function in names:
        assert callable(getattr(importlib.import_module(f"{bench.HERE}.{module}"), function))
