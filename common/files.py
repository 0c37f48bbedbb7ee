"""Files that appear whole or not at all, and the one exception for bad input."""

import contextlib
import json
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

TEMPORARY = ".tmp-"  # how unfinished files are named


@contextlib.contextmanager
def atomic_path(path: Path) -> Iterator[Path]:
    """Yields a temporary path beside `path`; it becomes `path` if the block succeeds.

    The bytes are on the disk before the name changes, so a reader or a power
    cut sees the old file or the new one, never a part. The suffix is kept,
    because libraries choose a format by it.
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
    """Removes what a killed process left half-written below `folder`."""
    for path in folder.rglob(f"{TEMPORARY}*"):
        path.unlink(missing_ok=True)


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


def write_bytes(path: Path, data: bytes) -> None:
    """Writes `data` to `path` atomically."""
    with atomic_path(path) as temporary:
        temporary.write_bytes(data)


def write_json(path: Path, value: object) -> None:
    """Writes `value` as indented JSON to `path` atomically."""
    write_bytes(path, (json.dumps(value, indent=2) + "\n").encode())
