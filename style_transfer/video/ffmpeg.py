"""Videos through ffmpeg, which the optional package imageio-ffmpeg brings."""

import errno
import importlib.util
import re
import subprocess
import tempfile
import warnings
from collections.abc import Iterator, Sequence
from fractions import Fraction
from pathlib import Path
from typing import NamedTuple

import numpy as np

from common.errors import InputError, InputWarning, printable
from common.exporting.formats import EXTRAS
from common.files import atomic_path

H264 = ("-c:v", "libx264", "-crf", "18", "-pix_fmt", "yuv420p")
VP9 = ("-c:v", "libvpx-vp9", "-crf", "24", "-b:v", "0", "-pix_fmt", "yuv420p")
ENCODERS = {  # by suffix: of the picture, and of a sound that cannot be copied
    ".mp4": ((*H264, "-movflags", "+faststart"), "aac"),
    ".mov": ((*H264, "-movflags", "+faststart"), "aac"),
    ".m4v": ((*H264, "-movflags", "+faststart", "-f", "mp4"), "aac"),
    ".mkv": (H264, "aac"),
    ".webm": (VP9, "libopus"),
}
# Whole pairs of pixels, which 4:2:0 needs, in the colors that players expect of a video
FILTER = (
    "crop=trunc(iw/2)*2:trunc(ih/2)*2,scale=out_color_matrix=bt709:out_range=tv,"
    "setparams=range=tv:colorspace=bt709:color_primaries=bt709:color_trc=bt709"
)
QUIET = ("-hide_banner", "-nostdin")


class Stream(NamedTuple):
    """The picture of a video.

    Attributes:
        size: (width, height) in pixels, upright.
        rate: Frames per second.
        frames: Their number, estimated from the duration; None if that is unknown.
    """

    size: tuple[int, int]
    rate: Fraction
    frames: int | None


def program(flag: str) -> str:
    """Return the path of ffmpeg.

    Args:
        flag: Flag and value that need it, for the error message.

    Raises:
        InputError: The optional package is not installed.
    """
    if importlib.util.find_spec("imageio_ffmpeg") is None:
        raise InputError(
            f"{flag}: videos need the package imageio-ffmpeg; folders of frames work without it\n"
            f"install the optional packages: .venv/bin/pip install -r {EXTRAS}"
        )
    import imageio_ffmpeg

    try:
        return imageio_ffmpeg.get_ffmpeg_exe()
    except RuntimeError:
        raise InputError(
            f"{flag}: imageio-ffmpeg has no ffmpeg for this machine\n"
            "install ffmpeg and set IMAGEIO_FFMPEG_EXE to its path"
        ) from None


def probe(path: Path, flag: str = "--input") -> Stream:
    """Read the size, the frame rate and the duration of a video.

    Args:
        path: The video.
        flag: That named it, for error messages.

    Raises:
        InputError: It has no frame that ffmpeg can read, or ffmpeg is missing.

    Example:
        >>> probe(Path("clip.mp4"))
        Stream(size=(640, 480), rate=Fraction(30000, 1001), frames=240)
    """
    ends = ("-map", "0:v:0", "-frames:v", "1", "-pix_fmt", "yuv420p", "-f", "yuv4mpegpipe", "-")
    done = subprocess.run(
        [program(f"{flag} {path}"), *QUIET, "-i", f"file:{path}", *ends],
        capture_output=True,
        check=False,
    )
    said = done.stderr.decode(errors="replace")
    header = re.match(rb"YUV4MPEG2 W(\d+) H(\d+) F(\d+):(\d+)", done.stdout)
    if not header or not int(header[3]) or not int(header[4]):
        raise InputError(f"{flag} {path}: no video that ffmpeg can read ({shortened(said)})")
    width, height, above, below = map(int, header.groups())
    rate = Fraction(above, below)
    lasts = re.search(r"Duration: (\d+):(\d+):(\d+\.\d+)", said)
    if not lasts:
        return Stream((width, height), rate, None)
    hours, minutes, seconds = map(Fraction, lasts.groups())
    frames = round((3600 * hours + 60 * minutes + seconds) * rate)
    return Stream((width, height), rate, max(1, frames))


