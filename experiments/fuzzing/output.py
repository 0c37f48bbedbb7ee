"""Checks of the files that a command line leaves: whole, finite, and nothing else touched."""

import json
import os
import re
import stat
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from common.errors import printable
from common.files import TEMPORARY

Snapshot = dict[str, tuple[int, ...]]
HASHED = 2**18  # bytes; larger files are known by their size and time only


def snapshot(folder: Path) -> Snapshot:
    """List everything below a folder: path -> (inode, size, time of the last change, checksum)."""
    found = {}
    for place, folders, files in os.walk(folder):
        for name in (*files, *(each for each in folders if os.path.islink(f"{place}/{each}"))):
            status = os.lstat(f"{place}/{name}")
            path = os.path.relpath(f"{place}/{name}", folder)
            checksum = 0
            if stat.S_ISREG(status.st_mode) and status.st_size <= HASHED:
                with open(f"{place}/{name}", "rb") as file:  # times have steps of milliseconds
                    checksum = zlib.crc32(file.read())
            found[path] = (status.st_ino, status.st_size, status.st_mtime_ns, checksum)
    return found


def check_files(
    before: Snapshot, after: Snapshot, folder: Path, writable: tuple[str, ...], said: str
) -> list[str]:
    """Check that old files are as they were, and that new ones are whole and finite.

    Args:
        before: `snapshot` before the case.
        after: `snapshot` after it.
        folder: The folder of the case.
        writable: First parts of the paths that may change.
        said: What was printed; a file may be replaced if this says so.

    Returns:
        What is wrong, one line each.
    """
    problems = []
    for path, state in before.items():
        announced = printable(Path(path).name) in said and "replace" in said
        if path.startswith(writable) or announced or after.get(path) == state:
            continue
        what = "overwritten" if path in after else "removed"
        problems.append(f"{what}: {Path(path).suffix or 'a file'} of the input")
    for path in after.keys() - before.keys():
        if TEMPORARY in path:
            problems.append("half-written: a temporary file is left")
        else:
            problems += [
                f"{problem} ({Path(path).suffix})" for problem in check_whole(folder / path)
            ]
    return problems


def check_whole(path: Path) -> list[str]:
    """Check that a written file can be read and holds finite numbers only.

    Args:
        path: A file; other suffixes than .json, .jsonl, .npz and of images pass.

    Returns:
        What is wrong, one line each.

    Example:
        >>> check_whole(Path("summary.json"))
        []
    """
    reader: Callable[[Path], Any] | None = {
        ".json": _read_json,
        ".jsonl": _read_json_lines,
        ".npz": _read_npz,
        ".txt": lambda path: path.read_bytes().decode(),
        **dict.fromkeys((".png", ".jpg", ".gif", ".tif", ".webp"), _read_image),
    }.get(path.suffix)
    try:
        if reader is not None and path.is_file():
            reader(path)
    except NotFiniteError as error:
        return [f"not finite: {error}"]
    except Exception as error:
        return [f"half-written: {type(error).__name__}"]
    return []


class NotFiniteError(ValueError):
    """A file holds NaN or infinity."""


def _refuse(text: str) -> None:
    raise NotFiniteError(text)


def _read_json(path: Path) -> object:
    return json.loads(path.read_bytes(), parse_constant=_refuse)


def _read_json_lines(path: Path) -> list[object]:
    return [json.loads(line, parse_constant=_refuse) for line in path.read_bytes().splitlines()]


def _read_npz(path: Path) -> None:
    with np.load(path) as arrays:
        for name, value in arrays.items():
            if value.dtype.kind == "f" and not np.isfinite(value).all():
                raise NotFiniteError(re.sub(r"\d+", "#", name))


def _read_image(path: Path) -> None:
    with Image.open(path) as image:
        for frame in range(getattr(image, "n_frames", 1)):
            image.seek(frame)
            image.load()
