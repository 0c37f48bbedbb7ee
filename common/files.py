"""Atomic file writes: a reader or a power cut sees the old file or the new one."""

import contextlib
import errno
import json
import math
import os
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from common.errors import InputError

TEMPORARY = ".tmp-"  # prefix of unfinished files


@contextlib.contextmanager
def atomic_path(path: Path) -> Iterator[Path]:
    """Yield a temporary path beside `path` that becomes `path` if the block succeeds.

    The bytes reach the disk before the name changes. The suffix is kept, because
    libraries choose a format by it. Missing folders are made.

    Args:
        path: The file to write. An existing file is replaced.

    Example:
        >>> with atomic_path(Path("out.png")) as temporary:
        ...     image.save(temporary)
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(prefix=TEMPORARY, suffix=path.suffix, dir=path.parent)
    os.close(handle)
    temporary = Path(name)
    try:
        yield temporary
        with temporary.open("rb") as written:
            os.fsync(written.fileno())
        temporary.chmod(0o666 & ~_umask())  # mkstemp makes files that only the owner reads
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def remove_temporaries(folder: Path) -> None:
    """Remove the unfinished files that a killed process left below `folder`."""
    for path in folder.rglob(f"{TEMPORARY}*"):
        path.unlink(missing_ok=True)


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


def is_disk_full(error: OSError) -> bool:
    """Return whether an OSError means that the disk, or the user's quota, is full."""
    return error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


def refuse_existing(flag: str, path: Path) -> None:
    """Raise InputError if `path` exists, so that nothing is overwritten.

    Args:
        flag: The flag that names the file, such as "--out".
        path: The file that a command is about to write.

    Example:
        >>> refuse_existing("--out", Path("result.png"))
    """
    if os.path.lexists(path):
        raise InputError(f"{flag} {path}: exists already\nname another file, or remove this one")


def write_bytes(path: Path, data: bytes) -> None:
    """Write `data` to `path` atomically."""
    with atomic_path(path) as temporary:
        temporary.write_bytes(data)


def write_json(path: Path, value: object) -> None:
    """Write `value` as indented JSON to `path` atomically; NaN and infinity become null."""
    write_bytes(path, (to_json(value, indent=2) + "\n").encode())


def to_json(value: object, indent: int | None = None) -> str:
    """Convert a value to JSON text; NaN and infinity, which JSON does not have, become null.

    Args:
        value: Nested dictionaries, lists, tuples, numbers, strings and None.
        indent: Spaces per level, or None for one line.

    Example:
        >>> to_json({"loss": float("nan")})
        '{"loss": null}'
    """
    return json.dumps(_finite(value), indent=indent, allow_nan=False)


def _finite(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {name: _finite(each) for name, each in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(each) for each in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
