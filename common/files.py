"""Atomic file writes: a reader or a power cut sees the old file or the new one."""

import contextlib
import errno
import fcntl
import json
import math
import os
import shutil
import tempfile
import time
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from common.errors import InputError, printable

TEMPORARY = ".tmp-"  # prefix of unfinished files
SECONDS_TO_LOCK = 0.2  # after which a new folder is locked or nobody's


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
        with locked(temporary):
            yield temporary
        with temporary.open("rb") as written:
            os.fsync(written.fileno())
        temporary.chmod(0o666 & ~_umask())  # mkstemp makes files that only the owner reads
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


@contextlib.contextmanager
def atomic_folder(path: Path) -> Iterator[Path]:
    """Yield a temporary folder beside `path` that becomes `path` if the block succeeds.

    The bytes of its files reach the disk before the name changes.

    Args:
        path: The folder to write; it does not exist yet. Missing parents are made.

    Raises:
        InputError: It exists when the block ends.

    Example:
        >>> with atomic_folder(Path("out")) as temporary:
        ...     (temporary / "README.md").write_text("text")
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = Path(tempfile.mkdtemp(prefix=TEMPORARY, dir=path.parent))
    try:
        with locked(temporary):
            yield temporary
            for file in filter(Path.is_file, temporary.rglob("*")):
                with file.open("rb") as written:
                    os.fsync(written.fileno())
            temporary.chmod(0o777 & ~_umask())  # mkdtemp makes folders that only the owner reads
            if os.path.lexists(path):
                raise InputError(f"{path}: exists already\nremove it, or name another folder")
            temporary.rename(path)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


@contextlib.contextmanager
def locked(path: Path) -> Iterator[None]:
    """Tell `remove_temporaries` that a file or folder is in use until the block or we end.

    Args:
        path: An existing file or folder.
    """
    handle = os.open(path, os.O_RDONLY)
    try:
        with contextlib.suppress(OSError):  # a file system without locks
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    finally:
        os.close(handle)


def remove_temporaries(folder: Path, deep: bool = True) -> None:
    """Remove the unfinished files and folders that a killed process left in a folder.

    Those that a running process is writing stay: see `locked`. So do those of
    another user that cannot be removed.

    Args:
        folder: A folder; a missing one has no such files.
        deep: Whether the folders below it are searched, too.
    """
    for path in (folder.rglob if deep else folder.glob)(f"{TEMPORARY}*"):
        with contextlib.suppress(OSError):
            if path.is_dir() and not _is_new(path) and not _is_locked(path):
                shutil.rmtree(path)
            elif path.is_file() and not _is_locked(path):
                path.unlink()


def _is_new(folder: Path) -> bool:
    """Return whether a folder may be so young that its lock has not been taken yet."""
    return time.time() - folder.stat().st_mtime < SECONDS_TO_LOCK


def _is_locked(path: Path) -> bool:
    handle = os.open(path, os.O_RDONLY)
    try:
        fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:  # a file system without locks
        return False
    finally:
        os.close(handle)
    return False


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


def is_disk_full(error: OSError) -> bool:
    """Return whether an OSError means that the disk, or the user's quota, is full."""
    return error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


def check_outputs(outputs: Mapping[str, Path | None], inputs: Iterable[Path | None] = ()) -> None:
    """Check the files that a command is about to write, and print which it will replace.

    Args:
        outputs: {flag: file}, such as {"--out": Path("result.png")}; None is not
            written.
        inputs: Files that it reads.

    Raises:
        InputError: Two outputs are the same file, an output is also an input, or
            what has its name is not a regular file.

    Example:
        >>> check_outputs({"--out": Path("result.png")})
        result.png exists and will be replaced
    """
    written: dict[Path, str] = {}
    read = {path.resolve() for path in inputs if path is not None}
    for flag, path in outputs.items():
        if path is None:
            continue
        place = path.parent.resolve() / path.name
        if place in written:
            raise InputError(f"{flag} {path}: is also the file of {written[place]}; name another")
        if path.resolve() in read:
            raise InputError(f"{flag} {path}: would overwrite an input; name another file")
        if path.is_dir():
            raise InputError(f"{flag} {path}: a folder; expected the name of a file")
        if path.exists() and not path.is_file():
            raise InputError(f"{flag} {path}: expected the name of a file, found a pipe or device")
        written[place] = flag
    for path in written:
        if os.path.lexists(path):
            print(f"{printable(str(path))} exists and will be replaced")


def with_suffix(flag: str, path: Path | None, suffix: str) -> Path | None:
    """Give a file its suffix; None stays None.

    Raises:
        InputError: The path has no name.

    Example:
        >>> with_suffix("--npz", Path("samples"), ".npz")
        PosixPath('samples.npz')
    """
    if path is None:
        return None
    if not path.name:
        raise InputError(f"{flag} {path}: expected the name of a file")
    return path.with_suffix(suffix)


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
