"""Cases that end where TensorFlow would be imported: arguments, files, folders, arrays."""

from pathlib import Path

import numpy as np

import gan.evaluate
import gan.train
import style_transfer.config
import style_transfer.stylize
from common import cli
from experiments.fuzzing import folders, images
from experiments.fuzzing.case import (
    CACHE,
    Case,
    World,
    content_and_style,
    odd_flags,
    plain_files,
)
from experiments.fuzzing.images import pick
from gan import validation
from gan.data import load
from gan.networks import base as families


def _train_flags(rng: np.random.Generator, world: World, folder: Path) -> Case:
    plain_files(rng, folder)
    words = ["--dataset", "photos", *CACHE, *odd_flags(rng, "gan.train", 4)]
    return Case("", "gan.train", words)


def _sample_flags(rng: np.random.Generator, world: World, folder: Path) -> Case:
    world.copy(pick(rng, ("run", "run-classes")), folder)
    plain_files(rng, folder)
    words = ["--run", "run", "--out", "new.png", *odd_flags(rng, "gan.sample")]
    if rng.random() < 0.3:
        words += ["--label", pick(rng, ("a", "b", "c", "", "caf\udce9"))]
    return Case("", "gan.sample", words)


def _evaluate_flags(rng: np.random.Generator, world: World, folder: Path) -> Case:
    world.copy("run", folder)
    plain_files(rng, folder)
    words = ["--run", "run", *CACHE, *odd_flags(rng, "gan.evaluate")]
    return Case("", "gan.evaluate", words)


def _stylize_flags(rng: np.random.Generator, world: World, folder: Path) -> Case:
    plain_files(rng, folder)
    content = pick(rng, ("photo.png", "photo.png", "photos"))
    out = {"photo.png": "new.png", "photos": "new"}[content]
    words = ["--content", content, "--style", "painting.png", "--out", out]
    return Case("", "style_transfer.stylize", words + odd_flags(rng, "style_transfer.stylize"))


def _image(rng: np.random.Generator, world: World, folder: Path) -> Case:
    words = [*content_and_style(rng, folder), "--out", pick(rng, ("new.png", "new.tif"))]
    return Case("", "style_transfer.stylize", words)


def _content_folder(rng: np.random.Generator, world: World, folder: Path) -> Case:
    plain_files(rng, folder)
    folders.dataset(rng, folder / "contents", nested=0.1)
    out = folder / pick(rng, ("results", "contents", "contents/below", "photos", "photo.png"))
    if rng.random() < 0.3 and not out.exists():
        out.mkdir(parents=True)
        for path in sorted((folder / "contents").glob("*.png")):
            folders.write(out / path.name, b"an earlier result")
    words = ["--content", "contents", "--style", "painting.png", "--out", str(out)]
    if rng.random() < 0.3:
        shard = pick(rng, ("0/2", "1/2", "2/2", "0/0", "x", "-1/2", "0/999", "1/1"))
        words += ["--set", f"output.shard={shard}"]
    return Case("", "style_transfer.stylize", words)


def _dataset(rng: np.random.Generator, world: World, folder: Path) -> Case:
    place = folder / (images.name(rng) if rng.random() < 0.3 else "data")
    if place.name in ("-", "..."):
        place = folder / "data"
    folders.dataset(rng, place)
    given = str(place) if rng.random() < 0.7 else f"./{place.name}/"
    words = [f"--dataset={given}", *CACHE]
    if rng.random() < 0.3:
        words += ["--resolution", pick(rng, ("16", "32", "64", "32x48"))]
    if rng.random() < 0.3:
        words += ["--channels", pick(rng, ("1", "3", "4"))]
    return Case("", "gan.train", words, follow=_load_dataset)


def _load_dataset(words: list[str]) -> None:
    """Load the dataset as training would, twice, and check what the networks would see."""
    config = validation.resolve(gan.train.parse(words))
    data = config.data
    for _ in range(2):
        found = load.load(
            data.dataset, config.run.cache_dir, data.resolution, data.channels,
            supported=families.supported(config.networks.name),
        )  # fmt: skip
        assert found.images.ndim == 4, "images are (N, H, W, C)"
        assert len(found.images) == len(found.labels) > 0, "one label per image"
        names = len(found.class_names)
        assert 0 <= found.labels.min() <= found.labels.max() < max(1, names), "labels have names"
        assert names in (0, len(set(found.labels.tolist()))), "every class has images"
        "\n".join((*found.skipped, *found.class_names)).encode()  # skipped.txt is UTF-8


