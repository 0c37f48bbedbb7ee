"""A run's folder: its configuration, its checkpoints, its log and how it ended."""

import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from common.errors import InputError
from common.files import TEMPORARY, atomic_path, write_bytes


class Checkpoints:
    """Checkpoints in a run's folder, each one file that is whole or not there.

    A file holds every variable it is given and a small JSON state. Its name ends
    in the hash of its content, so a torn or altered one is recognised and the
    one before it is used instead.
    """

    PATTERN = re.compile(r"(?P<kind>last|best)-(?P<images>\d{12})-(?P<digest>[0-9a-f]{16})\.npz")

    def __init__(self, folder: Path, keep: int = 2):
        self.folder, self.keep = folder / "checkpoints", keep

    def save(
        self, kind: str, images: int, variables: Sequence[Any], state: Mapping[str, Any]
    ) -> Path:
        """Writes a checkpoint and removes the oldest of its kind beyond `keep`.

        Args:
            kind: "last" or "best".
            images: images seen, for the order of the files.
            variables: Keras variables; saved by position and path.
            state: what else must survive, as JSON.
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
        """Makes a "last" checkpoint the "best" as well; costs a name, not a second file."""
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
        """The checkpoints of a kind, the furthest first; not yet verified."""
        if not self.folder.is_dir():
            return []
        matches = [(self.PATTERN.fullmatch(path.name), path) for path in self.folder.iterdir()]
        return sorted(
            (path for match, path in matches if match and match["kind"] == kind), reverse=True
        )

    def load(self, kind: str) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
        """The arrays and the state of the furthest checkpoint that is whole.

        Raises:
            InputError: there is none, or all are torn.
        """
        torn = []
        for path in self.paths(kind):
            with path.open("rb") as file:
                if _digest(file) != self.PATTERN.fullmatch(path.name)["digest"]:
                    torn.append(path.name)
                    continue
                file.seek(0)
                arrays = dict(np.load(file))
            return arrays, json.loads(arrays.pop("state").tobytes())
        if torn:
            raise InputError(f"{self.folder}: torn checkpoint {', '.join(torn)}, and none is whole")
        raise InputError(f"{self.folder}: no '{kind}' checkpoint; the run ended before its first")


def assign(variables: Sequence[Any], arrays: Mapping[str, np.ndarray]) -> None:
    """Gives Keras variables the values that `Checkpoints.save` took from the same ones.

    Raises:
        InputError: a variable has no value there, or one of another shape.
    """
    named = _named(variables)
    for name, variable in named:
        path = name.split(" ", 1)[1]
        if name not in arrays:
            raise InputError(f"checkpoint: holds no {path!r}; another architecture?")
        found, expected = tuple(arrays[name].shape), tuple(variable.shape)
        if found != expected:
            raise InputError(f"checkpoint: {path!r} has shape {found}, expected {expected}")
    for name, variable in named:
        variable.assign(arrays[name])


def _named(variables: Sequence[Any]) -> list[tuple[str, Any]]:
    """Position and path; without the numbers by which Keras tells equal names apart.

    Those depend on what else the process has built before.
    """
    paths = [re.sub(r"_\d+(?=[/_]|$)", "", variable.path) for variable in variables]
    return [
        (f"{index:04d} {path}", v)
        for index, (path, v) in enumerate(zip(paths, variables, strict=True))
    ]


def _digest(file: BinaryIO) -> str:
    digest = hashlib.blake2b(digest_size=8)
    while part := file.read(2**20):
        digest.update(part)
    return digest.hexdigest()
