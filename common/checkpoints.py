"""Exact checkpoints: every variable and the state, in files that are whole or absent."""

import hashlib
import json
import re
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from common.errors import InputError
from common.files import TEMPORARY, atomic_path, write_bytes


class Checkpoints:
    """The checkpoints of a run, one file each.

    A file holds the variables and a small JSON state. Its name ends in the hash
    of its content, so that a torn or altered file is recognised and the one
    before it is used instead.

    Args:
        folder: The run's folder; the files lie in its folder `checkpoints`.
        keep: How many of a kind are kept.

    Example:
        >>> checkpoints = Checkpoints(Path("runs/glyphs"))
        >>> checkpoints.save("last", 1000, model.variables, {"elapsed": 3.5})
        >>> arrays, state = checkpoints.load("last")
        >>> assign(model.variables, arrays)
    """

    PATTERN = re.compile(r"(?P<kind>last|best)-(?P<images>\d{12})-(?P<digest>[0-9a-f]{16})\.npz")

    def __init__(self, folder: Path, keep: int = 2):
        self.folder, self.keep = folder / "checkpoints", keep

    def save(
        self, kind: str, images: int, variables: Sequence[Any], state: Mapping[str, Any]
    ) -> Path:
        """Write a checkpoint and remove the oldest of its kind beyond `keep`.

        Args:
            kind: "last" or "best".
            images: Images seen, which orders the files.
            variables: Keras variables; saved by position and path.
            state: What else must survive, as JSON.

        Returns:
            The file.
        """
        arrays = {name: np.asarray(value) for name, value in _named(variables)}
        arrays["state"] = np.frombuffer(json.dumps(state).encode(), np.uint8)
        unnamed = self.folder / f"{TEMPORARY}{kind}.npz"
        try:
            with atomic_path(unnamed) as temporary:
                np.savez(temporary, **arrays)
            with unnamed.open("rb") as written:
                path = self.folder / f"{kind}-{images:012d}-{_digest(written)}.npz"
            unnamed.replace(path)
        finally:
            unnamed.unlink(missing_ok=True)
        self._keep_newest(kind, path)
        return path

    def promote(self, last: Path) -> Path:
        """Make a "last" checkpoint the "best" as well, by a link instead of a copy."""
        path = last.with_name(last.name.replace("last", "best", 1))
        path.unlink(missing_ok=True)
        try:
            path.hardlink_to(last)
        except OSError:  # a file system without links
            write_bytes(path, last.read_bytes())
        self._keep_newest("best", path)
        return path

    def _keep_newest(self, kind: str, newest: Path) -> None:
        for old in [p for p in self.paths(kind) if p != newest][max(0, self.keep - 1) :]:
            old.unlink(missing_ok=True)

    def paths(self, kind: str) -> list[Path]:
        """List the checkpoints of a kind, the one of most images first, without verifying them."""
        if not self.folder.is_dir():
            return []
        matches = [(self.PATTERN.fullmatch(path.name), path) for path in self.folder.iterdir()]
        return sorted(
            (path for match, path in matches if match and match["kind"] == kind), reverse=True
        )

    def load(self, kind: str) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
        """Read the whole checkpoint of most images.

        Args:
            kind: "last" or "best".

        Returns:
            The arrays by name, and the state.

        Raises:
            InputError: There is none, or all are torn.
        """
        torn = []
        for path in self.paths(kind):
            with path.open("rb") as file:
                if _digest(file) != self.PATTERN.fullmatch(path.name)["digest"]:
                    torn.append(path.name)
                    continue
                file.seek(0)
                return _read(path, file)
        if torn:
            raise InputError(f"{self.folder}: torn checkpoint {', '.join(torn)}, and none is whole")
        raise InputError(f"{self.folder}: no '{kind}' checkpoint; the run ended before its first")


def assign(
    variables: Sequence[Any], arrays: Mapping[str, np.ndarray], source: str = "checkpoint"
) -> None:
    """Assign the values that `Checkpoints.save` took from the same variables.

    Args:
        variables: Keras variables in the order in which they were saved.
        arrays: What `Checkpoints.load` returned.
        source: How error messages name the file or folder that they are from.

    Raises:
        InputError: A variable has no value, or one of another shape. No variable
            has been changed.
    """
    named = _named(variables)
    for name, variable in named:
        path = name.split(" ", 1)[1]
        if name not in arrays:
            raise InputError(f"{source}: holds no {path!r}; another architecture?")
        found, expected = tuple(arrays[name].shape), tuple(variable.shape)
        if found != expected:
            raise InputError(f"{source}: {path!r} has shape {found}, expected {expected}")
    for name, variable in named:
        variable.assign(arrays[name])


def _named(variables: Sequence[Any]) -> list[tuple[str, Any]]:
    """Name variables by position and path.

    The numbers by which Keras tells equal names apart are left out, because they
    depend on what else the process has built before.
    """
    paths = [re.sub(r"_\d+(?=[/_]|$)", "", variable.path) for variable in variables]
    return [
        (f"{index:04d} {path}", v)
        for index, (path, v) in enumerate(zip(paths, variables, strict=True))
    ]


def _read(path: Path, file: BinaryIO) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
    """Read the arrays and the state; the name of the file agrees with its bytes."""
    try:
        arrays = dict(np.load(file))
        state = json.loads(arrays.pop("state").tobytes())
        if not isinstance(state, dict):
            raise ValueError("its state is no JSON object")
    except (KeyError, ValueError, AttributeError, OSError, EOFError, zipfile.BadZipFile) as error:
        raise InputError(f"{path}: not a checkpoint of this version ({error})") from None
    return arrays, state


def _digest(file: BinaryIO) -> str:
    digest = hashlib.blake2b(digest_size=8)
    while part := file.read(2**20):
        digest.update(part)
    return digest.hexdigest()
