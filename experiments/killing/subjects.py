"""The commands that are killed: their inputs, what may be left, what must come out."""

import hashlib
import json
import os
import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from common.checkpoints import Checkpoints
from common.files import TEMPORARY
from experiments.fuzzing import images
from experiments.fuzzing.output import check_whole
from experiments.killing.process import find_temporaries
from gan.config import FRECHET

TIMED = ("speed/", "seconds", "minutes", "time")  # parts of the names of values that vary
TRAIN = [
    *("--dataset", "photos", "--cache-dir", "cache", "--resolution", "16", "--epochs", "4"),
    *("--batch-size", "8", "--networks.width", "4", "--evaluate-every", "0.064", "--set"),
    *("networks.latent_size=8", "run.tick_kimg=0.032", "run.steps_per_execution=2"),
    "stop.evaluate_count=24",
]
GROW = [
    "--networks", "progressive", "--networks.options", "first=8", "--preset", "default",
    "--set", "generator.optimizer=muon",
]  # fmt: skip
EVALUATE = ["--run", "run", "--count", "24", "--features", "compact", "--cache-dir", "cache"]
STYLIZE = [
    *("--content", "contents", "--style", "painting.png", "--out", "results"),
    *("--size", "32", "--iterations", "3"),
    *("--set", "optimization.refine=0", "optimization.correct=0"),
    *("appearance.style_layers=relu1_1,relu2_1", "appearance.content_layers=relu3_1"),
]


@dataclass(frozen=True)
class Subject:
    """A command that is killed.

    Attributes:
        program: Its module.
        prepare: Writes its inputs into an empty folder.
        words: Its arguments, given the folder as the last process left it.
        left: What is wrong with the files that a killed process left, given the
            folder and that of the unbroken run.
        differs: What is wrong with the files of a finished process, given the same.
    """

    program: str
    prepare: Callable[[Path], object]
    words: Callable[[Path], Sequence[str]]
    left: Callable[[Path, Path], list[str]]
    differs: Callable[[Path, Path], list[str]]


def write_images(folder: Path, count: int, side: int) -> None:
    """Write random gray images."""
    folder.mkdir(parents=True)
    rng = np.random.default_rng(0)
    for index in range(count):
        pixels = rng.integers(256, size=(side, side, 3)).astype(np.uint8)
        rows = b"".join(b"\0" + row.tobytes() for row in pixels)
        (folder / f"{index:02d}.png").write_bytes(images.png((side, side), rows, 8, 2))


def torn(folder: Path) -> list[str]:
    """List the files below a folder that are not whole, temporary ones left out.

    The last line of a log may be torn; whoever reads it drops that line.
    """
    found = []
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        relative = path.relative_to(folder)
        if any(part.startswith(TEMPORARY) for part in relative.parts):
            continue
        if path.suffix == ".jsonl":
            for line in path.read_bytes().splitlines()[:-1]:
                json.loads(line)
        elif match := Checkpoints.PATTERN.fullmatch(path.name):
            digest = hashlib.blake2b(path.read_bytes(), digest_size=8).hexdigest()
            if digest != match["digest"]:
                found.append(f"{relative}: torn checkpoint")
        else:
            found += [f"{relative}: {problem}" for problem in check_whole(path)]
    return found


def remains(folder: Path) -> list[str]:
    """List the temporary files that a finished process has left."""
    return [f"not removed by the next start: {Path(path).relative_to(folder).parts[0]}/.../"
            f"{TEMPORARY}*" for path in find_temporaries(folder)]  # fmt: skip


# Train


def _train(options: Sequence[str] = ()) -> Subject:
    def words(folder: Path) -> list[str]:
        if (folder / "run" / "config.json").exists():
            return ["--resume", "run"]
        return [*options, *TRAIN, "--run-dir", "run"]

    return Subject(
        program="gan.train",
        prepare=lambda folder: write_images(folder / "photos", 48, 16),
        words=words,
        left=lambda folder, whole: torn(folder),
        differs=lambda folder, whole: (
            weights_differ(folder / "run", whole / "run") + remains(folder)
        ),
    )


