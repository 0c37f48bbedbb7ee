"""The command line of evaluation, in a subprocess."""

import json

import pytest

from tests.command_line import run


@pytest.mark.slow
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
    assert "60 of 128 images" in found["protocol"]["real"]
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