def _named_dataset(rng: np.random.Generator, world: World, folder: Path) -> Case:
    names = (
        "minst",
        "mnist",
        "emnist/letters",
        "",
        "glyph",
        "caf\udce9",
        "a b",
        "x/y/z",
        "mnist:9",
    )
    return Case("", "gan.train", ["--dataset", pick(rng, names), *CACHE], follow=_load_dataset)


def _arrays(rng: np.random.Generator, world: World, folder: Path) -> Case:
    content, style = folders.array(rng, 0.5), folders.array(rng, 0.7)
    odd = pick(rng, ([], None, "no such file.png", 3, [None]))
    styles = pick(rng, (style, style, style, [style], [style, style], odd))
    config = style_transfer.config.Config(size=int(pick(rng, (32, 32, 32, 16, 64, 40, 15, 0))))
    return Case("", "style_transfer.stylize", [],
                call=lambda: style_transfer.stylize.stylize(content, styles, config))  # fmt: skip


def _weights(rng: np.random.Generator, world: World, folder: Path) -> Case:
    plain_files(rng, folder)
    names = ("conv1_1/kernel", "conv1_1/bias", "block1_conv1/kernel", "layers", "state")
    path = folder / images.name(rng, pick(rng, (".npz", ".npz", ".h5", ".weights.h5", ".keras")))
    folders.write(path, folders.archive(rng, names))
    words = ["--content", "photo.png", "--style", "painting.png", "--out", "new.png"]
    return Case("", "style_transfer.stylize", [*words, f"--extractor={path}"])


def _run(rng: np.random.Generator, world: World, folder: Path) -> Case:
    world.copy(pick(rng, ("run", "run-classes")), folder)
    folders.damage(rng, folder / "run")
    program = pick(rng, ("gan.train", "gan.sample", "gan.evaluate"))
    words = {"gan.train": ["--resume", "run", "--epochs", "1", *CACHE],
             "gan.sample": ["--run", "run", "--out", "new.png"],
             "gan.evaluate": ["--run", "run", *CACHE]}[program]  # fmt: skip
    return Case("", program, words)


def _samples(rng: np.random.Generator, world: World, folder: Path) -> Case:
    world.copy("photos", folder)
    path = folder / images.name(rng, pick(rng, (".npz", ".npz", ".NPZ", "")))
    folders.write(path, folders.archive(rng))
    folders.dataset(rng, folder / "data")
    other = ["--folder", pick(rng, ("data", "photos"))]
    given = pick(rng, ([f"--npz={path}"], [f"--npz={path}"], other))
    words = [*given, "--dataset", pick(rng, ("./photos", "./photos", "./data")), "--count", "12"]
    return Case("", "gan.evaluate", [*words, *CACHE], follow=_load_samples)


def _load_samples(words: list[str]) -> None:
    """Load both sets as the evaluation would."""
    gan.evaluate.load_sets(cli.parse(gan.evaluate.Config, gan.evaluate.PROGRAM, words))


def _environment(rng: np.random.Generator, world: World, folder: Path) -> Case:
    plain_files(rng, folder)
    texts = ("{", "[]", "1", "null", '{"cluster": 1}', '{"cluster": {"worker": "x"}, "task": {}}',
             '{"cluster": {"worker": ["a:1"]}, "task": {"type": "worker", "index": 3}}',
             '{"cluster": {"ps": ["a:1"]}, "task": {"type": "ps", "index": 0}}',
             '{"cluster": {"worker": ["a"]}, "task": {"type": "worker", "index": 0}}')  # fmt: skip
    return Case("", "gan.train", ["--dataset", "photos", *CACHE],
                environment={"TF_CONFIG": pick(rng, texts)})  # fmt: skip


KINDS = {
    "train flags": (_train_flags, 12),
    "sample flags": (_sample_flags, 6),
    "evaluate flags": (_evaluate_flags, 6),
    "stylize flags": (_stylize_flags, 14),
    "image": (_image, 22),
    "content folder": (_content_folder, 6),
    "dataset": (_dataset, 18),
    "named dataset": (_named_dataset, 0.5),
    "arrays": (_arrays, 6),
    "weights": (_weights, 4),
    "run": (_run, 10),
    "samples": (_samples, 6),
    "environment": (_environment, 1),
}