def weights_differ(run: Path, whole: Path) -> list[str]:
    """Compare the last checkpoints of two runs bit by bit, and the rows of their logs.

    Args:
        run: A run's folder.
        whole: That of the unbroken run.

    Returns:
        What differs. The time that something took does not count, nor a Frechet
        distance that only one run has: it is postponed when it would take too
        large a part of the training time.
    """
    pairs = [Checkpoints(each).load("last")[0] for each in (run, whole)]
    found = [f"weights differ: {name}" for name, value in pairs[1].items()
             if name not in pairs[0] or value.tobytes() != pairs[0][name].tobytes()]  # fmt: skip
    rows = [_rows(each / "metrics.jsonl") for each in (run, whole)]
    if len(rows[0]) != len(rows[1]):
        found.append(f"metrics.jsonl: {len(rows[0])} rows, expected {len(rows[1])}")
    for row, other in zip(*rows, strict=False):
        for name in sorted(row.keys() | other.keys()):
            postponed = name == FRECHET and (name not in row or name not in other)
            if row.get(name) != other.get(name) and not postponed:
                values = f"{row.get(name)}, expected {other.get(name)}"
                found.append(f"metrics.jsonl differs: {name} {values}")
    return found[:3]


def _rows(path: Path) -> list[dict]:
    rows = [json.loads(line) for line in path.read_text().splitlines()]
    return [{name: value for name, value in row.items() if not any(part in name for part in TIMED)}
            for row in rows]  # fmt: skip


# Evaluate and stylize


def _evaluation(path: Path) -> dict | None:
    found = json.loads(path.read_text()) if path.exists() else {}
    return {name: value for name, value in found.items() if name not in TIMED}


def _scores_left(folder: Path, whole: Path) -> list[str]:
    path = folder / "run" / "evaluation.json"
    same = not path.exists() or not _scores_differ(folder, whole)
    return torn(folder) + ([] if same else ["evaluation.json differs"])


def _scores_differ(folder: Path, whole: Path) -> list[str]:
    found = [_evaluation(each / "run" / "evaluation.json") for each in (folder, whole)]
    return remains(folder) + ([] if found[0] == found[1] else ["evaluation.json differs"])


def _images_left(folder: Path, whole: Path) -> list[str]:
    found = torn(folder)
    for path in sorted((folder / "results").glob("*")):
        twin = whole / "results" / path.name
        if path.name.startswith(TEMPORARY):
            continue
        if not twin.exists() or twin.read_bytes() != path.read_bytes():
            found.append(f"results/{path.name} differs")
    return found


def _images_differ(folder: Path, whole: Path) -> list[str]:
    names = [sorted(os.listdir(each / "results")) for each in (folder, whole)]
    missing = [] if names[0] == names[1] else [f"results: {names[0]}, expected {names[1]}"]
    return missing + _images_left(folder, whole) + remains(folder / "results")


def _prepare_stylize(folder: Path) -> None:
    write_images(folder / "contents", 3, 32)
    write_images(folder / "paintings", 1, 32)
    (folder / "paintings" / "00.png").rename(folder / "painting.png")


def subjects(run: Path) -> dict[str, Subject]:
    """Define what is killed.

    Args:
        run: The folder of a finished run for `evaluate`, with its dataset and
            cache beside it.
    """

    def prepare_evaluate(folder: Path) -> None:
        shutil.copytree(run, folder, dirs_exist_ok=True)
        shutil.rmtree(folder / "cache")
        (folder / "run" / "evaluation.json").unlink(missing_ok=True)

    return {
        "train": _train(),
        "grow": _train(GROW),
        "evaluate": Subject(
            program="gan.evaluate",
            prepare=prepare_evaluate,
            words=lambda folder: EVALUATE,
            left=_scores_left,
            differs=_scores_differ,
        ),
        "stylize": Subject(
            program="style_transfer.stylize",
            prepare=_prepare_stylize,
            words=lambda folder: STYLIZE,
            left=_images_left,
            differs=_images_differ,
        ),
    }
