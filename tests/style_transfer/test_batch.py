"""The real command line, run on tiny images."""

import json
import os
import signal
import time
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from style_transfer import demo
from tests.command_line import run, start

SETTINGS = "smallest=32", "tolerance=0"
SHALLOW = (  # the graphs of the deep layers take as long to trace as all else together
    "appearance.style_layers=relu1_1,relu2_1",
    "appearance.content_layers=relu3_1",
    "optimization.refine=0",
    "optimization.correct=0",
)
QUICK = [
    *("--size", "48", "--iterations", "10"),
    *("--set", *SHALLOW, *(f"optimization.{setting}" for setting in SETTINGS)),
]
WHOLE = [
    *("--size", "48", "--iterations", "24"),
    *("--set", "optimization.refine=0.6", *(f"optimization.{setting}" for setting in SETTINGS)),
]


@pytest.fixture(scope="module")
def images(tmp_path_factory):
    folder = tmp_path_factory.mktemp("images")
    (folder / "photos").mkdir()
    with Image.open(demo.photograph()) as image:
        small = image.convert("RGB").resize((60, 80))
    for name in ("one", "two", "three"):
        small.save(folder / "photos" / f"{name}.png")
    Image.fromarray(demo.painting(64)).save(folder / "painting.jpg")
    return folder


def events(folder):
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    found = EventAccumulator(str(folder), size_guidance={"tensors": 0})
    found.Reload()
    return found


@pytest.mark.slow
def test_the_demonstration_runs_without_arguments_and_leaves_a_whole_run(tmp_path):
    folder = tmp_path / "run"
    code, out, err = run(
        "style_transfer.stylize", *WHOLE, "--run-dir", folder, "--animation", tmp_path / "a.gif",
    )  # fmt: skip
    assert code == 0, err
    assert f"image: {folder / 'stylized.png'}" in out
    assert out.splitlines()[-1].endswith(f"-m tensorboard.main --logdir {folder}")
    assert "100%" in err
    assert "oneDNN" not in err + out
    assert "warning" not in (err + out).lower()
    with Image.open(folder / "stylized.png") as image:
        assert max(image.size) == 48
    with Image.open(tmp_path / "a.gif") as image:
        assert image.n_frames > 5
    summary = json.loads((folder / "summary.json").read_text())
    assert summary["status"] == "finished"
    assert [level["iterations"] for level in summary["images"][0]["levels"]] == [50, 10, 20]
    assert json.loads((folder / "config.json").read_text())["config"]["size"] == 48
    found = events(folder)
    tags = found.Tags()["tensors"]
    for tag in ("loss", "loss/style/relu1_1", "loss/style/fire8", "loss/content/fire5",
                "loss/total_variation", "speed/seconds_per_iteration", "stylized/image",
                "stylized_from/content", "stylized_from/style_0", "at_end/loss"):  # fmt: skip
        assert tag in tags, tags
    steps = [event.step for event in found.Tensors("loss")]
    assert steps == sorted(steps)
    assert steps[-1] == 80
    assert len(found.Tensors("stylized/image")) == 3  # one per stage
    rows = [json.loads(line) for line in (folder / "metrics.jsonl").read_text().splitlines()]
    assert rows[-1]["iteration"] == 80


@pytest.mark.slow
def test_a_content_and_two_styles_at_16_bits(images, tmp_path):
    out_path = tmp_path / "new" / "out.png"
    code, _, err = run(
        "style_transfer.stylize", "--content", images / "photos/one.png", "--style",
        images / "painting.jpg", images / "photos/two.png", "--style-weights", "1", "0.5",
        "--colors", "matched", "--set", "output.bits=16", "--out", out_path,
        "--run-dir", tmp_path / "run", *QUICK,
    )  # fmt: skip
    assert code == 0, err
    assert out_path.read_bytes()[24] == 16
    assert sorted(path.name for path in out_path.parent.iterdir()) == ["out.png"]


@pytest.mark.slow
def test_a_folder_is_finished_where_it_was_left(images, tmp_path):
    results = tmp_path / "results"
    results.mkdir()
    Image.new("RGB", (5, 5)).save(results / "two.png")  # made earlier
    (images / "photos" / "broken.jpg").write_bytes(b"nothing")
    try:
        code, out, err = run(
            "style_transfer.stylize", "--content", images / "photos", "--style",
            images / "painting.jpg", "--out", results, "--run-dir", tmp_path / "run", *QUICK,
        )  # fmt: skip
    finally:
        (images / "photos" / "broken.jpg").unlink()
    assert code == 1, err
    assert "1 of 4 images exist already" in out
    assert f"skipped {images / 'photos' / 'broken.jpg'}: not an image" in err
    assert err.splitlines()[-1] == "1 of 4 images were skipped; see above"
    assert "3 of 4 images" in out
    skipped = json.loads((tmp_path / "run" / "summary.json").read_text())["skipped"]
    assert [Path(path).name for path in skipped] == ["broken.jpg"]
    assert sorted(path.name for path in results.iterdir()) == ["one.png", "three.png", "two.png"]
    with Image.open(results / "two.png") as image:
        assert image.size == (5, 5)
    tags = events(tmp_path / "run").Tags()["tensors"]
    assert {"stylized/one", "stylized/three"} <= set(tags)


