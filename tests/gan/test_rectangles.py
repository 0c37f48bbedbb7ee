"""Rectangles and transparent images through every command."""

import numpy as np
import pytest
from PIL import Image

from common import images as image_io
from common import runs
from gan.evaluate import Config, evaluate
from tests.command_line import run_here
from tests.gan.tiny import TINY


@pytest.fixture(scope="module")
def stamps(tmp_path_factory):
    """A folder of 60 RGBA images of 30x20 to 33x22 pixels: squares of one color on nothing."""
    folder = tmp_path_factory.mktemp("stamps")
    random = np.random.default_rng(0)
    for index in range(60):
        image = np.zeros((30 + 3 * (index % 2), 20 + 2 * (index % 2), 4), np.uint8)
        top, left = random.integers(2, 10, size=2)
        image[top : top + 12, left : left + 8] = (*random.integers(100, 255, 3), 255)
        Image.fromarray(image).save(folder / f"{index:02d}.png")
    return folder


@pytest.mark.slow
@pytest.mark.parametrize(("networks", "channels"), [("dcgan", 4), ("resnet", 3)])
def test_all_commands_follow_the_shape(stamps, tmp_path, networks, channels):
    run, cache = tmp_path / "run", tmp_path / "cache"
    same = ("--cache-dir", cache)

    def call(module, *arguments):
        code, out, err = run_here(module, *arguments)
        assert code == 0, err
        return out

    balance = ("--balance.augment", "0.5", "--balance.discriminator-steps", "1")
    out = call(
        "gan.train", "--dataset", stamps, "--networks", networks, "--channels", channels,
        "--epochs", "2", "--run-dir", run, *balance, *same, *TINY, "run.tick_kimg=0.05",
        "--evaluate-every", "0.05", "--set", "stop.evaluate_count=50",
    )  # fmt: skip
    assert f"60 images of 24x16x{channels}" in out
    assert "24x16 (height x width) follows the median aspect, width / height = 0.67" in out
    assert ("transparent: over white" in out) == (channels == 3)
    assert "only 60 images" in out
    about = runs.read_config(run, "--run")
    assert (about["data"]["height"], about["data"]["width"]) == (24, 16)
    with Image.open(run / "latest.png") as grid:  # over a checkerboard
        assert (grid.mode, grid.size) == ("RGB", (10 * 18 + 2, 10 * 26 + 2))
    assert Image.open(run / "training.gif").size == (182, 262)

    call(
        "gan.sample", "--run", run, "--count", "12", "--out", tmp_path / "grid.png",
        "--npz", tmp_path / "samples.npz", "--interpolation", tmp_path / "walk.gif",
    )  # fmt: skip
    images = np.load(tmp_path / "samples.npz")["images"]
    assert images.shape == (12, 24, 16, channels)
    with Image.open(tmp_path / "grid.png") as grid:
        assert grid.mode == {3: "RGB", 4: "RGBA"}[channels]
    found = evaluate(Config(run=run, count=48, cache_dir=cache))
    assert found["protocol"]["resolution"] == (24, 16)
    assert list(found["scores"]["sliced_wasserstein_by_level"]) == ["16"]
    others = {"dataset": str(stamps), "cache_dir": cache}
    evaluate(Config(npz=tmp_path / "samples.npz", **others))
    for number, image in enumerate(images):
        path = tmp_path / "drawn" / f"{number}.png"
        path.parent.mkdir(exist_ok=True)
        image_io.write_image(path, image)
    found = evaluate(Config(folder=tmp_path / "drawn", **others))
    assert found["protocol"]["fake"] == "12 images"

    call(
        "gan.project", "--run", run, "--image", stamps / "00.png", "--steps", "10",
        "--starts", "4", "--out", tmp_path / "projected",
    )  # fmt: skip
    assert np.load(tmp_path / "projected" / "00.npz")["image"].shape == (24, 16, channels)
    call("gan.export", "--run", run, "--out", tmp_path / "exported.keras")
    call("gan.gallery", "--run", run, "--out", tmp_path / "gallery.html", *same)
    assert "data:image/png" in (tmp_path / "gallery.html").read_text()


@pytest.mark.slow
def test_a_resumed_run_keeps_the_shape_that_it_was_started_with(stamps, tmp_path):
    words = ["--dataset", stamps, "--cache-dir", tmp_path / "cache", *TINY]
    run_dir = ["--run-dir", tmp_path / "run"]
    code, _, err = run_here("gan.train", "--resolution", "16x24", "--epochs", "1", *run_dir, *words)
    assert code == 0, err
    code, out, err = run_here("gan.train", "--resume", tmp_path / "run", "--epochs", "2")
    assert code == 0, err
    assert "60 images of 16x24x3" in out
    assert "follows the median" not in out
