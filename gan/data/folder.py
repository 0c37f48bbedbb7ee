"""A name or a folder to square pictures, and pictures to a tf.data pipeline.

Every source is brought once to one uint8 array, cached on disk and memory
mapped: training reads it in an order that is a pure function of the seed and
the number of pictures drawn, so a resumed run continues at the very next one.
"""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

from PIL import Image

from common import images as image_io
from common.errors import InputError

if TYPE_CHECKING:
    pass
from gan.data.base import MIN_RESOLUTION, _auto_resolution, _key, _Source

# A folder of pictures


def _picture_files(folder: Path) -> list[Path]:
    """The picture files below `folder`, sorted; raises InputError when there are none."""
    try:
        folder = folder.expanduser()
    except RuntimeError as error:
        raise InputError(f"--dataset {folder}: {error}") from None
    if not folder.is_dir():
        raise InputError(f"--dataset {folder}: no such folder")
    files = sorted(
        path
        for path in folder.rglob("*")
        if path.suffix.lower() in image_io.SUFFIXES
        and path.is_file()
        and not any(part.startswith(".") for part in path.relative_to(folder).parts)
    )
    if not files:
        kinds = " ".join(sorted(image_io.SUFFIXES))
        raise InputError(f"--dataset {folder}: no picture in this folder (looked for {kinds})")
    return files


def _folder_source(folder: Path, resolution: int, channels: int) -> _Source:
    """Pictures in any size, format and mode; the first level of sub-folders names the classes."""
    files = _picture_files(folder)
    tops = [path.relative_to(folder).parts[:-1][:1] for path in files]
    class_names = tuple(sorted({top[0] for top in tops})) if all(tops) else ()
    if len(class_names) < 2:
        class_names = ()
    labels = [class_names.index(top[0]) if class_names else 0 for top in tops]
    if not resolution or not channels:
        own_resolution, own_channels = _look_at(files)
        resolution, channels = resolution or own_resolution, channels or own_channels
    stamps = [(str(path), path.stat().st_size, path.stat().st_mtime_ns) for path in files]

    def read(path: Path) -> Image.Image | str:
        try:
            picture = image_io.read_image(path, channels, near=resolution)
        except InputError as error:
            return str(error)
        return image_io.fit_square(picture, resolution)

    def examples() -> Iterator[tuple[Image.Image | str, int]]:
        with ThreadPoolExecutor() as pool:  # Pillow decodes outside the interpreter's lock
            for start in range(0, len(files), 1024):
                part = slice(start, start + 1024)
                yield from zip(pool.map(read, files[part]), labels[part], strict=True)

    return _Source(
        name=str(folder),
        key=_key("folder 2", stamps, resolution, channels),
        resolution=resolution,
        channels=channels,
        class_names=class_names,
        examples=examples,
    )


def _look_at(files: list[Path], most: int = 200) -> tuple[int, int]:
    """A resolution and a channel count that fit, from the headers of some of the files."""
    sides, gray = [], []
    for path in files[:: max(1, len(files) // most)]:
        try:
            with Image.open(path) as image:
                sides.append(min(image.size))
                gray.append(image.mode in ("1", "L", "LA") or image.mode.startswith("I;16"))
        except Exception:  # Pillow's readers raise what they like
            continue  # named and counted when it is decoded
    if not sides:
        return MIN_RESOLUTION, 3
    return _auto_resolution(sides), 1 if all(gray) else 3