@pytest.mark.slow
def test_a_shard_paints_its_share_of_a_folder(images, tmp_path):
    code, out, err = run(
        "style_transfer.stylize", "--content", images / "photos", "--style",
        images / "painting.jpg", "--out", tmp_path / "out", "--set", "output.shard=1/2",
        "--run-dir", tmp_path / "run", *QUICK,
    )  # fmt: skip
    assert code == 0, err
    assert "1 of 1 images" in out
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["three.png"]


@pytest.mark.slow
def test_bad_files_end_with_2_and_leave_nothing(images, tmp_path):
    (tmp_path / "text.jpg").write_bytes(b"no image")
    Image.new("RGB", (1, 1)).save(tmp_path / "dot.png")
    (tmp_path / "weights.npz").write_bytes(b"no weights")
    np.savez(tmp_path / "other.npz", conv1=np.zeros((3, 3, 12)))
    photo, painting = images / "photos/one.png", images / "painting.jpg"
    for content, style, extractor, message in (
        (tmp_path / "text.jpg", painting, "compact", "text.jpg: not an image"),
        (photo, tmp_path / "text.jpg", "compact", "text.jpg: not an image"),
        (tmp_path / "dot.png", painting, "compact", "1x1"),
        (photo, painting, tmp_path / "weights.npz", "weights.npz: not an .npz"),
        (photo, painting, tmp_path / "other.npz", "do not fit: 'conv1'"),
    ):
        code, _, err = run(
            "style_transfer.stylize", "--content", content, "--style", style, "--extractor",
            extractor, "--out", tmp_path / "out.png", "--run-dir", tmp_path / "run", *QUICK,
        )  # fmt: skip
        assert code == 2, err
        assert message in err
        assert len(err.strip().splitlines()) <= 2
        assert not (tmp_path / "out.png").exists()
        assert not (tmp_path / "run").exists()


@pytest.mark.slow
def test_ctrl_c_writes_the_image_so_far(images, tmp_path):
    process = start(
        "style_transfer.stylize", "--content", images / "photos/one.png", "--style",
        images / "painting.jpg", "--out", tmp_path / "out.png", "--run-dir", tmp_path / "run",
        "--size", "128", "--iterations", "100000", "--set", *SHALLOW, "optimization.smallest=64",
        "optimization.tolerance=0",
    )  # fmt: skip
    log = tmp_path / "run" / "metrics.jsonl"
    deadline = time.time() + 60
    while not log.exists() and time.time() < deadline:
        time.sleep(0.1)
    os.kill(process.pid, signal.SIGINT)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 0, err
    assert "interrupted" in out
    with Image.open(tmp_path / "out.png") as image:
        assert image.size == (96, 128)
    assert json.loads((tmp_path / "run" / "summary.json").read_text())["status"] == "interrupted"


def megabytes(process):
    """Return the resident memory of a process and those that it has started."""
    try:
        children = Path(f"/proc/{process}/task/{process}/children").read_text().split()
        pages = Path(f"/proc/{process}/statm").read_text().split()
    except OSError:
        return 0.0  # it has ended
    return int(pages[1]) * 4096 / 2**20 + sum(map(megabytes, children))


@pytest.mark.slow
def test_a_folder_takes_no_more_memory_than_its_first_images(tmp_path, style):
    """Graphs are freed after every image.

    Without that it grows by 30 MiB per image.
    """
    (tmp_path / "photos").mkdir()
    with Image.open(demo.photograph()) as image:
        for number in range(8):
            size = (96, 72) if number % 2 else (72, 96)
            image.resize(size).save(tmp_path / "photos" / f"{number:02d}.png")
    Image.fromarray(style).save(tmp_path / "style.png")
    arguments = [
        *("--content", tmp_path / "photos", "--style", tmp_path / "style.png", "--size", "64"),
        *("--out", tmp_path / "out", "--run-dir", tmp_path / "run", "--iterations", "2"),
        *("--set", *SHALLOW, "optimization.smallest=64"),
    ]
    process = start("style_transfer.stylize", *arguments)
    sizes = {}
    while process.poll() is None:
        done = len(list((tmp_path / "out").glob("*.png")))
        sizes[done] = megabytes(process.pid)
        time.sleep(0.05)
    _, err = process.communicate()
    assert process.returncode == 0, err
    assert sizes[7] < 1.05 * sizes[3], sizes
