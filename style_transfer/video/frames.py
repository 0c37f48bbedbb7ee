"""Frames read from a video or a folder, and written to a folder."""

import re
from collections import Counter
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import NamedTuple

import numpy as np
from PIL import Image

from common import images as image_io
from common.errors import InputError
from common.files import write_bytes
from style_transfer.video import ffmpeg
from style_transfer.video.ffmpeg import Stream

FLAG = "--input"


class Clip(NamedTuple):
    """A video, or a folder of frames.

    Attributes:
        path: Of the file or folder.
        size: (width, height) of every frame in pixels.
        frames: Their number; of a video it is estimated, and None if it is unknown.
        rate: Frames per second; None of a folder.
        files: Of a folder, in the order of their names.
    """

    path: Path
    size: tuple[int, int]
    frames: int | None
    rate: Fraction | None = None
    files: tuple[Path, ...] = ()


def open_clip(path: Path) -> Clip:
    """Describe a video or a folder of frames, without reading more than the first.

    Raises:
        InputError: There is no frame, one cannot be read, they differ in size, or a video is
            named and ffmpeg is missing.

    Example:
        >>> open_clip(Path("frames/")).frames
        48
    """
    if path.is_dir():
        return _open_folder(path)
    if not path.exists():
        raise InputError(f"{FLAG} {path}: no such file or folder")
    if not path.is_file():
        raise InputError(f"{FLAG} {path}: expected a video or a folder, found a pipe or device")
    stream = ffmpeg.probe(path, FLAG)
    return Clip(path, stream.size, stream.frames, stream.rate)


def _open_folder(folder: Path) -> Clip:
    files = tuple(image_io.image_files(folder))
    if not files:
        raise InputError(f"{FLAG} {folder}: no images in this folder; expected .png or .jpg frames")
    try:
        size = image_io.read_image(files[0], channels=3).size
    except InputError as error:
        raise InputError(f"{FLAG} {error}") from None
    for file in files:
        try:
            with Image.open(file, formats=image_io.FORMATS) as image:
                found = image.size
        except Exception:  # a damaged file makes Pillow's readers raise almost anything
            raise InputError(f"{FLAG} {file}: not an image that Pillow can read") from None
        if sorted(found) != sorted(size):  # turned upright or not
            raise InputError(
                f"{FLAG} {file}: a frame of {found[0]}x{found[1]} pixels; expected "
                f"{size[0]}x{size[1]}, as {files[0].name} has"
            )
    return Clip(folder, size, len(files), None, files)


def read(clip: Clip, size: tuple[int, int], first: int = 0) -> Iterator[np.ndarray]:
    """Yield the frames, uint8 (H, W, 3). Transparency is laid over white.

    Args:
        clip: As of `open_clip`.
        size: (width, height) to which they are resampled.
        first: Number of frames to leave out.

    Raises:
        InputError: A frame cannot be read or has another size.
    """
    if clip.rate is not None:
        stream = Stream(clip.size, clip.rate, clip.frames)
        images = map(Image.fromarray, ffmpeg.decode(clip.path, stream, first, FLAG))
    else:
        images = (_read_file(file, clip.size) for file in clip.files[first:])
    for image in images:
        yield np.asarray(image_io.resize(image, size))


def _read_file(file: Path, size: tuple[int, int]) -> Image.Image:
    try:
        image = image_io.read_image(file, channels=3)
    except InputError as error:
        raise InputError(f"{FLAG} {error}") from None
    if image.size != size:
        raise InputError(
            f"{FLAG} {file}: a frame of {image.width}x{image.height} pixels; expected "
            f"{size[0]}x{size[1]}"
        )
    return image


def file_of(folder: Path, number: int) -> Path:
    """Return the file of a frame in a work folder.

    Example:
        >>> file_of(Path("frames"), 7)
        PosixPath('frames/000007.png')
    """
    return folder / f"{number:06d}.png"


def count_written(folder: Path) -> int:
    """Count the frames of a work folder from 0 on, up to the first that is missing."""
    found = {path.name for path in folder.glob("*.png") if re.fullmatch(r"\d{6}\.png", path.name)}
    number = 0
    while file_of(folder, number).name in found:
        number += 1
    return number


def names(clip: Clip, count: int) -> list[str]:
    """Name the files of a folder of results.

    Args:
        clip: The input. Frames of a folder keep their names if they stay different.
        count: Number of frames.

    Example:
        >>> names(Clip(Path("clip.mp4"), (64, 48), 2, Fraction(25)), 2)
        ['000000.png', '000001.png']
    """
    kept = [f"{file.stem}.png" for file in clip.files[:count]]
    if clip.files and max(Counter(name.casefold() for name in kept).values(), default=1) == 1:
        return kept
    return [file_of(Path(), number).name for number in range(count)]


def copy(folder: Path, out: Path, clip: Clip, count: int) -> None:
    """Copy the frames of a work folder to a folder of results, each atomically.

    Args:
        folder: The work folder.
        out: The folder of results, which is made.
        clip: The input, which names them.
        count: Number of frames.
    """
    for number, name in enumerate(names(clip, count)):
        write_bytes(out / name, file_of(folder, number).read_bytes())