def decode(
    path: Path, stream: Stream, first: int = 0, flag: str = "--input"
) -> Iterator[np.ndarray]:
    """Yield the frames of a video, uint8 (H, W, 3), at a constant rate.

    Args:
        path: The video.
        stream: As of `probe`.
        first: Number of frames to leave out.
        flag: That named it, for messages.

    Warns:
        InputWarning: The file is broken after some frames.
    """
    ends = ("-map", "0:v:0", "-r", str(stream.rate), "-f", "rawvideo", "-pix_fmt", "rgb24", "-")
    words = [program(f"{flag} {path}"), *QUIET, "-v", "error", "-i", f"file:{path}", *ends]
    width, height = stream.size
    number, whole = 0, 3 * width * height
    with (
        tempfile.TemporaryFile() as said,
        subprocess.Popen(words, stdout=subprocess.PIPE, stderr=said) as process,
    ):
        try:
            while len(data := process.stdout.read(whole)) == whole:
                if number >= first:
                    yield np.frombuffer(data, np.uint8).reshape(height, width, 3)
                number += 1
        except BaseException:  # the caller needs no more frames, or was interrupted
            process.kill()
            raise
        if process.wait():
            said.seek(0)
            reason = shortened(said.read().decode(errors="replace"))
            warnings.warn(
                f"{flag} {path}: ends after {number} frames ({reason})", InputWarning, stacklevel=2
            )


def encode(folder: Path, rate: Fraction, out: Path, sound: Path | None = None) -> None:
    """Encode frames as a video, atomically.

    Args:
        folder: Of the frames 000000.png, 000001.png and so on.
        rate: Frames per second.
        out: Ends in one of `ENCODERS`. An existing file is replaced.
        sound: A video whose sound is kept; copied if the format of `out` can hold it.

    Raises:
        InputError: ffmpeg is missing or cannot encode them.
        OSError: The disk is full.
    """
    picture, other = ENCODERS[out.suffix.lower()]
    words = [program(f"--out {out}"), *QUIET, "-y", "-v", "error"]
    words += ["-framerate", str(rate), "-i", "%06d.png"]
    maps = ["-map", "0:v"]
    if sound:
        words += ["-i", f"file:{sound.absolute()}"]
        maps += ["-map", "1:a?"]
    words += [*maps, "-vf", FILTER, *picture]
    with atomic_path(out) as temporary:
        for codec in ("copy", other) if sound else ("copy",):
            # In the folder, as a "%" in its name would be part of the pattern
            done = subprocess.run(
                [*words, "-c:a", codec, f"file:{temporary.absolute()}"],
                cwd=folder,
                capture_output=True,
                check=False,
            )
            if not done.returncode:
                return
        said = done.stderr.decode(errors="replace")
        if "No space left" in said or "Disk quota exceeded" in said:
            raise OSError(errno.ENOSPC, "No space left on device", str(out))
        raise InputError(
            f"--out {out}: ffmpeg cannot encode it ({shortened(said)})\n"
            f"the frames are in {folder}; name another format: {', '.join(ENCODERS)}"
        )


def shortened(said: str) -> str:
    r"""Reduce ffmpeg's messages to the first that is an error, without its source.

    Example:
        >>> shortened("[mov,mp4 @ 0x5581] moov atom not found\nError opening input")
        'moov atom not found'
    """
    lines = [re.sub(r"^(\[[^\]]*\] ?)+", "", line).strip() for line in said.splitlines()]
    lines = [line for line in lines if line]
    telling = [line for line in lines if _TELLING.search(line)]
    found = (telling or lines[-1:] or ["no reason given"])[0]
    found = re.sub(r"^(Error opening input:|file:\S+:|Error opening input file \S+) *", "", found)
    return printable(found[:100].rstrip("."))


_TELLING = re.compile(
    r"not found|Invalid|matches no streams|No such|Permission|does not|could not|unsupported",
    re.IGNORECASE,
)


def is_video(path: Path, suffixes: Sequence[str] = tuple(ENCODERS)) -> bool:
    """Return whether a name is that of a video that `encode` writes.

    Example:
        >>> is_video(Path("out.MP4"))
        True
    """
    return path.suffix.lower() in suffixes
