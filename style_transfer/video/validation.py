"""Checks of a video's configuration before TensorFlow is imported."""

import dataclasses
import hashlib
import os
from pathlib import Path
from typing import NamedTuple

from common import images as image_io
from common import runs
from common.bounds import check_bounds, restored, settings
from common.checkpoints import Checkpoints
from common.errors import InputError
from common.exporting.formats import EXTRAS
from common.files import check_outputs
from style_transfer import validation as stylization
from style_transfer.config import SMALLEST_SIDE
from style_transfer.feedforward import saved as saved_runs
from style_transfer.feedforward.validation import check_file
from style_transfer.prepare import read_styles
from style_transfer.video import ffmpeg, flow, frames
from style_transfer.video.config import CHANGEABLE, Config, as_stylization
from style_transfer.video.frames import Clip

USUAL_SIDE = 512  # pixels of the longer side, at most, with --style and without --size
LARGEST = 1024  # side of the largest square frame with --style, in pixels: all of it is in memory
OF_A_NETWORK = ("--style-weights", "--colors")  # flags of the appearance


class Job(NamedTuple):
    """A checked video.

    Attributes:
        config: With the flow that is used in place of "auto".
        clip: The input.
        size: (width, height) of the result.
        data: What config.json says about the input and the files that paint it.
        folder: Of a run to continue, or None.
    """

    config: Config
    clip: Clip
    size: tuple[int, int]
    data: dict[str, object]
    folder: Path | None


def check(config: Config) -> Job:
    """Check everything that is known without TensorFlow.

    Raises:
        InputError: A value is out of its bounds, two contradict each other, a file or folder
            cannot be used, or a run was started differently.
    """
    check_bounds(config)
    if config.input is None:
        raise InputError("--input: missing; name a video or a folder of frames")
    if (config.model is None) == (not config.style):
        found = "both are given" if config.style else "missing"
        raise InputError(f"--model or --style: {found}; expected one of them")
    (_check_style if config.style else _check_model)(config)
    config = _resolve_flow(config)
    clip = frames.open_clip(config.input)
    if config.fps is not None and clip.rate is not None:
        raise InputError("--fps: only for a folder of frames; a video keeps its frame rate")
    size = size_of(config, clip)
    if config.style:
        read_styles(config.style, as_stylization(config, max(size)))
    _check_out(config, clip)
    data = {"size": list(size), "fingerprint": fingerprint(config, clip)}
    return Job(config, clip, size, data, _check_run(config, data))


def size_of(config: Config, clip: Clip) -> tuple[int, int]:
    """Return (width, height) of the result.

    Raises:
        InputError: A side is too short, or the image is too large to be optimized as a whole.
    """
    usual = min(USUAL_SIDE, max(clip.size)) if config.style else max(clip.size)
    size = image_io.fit_longer_side(clip.size, config.size or usual)
    if min(size) < SMALLEST_SIDE:
        raise InputError(
            f"--size: frames of {clip.size[0]}x{clip.size[1]} pixels would become "
            f"{size[0]}x{size[1]}; expected at least {SMALLEST_SIDE} per side"
        )
    if config.style and size[0] * size[1] > LARGEST**2:
        raise InputError(
            f"--size: {size[0]}x{size[1]} pixels; with --style expected at most as many as "
            f"{LARGEST}x{LARGEST} has\nname a smaller --size, or paint with a network: --model"
        )
    return size


def fingerprint(config: Config, clip: Clip) -> str:
    """Return a hash of the names and sizes of the files that decide on the result."""
    paths = [*(clip.files or [clip.path]), *config.style]
    if config.model is not None:
        paths += Checkpoints(config.model).paths("last")[:1]
    listed = [f"{path.name} {path.stat().st_size}" for path in paths]
    return hashlib.sha256("\n".join(listed).encode("utf-8", "surrogateescape")).hexdigest()[:16]


def _check_style(config: Config) -> None:
    for path in config.style:
        check_file("--style", path)
    stylization.check_settings(as_stylization(config, USUAL_SIDE), len(config.style))
    if config.optimization.optimizer != "adam":
        raise InputError("--set optimization.optimizer: expected adam for a video")
    if config.optimization.max_minutes is not None:
        raise InputError("--set optimization.max_minutes: not for a video; Ctrl-C keeps its frames")
    stylization.check_extractor(config.extractor)


def _check_model(config: Config) -> None:
    saved = saved_runs.read(config.model, "--model")
    saved_runs.check_trained(saved, "--model")
    saved_runs.check_style_weights(saved, config.appearance.style_weights)
    default = {each.flag: each.value for each in settings(Config().appearance)}
    changed = [
        each.flag
        for each in settings(config.appearance)
        if each.value != default[each.flag] and each.flag not in OF_A_NETWORK
    ]
    if changed:
        raise InputError(
            f"{changed[0]}: only with --style\na network of --model has learned it; leave it out"
        )


def _resolve_flow(config: Config) -> Config:
    kind = config.temporal.flow
    if kind == "dis" and not flow.has_opencv():
        raise InputError(
            "--flow dis: needs the package opencv-python-headless\n"
            f"install the optional packages: .venv/bin/pip install -r {EXTRAS}"
        )
    if kind == "auto":
        kind = "dis" if flow.has_opencv() else "none"
    return dataclasses.replace(config, temporal=dataclasses.replace(config.temporal, flow=kind))


def _check_out(config: Config, clip: Clip) -> None:
    out = config.out
    if out is None:
        return
    if out.is_dir() or not out.suffix:
        if out.exists() and not out.is_dir():
            raise InputError(f"--out {out}: a file; expected a folder, or a name that ends in .mp4")
        if out.resolve() == clip.path.resolve():
            raise InputError(f"--out {out}: is the folder of the input; name another")
    elif not ffmpeg.is_video(out):
        raise InputError(
            f"--out {out}: expected a folder, or a name that ends in one of "
            f"{', '.join(ffmpeg.ENCODERS)}"
        )
    else:
        ffmpeg.program(f"--out {out}")
        check_outputs({"--out": out}, [clip.path, *config.style])
    nearest = next(path for path in out.absolute().parents if path.exists())
    if not nearest.is_dir() or not os.access(nearest, os.W_OK):
        raise InputError(f"--out {out}: {nearest} is not a writable folder")


def _check_run(config: Config, data: dict[str, object]) -> Path | None:
    """Return the folder of a run to continue, after comparing it with this one."""
    folder, flag = config.resume or config.run_dir, "--resume" if config.resume else "--run-dir"
    if folder is None:
        return None
    if not config.resume and not (folder / runs.CONFIG).exists():
        runs.check_new(folder)
        return None
    about = runs.read_config(folder, flag)
    saved = restored(Config, about["config"], f"{flag} {folder}: {runs.CONFIG}")
    before, now = (runs.plain(dataclasses.asdict(each)) for each in (saved, config))
    changed = [line for line in runs.differences(before, now) if not line.startswith(CHANGEABLE)]
    if about["data"] != data:
        changed.append("the input, the style or the model has changed")
    if changed:
        raise InputError(
            f"{flag} {folder}: the run was started differently: {'; '.join(changed)}\n"
            "leave these changes out, or start a new run"
        )
    return folder
