"""Cases that train, sample, measure or paint, all of them tiny."""

from pathlib import Path

import numpy as np

from experiments.fuzzing import folders
from experiments.fuzzing.case import (
    CACHE,
    TINY,
    Case,
    World,
    content_and_style,
    plain_files,
    valid_flags,
)
from experiments.fuzzing.images import pick

QUICK = ["--size", "32", "--iterations", "2", "--run-dir", "run-new"]
TRAINABLE = (  # fields that are tried while a network trains
    *("--loss", "--penalty", "--update", "--kernels", "--networks", "--horizontal-flip"),
    *("--conditional", "--balance", "--balance.on-alarm", "--set networks.upsampling"),
    *("--set networks.normalization", "--set generator.schedule", "--balance.augment"),
    *("--balance.augment-target", "--balance.label-smoothing", "--balance.instance-noise"),
    *("--balance.pause-accuracy", "--set balance.weight_clip", "--set balance.label_flips"),
    *("--generator.learning-rate", "--set generator.clip_norm", "--set generator.beta_1"),
    "--channels",
)
PAINTABLE = (  # fields that are tried while an image is stylized
    *("--strength", "--style-scale", "--colors", "--init", "--statistic", "--trim-style"),
    "--set optimization.optimizer",
    *("--set appearance.content_distance", "--set appearance.total_variation", "--preview"),
    *("--set appearance.smoothness", "--set optimization.refine", "--set optimization.correct"),
    *("--set optimization.tolerance", "--set optimization.smallest", "--set output.bits"),
)


def _exist(rng: np.random.Generator, path: Path) -> None:
    """Sometimes let a file exist already that the command would write."""
    if path.parent.is_dir() and rng.random() < 0.15:
        folders.write(path, b"{}")


def _train(rng: np.random.Generator, world: World, folder: Path) -> Case:
    if rng.random() < 0.5:
        world.copy(pick(rng, ("photos", "classes")), folder)
        place = next(folder.iterdir())
    else:
        place = folder / "data"
        folders.dataset(rng, place)
    words = ["--dataset", str(place), *CACHE, "--run-dir", "run", *TINY]
    words += valid_flags(rng, "gan.train", TRAINABLE)
    return Case("", "gan.train", [*words, "--resolution", "16"])


def _resume(rng: np.random.Generator, world: World, folder: Path) -> Case:
    world.copy("run", folder)
    if rng.random() < 0.7:
        folders.damage(rng, folder / "run")
    words = ["--resume", "run", "--epochs", "1", *CACHE]
    return Case("", "gan.train", words, writable=("run/",))


def _sample(rng: np.random.Generator, world: World, folder: Path) -> Case:
    world.copy(pick(rng, ("run", "run-classes")), folder)
    if rng.random() < 0.4:
        folders.damage(rng, folder / "run")
    words = ["--run", "run", "--count", pick(rng, ("1", "2", "7"))]
    for flag, name in (("--out", "new.png"), ("--npz", "new.npz"), ("--interpolation", "new.gif")):
        words += [flag, name] if rng.random() < 0.6 else []
        _exist(rng, folder / name)
    words += ["--truncation", pick(rng, ("0.7", "1", "0", "1e30", "nan"))]
    return Case("", "gan.sample", words)


def _evaluate(rng: np.random.Generator, world: World, folder: Path) -> Case:
    words = ["--features", "compact", "--count", pick(rng, ("12", "16", "24", "40")), *CACHE]
    if rng.random() < 0.5:
        world.copy(pick(rng, ("run", "run-classes")), folder)
        if rng.random() < 0.3:
            folders.damage(rng, folder / "run")
        _exist(rng, folder / "run" / "evaluation.json")
        words += ["--run", "run"]
        return Case("", "gan.evaluate", words)
    world.copy("photos", folder)
    (folder / "odd.npz").write_bytes(folders.archive(rng))
    folders.dataset(rng, folder / "data")
    words += pick(rng, (["--npz", "odd.npz"], ["--npz", "odd.npz"], ["--folder", "data"]))
    dataset = pick(rng, ("photos", "photos", "data"))
    return Case("", "gan.evaluate", [*words, "--dataset", f"./{dataset}"])


def _stylize(rng: np.random.Generator, world: World, folder: Path) -> Case:
    words = [*content_and_style(rng, folder), *QUICK, "--out"]
    words.append(pick(rng, ("new.png", "new.tif", "new.jpg", "new.webp", "new.gif")))
    words += ["--animation", "animation.gif"] if rng.random() < 0.3 else []
    _exist(rng, folder / words[words.index("--out") + 1])
    _exist(rng, folder / "animation.gif")
    return Case("", "style_transfer.stylize",
                words + valid_flags(rng, "style_transfer.stylize", PAINTABLE))  # fmt: skip


def _stylize_folder(rng: np.random.Generator, world: World, folder: Path) -> Case:
    plain_files(rng, folder)
    folders.dataset(rng, folder / "contents", nested=0.1)
    words = ["--content", "contents", "--style", "painting.png", "--out", "new", *QUICK]
    return Case("", "style_transfer.stylize", words)


KINDS = {
    "train": (_train, 3),
    "resume": (_resume, 2),
    "sample": (_sample, 2),
    "evaluate": (_evaluate, 3),
    "stylize": (_stylize, 4),
    "stylize folder": (_stylize_folder, 1),
}
