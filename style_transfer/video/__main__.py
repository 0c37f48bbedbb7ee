"""Stylize a video without flicker.

python -m style_transfer.video --input clip.mp4 --model runs/style-NAME --out out.mp4
python -m style_transfer.video --input frames/ --style painting.jpg --out painted/
python -m style_transfer.video --resume runs/video-DATE-TIME
"""

import dataclasses
import functools
import sys
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path

from tqdm import tqdm

from common import cli, runs
from common.bounds import restored
from common.errors import printable
from common.files import remove_temporaries
from style_transfer.video import ffmpeg, flow, frames, sequence, validation
from style_transfer.video.config import Config
from style_transfer.video.sequence import Painter
from style_transfer.video.validation import Job

MODULE = "style_transfer.video"
PROGRAM = f"python -m {MODULE}"
FRAMES = "frames"  # in the run folder
VIDEO = "video.mp4"  # in the run folder, without --out
USUAL_RATE = Fraction(25)  # frames per second, of a folder


def parse(arguments: Sequence[str] | None) -> Config:
    """Parse a command line; the defaults are those of the run that is continued.

    Args:
        arguments: The arguments; None: those of this process.

    Raises:
        InputError: An argument is unknown or has a wrong type.

    Example:
        >>> parse(["--input", "clip.mp4", "--model", "runs/style-wave"]).input
        PosixPath('clip.mp4')
    """
    given = cli.parse(Config, PROGRAM, arguments)
    if given.resume is None:
        return given
    about = runs.read_config(given.resume, "--resume")
    saved = restored(Config, about["config"], f"--resume {given.resume}: {runs.CONFIG}")
    default = dataclasses.replace(saved, resume=given.resume, run_dir=None)
    return cli.parse(Config, PROGRAM, arguments, default=default)


def run(config: Config) -> Path:
    """Stylize a video, or continue with it, and write the result.

    Args:
        config: Of the command line or made in Python.

    Returns:
        The video, or the folder of frames.

    Raises:
        InputError: A value, a file or a folder cannot be used.
        KeyboardInterrupt: Ctrl-C; the frames so far are kept, which is printed.

    Example:
        >>> run(Config(input=Path("clip.mp4"), style=(Path("painting.jpg"),)))
        PosixPath('runs/video-20260131-120000/video.mp4')
    """
    job = validation.check(config)
    folder = job.folder or _create(job)
    work = folder / FRAMES
    remove_temporaries(folder)
    done, total = frames.count_written(work), job.clip.frames
    kind = "optical flow" if job.config.temporal.flow == "dis" else "no optical flow"
    print(f"{job.size[0]}x{job.size[1]} pixels, {kind}; frames: {printable(str(work))}")
    if done:
        print(f"{done} frames exist already")
    try:
        return _write(job, folder, _paint(job, work, done))
    except KeyboardInterrupt:
        again = f"{cli.python_to_type()} -m {MODULE} --resume {folder}"
        done = frames.count_written(work)
        print(f"\n{done} of {total or '?'} frames are saved; continue with: {again}")
        raise


def _create(job: Job) -> Path:
    folder = runs.create(job.config.run_dir, "video")
    runs.write_config(folder, runs.plain(dataclasses.asdict(job.config)), data=job.data, machine={})
    return folder


def _paint(job: Job, work: Path, done: int) -> int:
    """Paint the frames that are missing and return the number of all."""
    temporal = job.config.temporal
    numbers = sequence.paint_next(
        job.clip,
        job.size,
        work,
        _painter(job, work.parent),
        flow.estimator(temporal.flow) if temporal.temporal_weight else None,
        temporal.tolerance if temporal.flow == "dis" else temporal.tolerance / 2,
    )
    with tqdm(total=job.clip.frames, initial=done, unit="frame", dynamic_ncols=True) as bar:
        for number in numbers:
            bar.update(number + 1 - bar.n)
    return frames.count_written(work)


def _painter(job: Job, folder: Path) -> Painter:
    """Make a painter that is loaded, with TensorFlow, for the first frame that is missing."""

    @functools.cache
    def load() -> Painter:
        cli.import_tensorflow()
        if job.config.style:
            from style_transfer.video import frame_optimizer

            return frame_optimizer.make(job.config, folder, job.size)
        from style_transfer.video import network_painter

        return network_painter.make(job.config, folder)

    return lambda *arguments: load()(*arguments)


def _write(job: Job, folder: Path, count: int) -> Path:
    """Write the result from the frames of the work folder."""
    work, out, clip = folder / FRAMES, job.config.out, job.clip
    if out is None:
        out = work if clip.rate is None else folder / VIDEO
    if out != work:
        if not ffmpeg.is_video(out):
            frames.copy(work, out, clip, count)
        else:
            print("encoding ...", file=sys.stderr)
            rate = Fraction(job.config.fps).limit_denominator(1001) if job.config.fps else clip.rate
            sound = None if clip.rate is None else clip.path
            ffmpeg.encode(work, rate or USUAL_RATE, out, sound)
    runs.update_summary(folder, status="finished", frames=count, out=str(out))
    return out


def main(arguments: Sequence[str] | None = None) -> int:
    """Stylize as the command line says and return the exit code."""
    out = run(parse(arguments))
    print(f"{'video' if ffmpeg.is_video(out) else 'frames'}: {printable(str(out))}")
    return 0


if __name__ == "__main__":
    cli.run(main)
