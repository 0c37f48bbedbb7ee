"""A run's folder: its configuration, its checkpoints, its log and how it ended."""

import json
import os
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from common.errors import InputError
from common.files import write_bytes, write_json

CONFIG, SUMMARY, METRICS = "config.json", "summary.json", "metrics.jsonl"


def check_new(folder: Path) -> None:
    """Raises InputError if `folder` holds a run already or cannot be made; makes nothing."""
    if (folder / CONFIG).exists():
        raise InputError(
            f"--run-dir {folder}: holds a run already\n"
            f"continue it with --resume {folder}, or name another folder"
        )
    nearest = next(path for path in (folder, *folder.absolute().parents) if path.exists())
    if not nearest.is_dir() or not os.access(nearest, os.W_OK):
        raise InputError(f"--run-dir {folder}: cannot be made, {nearest} is no folder to write in")


def create(folder: Path | None, name: str) -> Path:
    """Makes an empty run folder: `folder`, or runs/`name`-`date`-`time`.

    Raises:
        InputError: the folder holds a run already, or cannot be made.
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
            continue  # another run began in the same second
        return folder
    raise InputError(f"{folder}: a hundred runs began in one second; name one with --run-dir")


def read_config(folder: Path, flag: str) -> dict[str, Any]:
    """The configuration that a run was started with, as written by `write_config`.

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
        raise InputError(f"{flag} {folder}: not a run (its {CONFIG} is something else's)")
    return about


def plain(value: Any) -> Any:
    """Nested dicts, tuples and paths as JSON gives them back: dicts, lists and text."""
    if isinstance(value, Mapping):
        return {name: plain(field) for name, field in value.items()}
    if isinstance(value, tuple | list):
        return [plain(field) for field in value]
    return str(value) if isinstance(value, Path) else value


def write_config(folder: Path, config: Mapping[str, Any], **about: object) -> None:
    """Writes the configuration and whatever else describes the run."""
    write_json(folder / CONFIG, {"config": config, **about})


def differences(old: Mapping[str, Any], new: Mapping[str, Any], prefix: str = "") -> list[str]:
    """The fields that differ, nested ones with dots, each as `name: old -> new`."""
    found = []
    for name in sorted(old.keys() | new.keys()):
        before, after = old.get(name), new.get(name)
        if isinstance(before, Mapping) and isinstance(after, Mapping):
            found += differences(before, after, f"{prefix}{name}.")
        elif before != after:
            found.append(f"{prefix}{name}: {before} -> {after}")
    return found


def update_summary(folder: Path, **fields: object) -> None:
    """Merges `fields` into summary.json."""
    path = folder / SUMMARY
    before = json.loads(path.read_text()) if path.exists() else {}
    write_json(path, before | fields)


def append_metrics(folder: Path, row: Mapping[str, float]) -> None:
    """Adds one line to metrics.jsonl."""
    with (folder / METRICS).open("a") as log:
        log.write(json.dumps(row) + "\n")


def rewind_metrics(folder: Path, images: int) -> None:
    """Drops the lines of metrics.jsonl that lie after `images`, and a torn last line.

    A resumed run writes them again.
    """
    path = folder / METRICS
    if not path.exists():
        return
    kept = []
    for line in path.read_text().splitlines():
        try:
            row = json.loads(line)
        except ValueError:
            continue
        if row["images"] <= images:
            kept.append(line + "\n")
    write_bytes(path, "".join(kept).encode())
