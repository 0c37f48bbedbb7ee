"""The real command line of style transfer, run for real on tiny pictures."""

import json
import os
import signal
import time

import numpy as np
import pytest
from PIL import Image

from style_transfer import demo
from style_transfer.config import Config, OutputConfig
from style_transfer.validation import contents
from tests.command_line import run, start

QUICK = [
    "--size",
    "48",
    "--smallest",
    "32",
    "--iterations",
    "10",
    "--tolerance",
    "0",
    "--refine",
    "0",
    "--correct",
    "0",
]


@pytest.fixture(scope="module")
def pictures(tmp_path_factory):
    folder = tmp_path_factory.mktemp("pictures")
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


def test_the_demonstration_runs_without_arguments_and_leaves_a_whole_run(tmp_path):
    folder = tmp_path / "run"
    code, out, err = run(
        "style_transfer.stylize", *QUICK[:-4], "--run-dir", folder, "--animation",
        tmp_path / "a.gif", "--iterations", "60",
    )  # fmt: skip
    assert code == 0, err
    assert f"picture: {folder / 'stylized.png'}" in out
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
    assert [level["iterations"] for level in summary["pictures"][0]["levels"]] == [120, 30, 40]
    assert json.loads((folder / "config.json").read_text())["config"]["size"] == 48
    found = events(folder)
    tags = found.Tags()["tensors"]
    for tag in ("loss", "loss/style/relu1_1", "loss/style/relu3_1", "loss/content/relu3_1",
                "loss/total_variation", "speed/seconds_per_iteration", "picture", "content",
                "style/0"):  # fmt: skip
        assert tag in tags, tags
    steps = [event.step for event in found.Tensors("loss")]
    assert steps == sorted(steps)
    assert steps[-1] == 190
    assert len(found.Tensors("picture")) >= 4
    rows = [json.loads(line) for line in (folder / "metrics.jsonl").read_text().splitlines()]
    assert rows[-1]["iteration"] == 190


def test_a_content_and_two_styles_at_16_bits(pictures, tmp_path):
    out_path = tmp_path / "new" / "out.png"
    code, _, err = run(
        "style_transfer.stylize", "--content", pictures / "photos/one.png", "--style",
        pictures / "painting.jpg", pictures / "photos/two.png", "--style-weights", "1", "0.5",
        "--colors", "matched", "--bits", "16", "--out", out_path, "--run-dir", tmp_path / "run",
        *QUICK,
    )  # fmt: skip
    assert code == 0, err
    assert out_path.read_bytes()[24] == 16
    assert sorted(path.name for path in out_path.parent.iterdir()) == ["out.png"]


def test_a_folder_is_finished_where_it_was_left(pictures, tmp_path):
    results = tmp_path / "results"
    results.mkdir()
    Image.new("RGB", (5, 5)).save(results / "two.png")  # made earlier
    (pictures / "photos" / "broken.jpg").write_bytes(b"nothing")
    try:
        code, out, err = run(
            "style_transfer.stylize", "--content", pictures / "photos", "--style",
            pictures / "painting.jpg", "--out", results, "--run-dir", tmp_path / "run", *QUICK,
        )  # fmt: skip
    finally:
        (pictures / "photos" / "broken.jpg").unlink()
    assert code == 0, err
    assert "1 of 4 pictures are there already" in out
    assert "skipped" in err
    assert "broken.jpg" in err
    assert "3 of 4 pictures" in out
    assert sorted(path.name for path in results.iterdir()) == ["one.png", "three.png", "two.png"]
    with Image.open(results / "two.png") as image:
        assert image.size == (5, 5)
    tags = events(tmp_path / "run").Tags()["tensors"]
    assert {"one/picture", "three/picture"} <= set(tags)


def test_a_shard_paints_its_share_of_a_folder(pictures, tmp_path):
    code, out, err = run(
        "style_transfer.stylize", "--content", pictures / "photos", "--style",
        pictures / "painting.jpg", "--out", tmp_path / "out", "--shard", "1/2",
        "--run-dir", tmp_path / "run", *QUICK,
    )  # fmt: skip
    assert code == 0, err
    assert "1 of 1 pictures" in out
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["three.png"]


def test_shards_share_a_folder_between_them(pictures):
    shares = []
    for shard in ("0/2", "1/2"):
        config = Config(content=pictures / "photos", output=OutputConfig(shard=shard))
        shares.append([path.name for path in contents(config)])
    assert shares == [["one.png", "two.png"], ["three.png"]]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (
            ["--content", "missing.jpg", "--style", "x.jpg"],
            ["--content missing.jpg", "no such file"],
        ),
        (["--size", "0"], ["--size", "16"]),
        (["--sise", "9"], ["--sise"]),
        (["--extractor", "vgg7"], ["--extractor vgg7", "compact"]),
        (["--colors", "blue"], ["--colors", "content"]),
        (["--precision", "float16"], ["--precision float16", "bfloat16"]),
        (["--shard", "2/2"], ["--shard", "INDEX/COUNT", "2/2"]),
        (["--shard", "0/2"], ["--shard", "folder"]),
    ],
)
def test_bad_arguments_end_with_2_and_at_most_two_lines(arguments, words):
    began = time.perf_counter()
    code, out, err = run("style_transfer.stylize", *arguments)
    assert code == 2
    assert out == ""
    assert len(err.strip().splitlines()) <= 2
    for word in words:
        assert word in err
    assert time.perf_counter() - began < 10  # TensorFlow was not imported


def test_bad_files_end_with_2_and_leave_nothing(pictures, tmp_path):
    (tmp_path / "text.jpg").write_bytes(b"no picture")
    Image.new("RGB", (1, 1)).save(tmp_path / "dot.png")
    (tmp_path / "weights.npz").write_bytes(b"no weights")
    np.savez(tmp_path / "other.npz", conv1=np.zeros((3, 3, 12)))
    photo, painting = pictures / "photos/one.png", pictures / "painting.jpg"
    for content, style, extractor, message in (
        (tmp_path / "text.jpg", painting, "compact", "text.jpg: not a picture"),
        (photo, tmp_path / "text.jpg", "compact", "text.jpg: not a picture"),
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


def test_ctrl_c_writes_what_there_is(pictures, tmp_path):
    process = start(
        "style_transfer.stylize", "--content", pictures / "photos/one.png", "--style",
        pictures / "painting.jpg", "--out", tmp_path / "out.png", "--run-dir", tmp_path / "run",
        "--size", "128", "--smallest", "64", "--iterations", "100000", "--tolerance", "0",
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
