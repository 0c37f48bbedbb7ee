"""The folder of a run: its configuration, its metrics and how it ended."""

import contextlib
import json
import os
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from common.errors import InputError
from common.files import is_disk_full, to_json, write_bytes, write_json

CONFIG, SUMMARY, METRICS = "config.json", "summary.json", "metrics.jsonl"


def check_new(folder: Path) -> None:
    """Check that a run can be started in `folder`, without making it.

    Raises:
        InputError: The folder holds a run already or cannot be made.
    """
    if (folder / CONFIG).exists():
        raise InputError(
            f"--run-dir {folder}: holds a run already\n"
            f"continue it with --resume {folder}, or name another folder"
        )
    nearest = next(path for path in (folder, *folder.absolute().parents) if path.exists())
    if not nearest.is_dir() or not os.access(nearest, os.W_OK):
        raise InputError(f"--run-dir {folder}: cannot be made, {nearest} is no folder to write in")


def create(folder: Path | None, name: str) -> Path:
    """Make the folder of a new run.

    Args:
        folder: Where; None makes `runs/NAME-DATE-TIME`.
        name: What is run, for the default folder.

    Returns:
        The folder, which holds no run yet.

    Raises:
        InputError: The folder holds a run already or cannot be made.

    Example:
        >>> create(None, "glyphs")
        PosixPath('runs/glyphs-20260131-120000')
    """
    if folder is not None:
        check_new(folder)
        folder.mkdir(parents=True, exist_ok=True)
        return folder
    stem = f"{name}-{time.strftime('%Y%m%d-%H%M%S')}"
    for suffix in ("", *(f"-{number}" for number in range(2, 100))):
        folder = Path("runs") / f"{stem}{suffix}"
        try:
            folder.mkdir(parents=True)
        except FileExistsError:
            continue  # another run started in the same second
        except OSError as error:
            if is_disk_full(error):
                raise
            raise InputError(f"{folder}: {error.strerror}\nname a folder with --run-dir") from None
        return folder
    raise InputError(f"{folder}: 100 runs started in one second; name one with --run-dir")


def read_config(folder: Path, flag: str) -> dict[str, Any]:
    """Read the configuration of a run, as `write_config` wrote it.

    Args:
        folder: The run's folder.
        flag: The flag that named it, for error messages.

    Raises:
        InputError: `folder` is not a run's.
    """
    try:
        about = json.loads((folder / CONFIG).read_text())
    except (FileNotFoundError, NotADirectoryError):
        raise InputError(f"{flag} {folder}: not a run (it has no {CONFIG})") from None
    except ValueError as error:
        raise InputError(f"{flag} {folder}: {CONFIG} is not valid JSON ({error})") from None
    if not isinstance(about, dict) or not about.keys() >= {"config", "data", "machine"}:
        raise InputError(f"{flag} {folder}: not a run (its {CONFIG} is from another program)")
    return about


def write_config(folder: Path, config: Mapping[str, Any], **about: object) -> None:
    """Write the configuration of a run, and `about` whatever else describes it."""
    write_json(folder / CONFIG, {"config": config, **about})


def plain(value: Any) -> Any:
    """Convert nested dictionaries, tuples and paths to what JSON gives back.

    Example:
        >>> plain({"folder": Path("a"), "sizes": (1, 2)})
        {'folder': 'a', 'sizes': [1, 2]}
    """
    if isinstance(value, Mapping):
        return {name: plain(field) for name, field in value.items()}
    if isinstance(value, tuple | list):
        return [plain(field) for field in value]
    return str(value) if isinstance(value, Path) else value


def differences(old: Mapping[str, Any], new: Mapping[str, Any], prefix: str = "") -> list[str]:
    """List the fields in which two configurations differ, nested ones with dots.

    Example:
        >>> differences({"seed": 1, "stop": {"epochs": 2}}, {"seed": 1, "stop": {"epochs": 3}})
        ['stop.epochs: 2 -> 3']
    """
    found = []
    for name in sorted(old.keys() | new.keys()):
        before, after = old.get(name), new.get(name)
        if isinstance(before, Mapping) and isinstance(after, Mapping):
            found += differences(before, after, f"{prefix}{name}.")
        elif before != after:
            found.append(f"{prefix}{name}: {before} -> {after}")
    return found


def read_object(path: Path) -> dict[str, Any]:
    """Read a JSON object, such as summary.json; a missing or torn file holds nothing.

    Example:
        >>> read_object(Path("runs/of-an-unfinished-run/summary.json"))
        {}
    """
    try:
        found = json.loads(path.read_text())
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def read_rows(path: Path) -> list[dict[str, Any]]:
    """Read a file of one JSON object per line, such as metrics.jsonl.

    Lines that are torn, as a killed process leaves them, are left out; so are all of
    a file that is missing.

    Example:
        >>> read_rows(Path("runs/glyphs/metrics.jsonl"))[-1]["images"]
        250048
    """
    try:
        lines = path.read_text().splitlines()
    except (OSError, ValueError):
        return []
    rows = []
    for line in lines:
        with contextlib.suppress(ValueError):
            rows.append(json.loads(line))
    return [row for row in rows if isinstance(row, dict)]


def update_summary(folder: Path, **fields: object) -> None:
    """Merge `fields` into summary.json, which is started anew if it is not valid JSON."""
    write_json(folder / SUMMARY, read_object(folder / SUMMARY) | fields)


def append_metrics(folder: Path, row: Mapping[str, float]) -> None:
    """Append one line to metrics.jsonl; NaN and infinity become null."""
    with (folder / METRICS).open("a") as log:
        log.write(to_json(row) + "\n")


def rewind_metrics(folder: Path, images: int) -> None:
    """Remove the lines of metrics.jsonl after `images` images, and a torn last line.

    A resumed run writes them again.
    """
    path = folder / METRICS
    if not path.exists():
        return
    kept = [row for row in read_rows(path) if row.get("images", images + 1) <= images]
    write_bytes(path, "".join(to_json(row) + "\n" for row in kept).encode())
