"""The cache folder: written atomically, and usable by several users of a machine."""

import contextlib
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

from common import cli, files
from common.errors import InputError

PERMISSIONS = 0o1777  # read, write and search for all, and the sticky bit


@contextlib.contextmanager
def writing(cache: Path) -> Iterator[None]:
    """Report that the cache cannot be written as an `InputError` that names the flag.

    A full disk stays an `OSError`, which the command line reports by itself.

    Raises:
        InputError: The folder is read-only or no folder.
    """
    try:
        yield
    except OSError as error:
        if cli.is_disk_full(error):
            raise
        raise InputError(
            f"--cache-dir {cache}: cannot be written ({error.strerror or error})\n"
            "name a folder that can be written with --cache-dir"
        ) from None


def make_folder(cache: Path, *parts: str) -> Path:
    """Create a folder below the cache, with the cache's own permissions.

    If an administrator made the cache writable for all, what one user prepares
    must not lock out the next.

    Raises:
        InputError: The cache cannot be written.
    """
    with writing(cache):
        cache.mkdir(parents=True, exist_ok=True)
        folder = cache
        for part in parts:
            folder = folder / part
            if not folder.is_dir():
                folder.mkdir(exist_ok=True)
                share(cache, folder)
        files.remove_temporaries(folder, deep=False)  # of a process that was killed
    return folder


@contextlib.contextmanager
def temporary_folder(cache: Path) -> Iterator[Path]:
    """Yield a new folder in the cache that is removed after the block, unless it was renamed.

    Raises:
        InputError: The cache cannot be written.
    """
    make_folder(cache)
    with writing(cache):
        folder = Path(tempfile.mkdtemp(prefix=files.TEMPORARY, dir=cache))
    try:
        with files.locked(folder):
            yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextlib.contextmanager
def write_file(cache: Path, *parts: str) -> Iterator[Path]:
    """Yield a temporary path that becomes `cache/parts` if the block succeeds.

    Raises:
        InputError: The cache cannot be written.
    """
    folder = make_folder(cache, *parts[:-1])
    with writing(cache), files.atomic_path(folder / parts[-1]) as temporary:
        yield temporary


def share(cache: Path, folder: Path) -> None:
    """Give a folder and everything in it the permissions of the cache, where we own it."""
    mode = cache.stat().st_mode & PERMISSIONS
    for path in (folder, *folder.rglob("*")):
        with contextlib.suppress(OSError):  # another user's
            path.chmod(mode if path.is_dir() else mode & 0o666)
