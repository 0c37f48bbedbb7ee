"""Random folders and archives: datasets, training runs with damaged files, .npz of any array."""

import hashlib
import io
import json
import os
import shutil
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from experiments.fuzzing import images
from experiments.fuzzing.images import pick

JSON_VALUES = (
    None,
    True,
    0,
    -1,
    1e30,
    "",
    "x",
    "../x",
    [],
    {},
    [1],
    {"a": 1},
    2**70,
    "\u00e9",
    1.5,
)
PLAIN = ((40, 40, 3), (40, 40), (32, 40, 4), (30, 20, 1))  # images
PLAIN_SETS = ((24, 16, 16, 1), (24, 16, 16, 3), (24, 20, 20, 4))
DTYPES = (
    *("uint8", "int8", "uint16", "int16", "int32", "int64", "uint64", "float16", "float32"),
    *("float64", ">f4", ">u2", "bool", "complex64", "U3", "S2", "datetime64[s]", "object", "V4"),
)
SHAPES = (
    *((), (0,), (1,), (4,), (5, 5), (20, 20), (40, 40, 1), (40, 40, 3), (40, 40, 4), (40, 40, 2)),
    *((0, 20, 3), (20, 0, 3), (16, 16, 3), (15, 16, 3), (3, 20, 20), (1, 20, 20, 3), (300, 16)),
    *((24, 16, 16, 1), (24, 16, 16, 3), (0, 16, 16, 1), (3, 16, 16, 1), (24, 16, 20, 1)),
    *((24, 1, 1, 1), (24, 16, 16, 2), (24, 16, 16, 4), (24, 8, 8, 3), (1, 1, 1)),
)


def array(rng: np.random.Generator, plain: float = 0.4, shapes: tuple = PLAIN) -> np.ndarray:
    """Draw an array of any type and shape, floats with NaN and infinity among them.

    Args:
        rng: The source of all randomness.
        plain: Probability of one of `shapes` and of unsigned bytes.
        shapes: Ordinary shapes.
    """
    if rng.random() < plain:
        shape, kind = pick(rng, shapes), np.dtype("uint8")
    else:
        shape, kind = pick(rng, SHAPES), np.dtype(pick(rng, DTYPES))
    if kind.kind == "f":
        scale = pick(rng, (1.0, 255.0, 1e30, 0.001))
        with np.errstate(over="ignore"):
            values = (rng.random(shape) * scale).astype(kind)
        if values.size and rng.random() < 0.3:
            values.flat[0] = pick(rng, (np.nan, np.inf, -np.inf, -1.0))
    elif kind.kind == "O":
        values = np.full(shape, pick(rng, (None, "x", 1)), object)
    else:
        high = pick(rng, (2, 100, 256))
        values = rng.integers(high, size=shape).astype("uint8" if kind.kind == "V" else kind)
    if values.ndim > 1 and rng.random() < 0.2:
        values = values[::-1]  # strides below 0
    return np.asfortranarray(values) if rng.random() < 0.1 else values


def archive(rng: np.random.Generator, names: tuple[str, ...] = ("images", "labels")) -> bytes:
    """Draw an .npz file with some of these names, or a file that is none."""
    buffer = io.BytesIO()
    kind = rng.random()
    if kind < 0.1:
        np.save(buffer, array(rng), allow_pickle=True)
    elif kind < 0.2:
        with zipfile.ZipFile(buffer, "w") as file:
            file.writestr(pick(rng, ("images.npy", "images", "x.txt", "y")), rng.bytes(50))
    elif kind < 0.3:
        buffer.write(pick(rng, (b"", b"PK\x03\x04", b"\x93NUMPY", rng.bytes(200))))
    else:
        chosen = [each for each in (*names, "x", "a/b", "") if rng.random() < 0.8]
        save = np.savez_compressed if rng.random() < 0.5 else np.savez
        save(buffer, **{each or "empty": array(rng, 0.6, PLAIN_SETS) for each in chosen})
    data = bytearray(buffer.getvalue())
    if data and rng.random() < 0.15:
        data = data[: int(rng.integers(len(data)))]
    if data and rng.random() < 0.15:
        data[int(rng.integers(len(data)))] ^= 0xFF
    return bytes(data)


def dataset(rng: np.random.Generator, folder: Path, nested: float = 0.6) -> None:
    """Fill a folder with images in some layout: flat, classes, nested, linked, hidden, empty.

    Args:
        rng: The source of all randomness.
        folder: A folder that does not exist.
        nested: Probability that the images lie in subfolders.
    """
    folder.mkdir(parents=True)
    classes = [folder]
    if rng.random() < nested:
        classes = [folder / images.name(rng, str(number)) for number in range(rng.integers(1, 4))]
    for place in classes:
        place.mkdir(exist_ok=True)
        below = place if rng.random() < 0.8 else place / images.name(rng)
        below.mkdir(exist_ok=True, parents=True)
        for _ in range(pick(rng, (0, 1, 2, 3, 5))):
            suffix, data = images.file(rng, plain=0.6)
            write(below / images.name(rng, suffix), data)
    for _ in range(rng.integers(0, 3)):
        pick(rng, EXTRAS)(rng, folder, pick(rng, classes))


