"""The command line, with a painter that needs no TensorFlow, and once with networks and styles."""

import functools

import numpy as np
import pytest
from PIL import Image

from common.errors import InputError
from style_transfer.video import __main__ as video
from style_transfer.video import ffmpeg, flow, frames, validation
from style_transfer.video.config import Config
from tests.command_line import run_here
from tests.style_transfer.video.clips import Inverter, moving, write

VIDEO = "style_transfer.video.__main__"
TINY = [  # a stylization in seconds
    "--set", "optimization.iterations=4", "optimization.smallest=32", "optimization.refine=0",
    "optimization.correct=0", "optimization.precision=float32", "optimization.tolerance=0",
    "appearance.style_layers=relu1_1,relu2_1", "appearance.content_layers=relu3_1",
]  # fmt: skip


@pytest.fixture
def files(tmp_path):
    Image.fromarray(255 - moving()[0]).save(tmp_path / "style.png")
    write(tmp_path / "in", moving(3))
    return tmp_path


def painted_by(monkeypatch, painter):
    monkeypatch.setattr(video, "_painter", lambda job, folder: painter)


def words(files, *more, run_dir="run"):
    return [
        *("--input", files / "in", "--style", files / "style.png", "--run-dir", files / run_dir),
        *more,
    ]


def test_a_folder_becomes_a_folder_and_a_stopped_run_continues(files, monkeypatch):
    painter = Inverter(stops_at=2)
    painted_by(monkeypatch, painter)
    with pytest.raises(KeyboardInterrupt):
        run_here(VIDEO, *words(files, "--out", files / "out"))
    painter.stops_at = None
    code, printed, _ = run_here(VIDEO, "--resume", files / "run")
    assert code == 0
    assert "2 frames exist already" in printed
    assert printed.endswith(f"frames: {files / 'out'}\n")
    assert painter.numbers == [0, 1, 2]
    assert sorted(path.name for path in (files / "out").iterdir()) == ["0.png", "1.png", "2.png"]
    _, printed, _ = run_here(VIDEO, *words(files))  # the same folder again, without --out
    assert painter.numbers == [0, 1, 2]
    assert printed.endswith(f"frames: {files / 'run' / 'frames'}\n")


def test_a_run_that_was_started_differently_is_refused(files, monkeypatch):
    painted_by(monkeypatch, Inverter())
    run_here(VIDEO, *words(files))
    for more, message in (
        (["--temporal-weight", "0.5"], "temporal.temporal_weight: 0.8 -> 0.5"),
        (["--strength", "0.7"], "appearance.strength: 0.5 -> 0.7"),
    ):
        with pytest.raises(InputError, match=f"--run-dir .*started differently: .*{message}"):
            run_here(VIDEO, *words(files, *more))
    write(files / "in", moving(1), ["3.png"])
    with pytest.raises(InputError, match=r"--resume .*the input, the style or the model"):
        run_here(VIDEO, "--resume", files / "run")


def test_frames_become_a_video(files, monkeypatch):
    pytest.importorskip("imageio_ffmpeg")
    painted_by(monkeypatch, Inverter())
    out = files / "out.mp4"
    _, printed, _ = run_here(VIDEO, *words(files, "--out", out, "--fps", "12.5"))
    assert printed.endswith(f"video: {out}\n")
    clip = frames.open_clip(out)
    assert (clip.size, float(clip.rate), clip.frames) == ((48, 32), 12.5, 3)
    with pytest.raises(InputError, match="--fps: only for a folder"):
        validation.check(Config(out, style=(files / "style.png",), fps=10.0))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"input": None}, "--input: missing"),
        ({"style": ()}, "--model or --style: missing"),
        ({"model": "in"}, "--model or --style: both are given"),
        ({"style": (), "model": "in"}, "--model .*in: not a run"),
        ({"out": "a.xyz"}, r"--out .*a\.xyz: expected a folder, or a name that ends in"),
        ({"out": "in"}, "--out .*in: is the folder of the input"),
        ({"size": 17}, "--size: frames of 48x32 pixels would become 17x11"),
        ({"size": 4000}, "--size: 4000x2667 pixels; with --style expected at most"),
        ({"resume": "in"}, "--resume .*in: not a run"),
    ],
)
def test_bad_input_is_named_before_tensorflow(files, changes, message):
    given = {"input": files / "in", "style": (files / "style.png",)}
    for name, value in changes.items():
        given[name] = files / value if isinstance(value, str) else value
    with pytest.raises(InputError, match=message) as error:
        validation.check(Config(**given))
    assert len(str(error.value).splitlines()) <= 2


def test_missing_packages_are_named_with_the_command(files, monkeypatch):
    monkeypatch.setattr(flow.importlib.util, "find_spec", lambda name: None)
    assert (
        validation.check(Config(files / "in", None, (files / "style.png",))).config.temporal.flow
        == "none"
    )
    for more, package in (
        (["--flow", "dis"], "opencv-python-headless"),
        (["--out", files / "out.mp4"], "imageio-ffmpeg"),
    ):
        with pytest.raises(InputError, match=f"--.*need.* the package {package}.*\n.*pip install"):
            run_here(VIDEO, *words(files, *more))


@pytest.mark.slow
def test_styles_end_to_end(files):
    run = functools.partial(run_here, VIDEO)
    tiny = ["--frame-iterations", "3", "--flow", "none", *TINY]
    assert run(*words(files, *tiny))[0] == 0
    whole = files / "run" / "frames"
    assert frames.count_written(whole) == 3
    (whole / "000002.png").rename(files / "kept.png")
    assert run("--resume", files / "run")[0] == 0
    assert (whole / "000002.png").read_bytes() == (files / "kept.png").read_bytes()
    stylized = np.asarray(Image.open(whole / "000001.png"))
    assert stylized.shape == (32, 48, 3)
    assert 1.0 < np.abs(np.float32(stylized) - moving(3)[1]).mean() < 80.0


def test_only_names_of_videos_are_videos(tmp_path):
    assert ffmpeg.is_video(tmp_path / "a.MKV")
    assert not ffmpeg.is_video(tmp_path / "a.gif")
