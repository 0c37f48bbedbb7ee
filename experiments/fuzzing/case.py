"""One case of the fuzz campaign, and what all kinds of cases are made of."""

import dataclasses
import os
import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

import gan.evaluate
import gan.sample
import gan.train
import style_transfer.config
import style_transfer.stylize
from common.bounds import Setting, settings
from experiments.fuzzing import flags, folders, images
from experiments.fuzzing.images import pick

PROGRAMS: dict[str, Any] = {
    "gan.train": gan.train,
    "gan.sample": gan.sample,
    "gan.evaluate": gan.evaluate,
    "style_transfer.stylize": style_transfer.stylize,
}
OUTPUTS = ("--out", "--run-dir", "--interpolation", "--animation", "--cache-dir")
CACHE = ["--cache-dir", "cache"]
TINY = [
    *("--batch-size", "8", "--networks.width", "4", "--evaluate-every", "0", "--epochs", "0.5"),
    *("--set", "networks.latent_size=8", "run.tick_kimg=0.016", "run.steps_per_execution=1"),
]


@dataclass(frozen=True)
class World:
    """What all cases share: finished runs, from which each case copies.

    Attributes:
        folder: Holds `photos/`, `classes/`, `run/` and `run-classes/`.
    """

    folder: Path

    @classmethod
    def make(cls, folder: Path) -> "World":
        """Train two tiny runs, one of them class-conditional; imports TensorFlow."""
        world, rng = cls(folder), np.random.default_rng(0)
        for index in range(48):
            name = f"{index:02d}.png"
            for place in (folder / "photos", folder / "classes" / "ab"[index % 2]):
                place.mkdir(parents=True, exist_ok=True)
                (place / name).write_bytes(images.encode(rng, "L", ".png", (16, 16)))
        for name, dataset in (("run", "photos"), ("run-classes", "classes")):
            words = ["--dataset", folder / dataset, "--run-dir", folder / name]
            words += ["--cache-dir", folder / "cache", *TINY]
            words += ["--conditional", "on" if dataset == "classes" else "off"]
            gan.train.main([*map(str, words)])
        return world

    def copy(self, name: str, folder: Path) -> None:
        """Copy a folder of the world into that of a case."""
        shutil.copytree(self.folder / name, folder / name.removesuffix("-classes"))


@dataclass(frozen=True)
class Case:
    """One call of a command line or function, in a folder that was made for it.

    Attributes:
        kind: Name of the kind.
        program: Module of the command line.
        arguments: Its words.
        heavy: Whether it trains, samples, measures or paints; otherwise it ends
            where TensorFlow would be imported.
        call: Called instead of the command line.
        follow: Called with the words where a case that is not heavy ends.
        environment: Variables that are set during the call.
        writable: First parts of the paths of files that may be changed.
    """

    kind: str
    program: str
    arguments: list[str]
    heavy: bool = False
    call: Callable[[], object] | None = None
    follow: Callable[[list[str]], object] | None = None
    environment: Mapping[str, str] = field(default_factory=dict)
    writable: tuple[str, ...] = ()


def fields(program: str) -> list[Setting]:
    """List the fields of a command line."""
    module = PROGRAMS[program]
    if program in ("gan.train", "style_transfer.stylize"):
        return list(settings(module.Config()))
    required = {each.name: Path("x") for each in dataclasses.fields(module.Config)
                if each.default is dataclasses.MISSING}  # fmt: skip
    return list(settings(module.Config(**required)))


def odd_flags(rng: np.random.Generator, program: str, most: int = 3) -> list[str]:
    """Draw some flags with valid and odd values, rarely a flag that does not exist."""
    inputs = ("photos", "photo.png", "no such file", "", ".", "/dev/null", "pipe",
              "/no/such/folder", "no such\n\nfile\x1b")  # fmt: skip
    outputs = ("new.png", "new", "photo.png", "photos", "pipe", "a/b/new.png", "photo.png/x.png",
               "/proc/x.png", "new.xyz", "line\nbreak.png", "new.ico", "caf\udce9.png", ".png",
               "run", "", "..", "/dev/null")  # fmt: skip
    words = []
    for _ in range(rng.integers(0, most + 1)):
        if rng.random() < 0.1:
            words += flags.unknown(rng)
            continue
        setting = pick(rng, fields(program))
        writes = setting.flag in OUTPUTS or (program, setting.flag) == ("gan.sample", "--npz")
        words += flags.words(rng, setting, outputs if writes else inputs)
    return words


def valid_flags(rng: np.random.Generator, program: str, names: Sequence[str]) -> list[str]:
    """Draw some of these fields, with values of their types."""
    chosen = [each for each in fields(program) if each.flag in names and rng.random() < 0.12]
    return [word for each in chosen for word in flags.words(rng, each, (), valid=1.0)]


def plain_files(rng: np.random.Generator, folder: Path) -> None:
    """A photo, a painting, a small folder of images and a pipe."""
    (folder / "photos").mkdir()
    for path, shape in (("photo.png", (40, 30)), ("painting.png", (32, 32)),
                        ("photos/1.png", (20, 20)), ("photos/2.png", (24, 20))):  # fmt: skip
        (folder / path).write_bytes(images.encode(rng, "RGB", ".png", shape))
    os.mkfifo(folder / "pipe")


def content_and_style(rng: np.random.Generator, folder: Path) -> list[str]:
    """Write an odd content or style image, and name both."""
    plain_files(rng, folder)
    suffix, data = images.file(rng, plain=0.05)
    path = folder / images.name(rng, suffix)
    folders.write(path, data)
    name = str(path) if rng.random() < 0.4 else path.name
    content, style = (name, "painting.png") if rng.random() < 0.6 else ("photo.png", name)
    return [f"--content={content}", f"--style={style}"]