def write(path: Path, data: bytes) -> None:
    """Write a file unless something has its name."""
    if not os.path.lexists(path):
        path.write_bytes(data)


def _link(path: Path, target: object) -> None:
    if not os.path.lexists(path):
        path.symlink_to(target)


def _pipe(path: Path) -> None:
    if not os.path.lexists(path):
        os.mkfifo(path)


def _outside(rng: np.random.Generator, folder: Path, place: Path) -> None:
    """Link a folder beside the dataset into it."""
    other = folder.parent / "elsewhere"
    other.mkdir(exist_ok=True)
    write(other / "1.png", images.encode(rng, "RGB", ".png", (20, 20)))
    _link(place / "linked", other)


def _run(rng: np.random.Generator, folder: Path, place: Path) -> None:
    run = place / "a run"
    (run / "samples").mkdir(parents=True, exist_ok=True)
    write(run / "config.json", b"{}")
    write(run / "samples" / "1.png", images.encode(rng, "L", ".png", (16, 16)))


EXTRAS: tuple[Callable[[np.random.Generator, Path, Path], None], ...] = (
    lambda rng, folder, place: _link(place / "loop", folder),
    lambda rng, folder, place: _link(place / "nowhere.png", "no/such/file"),
    lambda rng, folder, place: _link(place / "self.png", place / "self.png"),
    lambda rng, folder, place: _link(folder / "device.png", pick(rng, ("/dev/null", "/dev/zero"))),
    lambda rng, folder, place: _pipe(place / "pipe.png"),
    lambda rng, folder, place: (folder / "empty").mkdir(exist_ok=True),
    lambda rng, folder, place: (place / "folder.png").mkdir(exist_ok=True),
    lambda rng, folder, place: write(place / ".hidden.png", b"x"),
    lambda rng, folder, place: write(place / "Thumbs.db", b"x"),
    lambda rng, folder, place: write(place / "notes", b"x"),
    lambda rng, folder, place: write(folder / "loose.png", images.encode(rng, "L", ".png", (9, 9))),
    _outside,
    _run,
)


def damage(rng: np.random.Generator, run: Path) -> None:
    """Damage one to three files of a training run: torn, missing, wrong, or of another kind."""
    for _ in range(rng.integers(1, 4)):
        files = sorted(path for path in run.rglob("*") if path.is_file())
        important = [path for path in files if path.suffix in (".json", ".npz", ".jsonl")]
        if not files:
            return
        path = pick(rng, important if important and rng.random() < 0.8 else files)
        if path.suffix == ".json" and rng.random() < 0.6:
            _change_json(rng, path)
        elif path.suffix == ".npz" and rng.random() < 0.5:
            _change_checkpoint(rng, path)
        else:
            _tear(rng, path)


def _tear(rng: np.random.Generator, path: Path) -> None:
    data = path.read_bytes()
    path.unlink()
    kind = int(rng.integers(6))
    if kind == 0:
        path.mkdir()
    elif kind == 1:
        path.symlink_to("no/such/file")
    elif kind == 2:
        path.write_bytes(data[: int(rng.integers(len(data) + 1))])
    elif kind == 3:
        path.write_bytes(pick(rng, (b"", b"\0", b"{}", b"[]", b"null", rng.bytes(100), b"\xff{}")))
    elif kind == 4 and path.parent.name == "checkpoints":
        shutil.rmtree(path.parent)


def _change_json(rng: np.random.Generator, path: Path) -> None:
    """Replace, delete or add a value at any depth."""
    try:
        content = json.loads(path.read_bytes())
    except ValueError:
        return
    place: Any = content
    while True:
        if not isinstance(place, dict) or not place:
            content = pick(rng, JSON_VALUES)
            break
        key = pick(rng, place)
        if isinstance(place[key], dict) and place[key] and rng.random() < 0.8:
            place = place[key]
            continue
        kind = rng.random()
        if kind < 0.6:
            place[key] = pick(rng, JSON_VALUES)
        elif kind < 0.9:
            del place[key]
        else:
            place["unknown"] = pick(rng, JSON_VALUES)
        break
    path.write_text(json.dumps(content))


def _change_checkpoint(rng: np.random.Generator, path: Path) -> None:
    """Change arrays of a checkpoint, whose name keeps telling the truth about its content."""
    try:
        with np.load(path) as stored:
            arrays = dict(stored)
    except Exception:  # damaged already
        return
    key = "state" if rng.random() < 0.3 and "state" in arrays else pick(rng, arrays)
    kind = rng.random()
    if kind < 0.3:
        del arrays[key]
    elif kind < 0.6:
        arrays[key] = array(rng)
    elif arrays[key].dtype.kind == "f" and arrays[key].size:
        arrays[key] = np.full_like(arrays[key], pick(rng, (np.nan, np.inf, 0.0)))
    else:
        arrays[key] = np.frombuffer(pick(rng, (b"", b"{", b"[]", b"{}", b"\xff")), np.uint8)
    buffer = io.BytesIO()
    np.savez(buffer, **arrays)
    digest = hashlib.blake2b(buffer.getvalue(), digest_size=8).hexdigest()
    path.unlink()
    stem = path.stem.rpartition("-")[0]
    path.with_name(f"{stem}-{digest}.npz").write_bytes(buffer.getvalue())
