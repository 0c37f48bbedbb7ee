"""How far are generated images from real ones that the generator has not seen?

    python -m experiments.cross_validation --dataset my_photos/ --folds 5 --minutes 2

Trains once without each of k folds, and measures the Frechet distance to the fold that
was left out, in the features that `gan.evaluate` uses. Beside it is that of the training
images: what a generator that copies them would have.
"""

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from common import cli
from common.errors import InputError
from experiments import report, sweep
from experiments.report import Results
from gan.data.base import ImageDataset

if TYPE_CHECKING:
    from gan.trainer import Result

LEAST = 10  # images of a fold
COUNT = 5000  # images of either set at most
NAMES = ("frechet_distance", "training_images")


@dataclass(frozen=True)
class Options(sweep.Options):
    """Train once without each fold of a dataset, and measure the distance to it."""

    folds: int = 5
    """Parts of the dataset, k."""
    seeds: int = 1
    """Random divisions of the dataset, and seeds of the training."""


def split(dataset: ImageDataset, cell: sweep.Cell) -> tuple[np.ndarray, np.ndarray]:
    """Indices of the images to train on, and of the fold that is held out."""
    number, count = cell.options.folds, len(dataset)
    if count < LEAST * number:
        raise InputError(f"--folds {number}: expected {LEAST * number} images, found {count}")
    parts = np.array_split(np.random.default_rng(cell.seed).permutation(count), number)
    held_out = parts.pop(int(cell.row.split()[1]) - 1)
    return np.concatenate(parts), held_out


def training(dataset: ImageDataset, cell: sweep.Cell) -> ImageDataset:
    """All images but those of the fold."""
    name = f"without {cell.row}, seed {cell.seed}"
    return sweep.part(dataset, split(dataset, cell)[0], name, name.replace(" ", "-"))


def measure(result: "Result", dataset: ImageDataset, cell: sweep.Cell) -> Mapping[str, object]:
    """Frechet distance of generated images, and of training images, to the fold."""
    from gan.generate import draw, draw_latents
    from gan.metrics.distances import frechet_distance, gaussian
    from gan.metrics.reference import reference_statistics

    index, held_out = split(dataset, cell)
    count = min(COUNT, len(held_out))
    random = np.random.default_rng(cell.seed)
    features = reference_statistics(dataset, "auto", COUNT, 0, cell.config.run.cache_dir)
    labels = random.permutation(dataset.labels[index])[:count]  # in the classes' shares
    fake = draw(result.gan.ema_generator, draw_latents(count, result.gan.latent_size, 1), labels)
    real, *others = (
        gaussian(features.features_of.extract(images))
        for images in (dataset.images[held_out[:count]], fake, dataset.images[index[:count]])
    )
    distances = (frechet_distance(real, other) for other in others)
    return {
        "protocol": f"{features.features_of.protocol}; {count} images of either set",
        **dict(zip(NAMES, distances, strict=True)),
    }


def show(found: Results, options: Options, folder: Path) -> None:
    """Print and save the distance of every fold, their mean and their standard deviation."""
    rows = {row: list(runs.values()) for (row, _), runs in found.items()}
    lines = {row: [f"{np.mean([run[name] for run in runs]):.2f}" for name in NAMES]
             for row, runs in rows.items()}  # fmt: skip
    values = {name: [run[name] for runs in rows.values() for run in runs] for name in NAMES}
    lines["mean"] = [f"{np.mean(each):.2f}" for each in values.values()]
    if len(next(iter(values.values()))) > 1:
        lines["deviation"] = [f"{np.std(each, ddof=1):.2f}" for each in values.values()]
    report.table("Frechet distance", ["generated images", "training images"], lines)
    figure = report.dots(values, "Frechet distance to the held-out fold")
    report.save(folder, options, figure, rows=rows)


def main(arguments: list[str] | None = None) -> int:
    """Train and measure as the command line says and return the exit code."""
    options = cli.parse(Options, "python -m experiments.cross_validation", arguments)
    if options.folds < 2:
        raise InputError(f"--folds: expected at least 2, got {options.folds}")
    names = (f"fold {number} of {options.folds}" for number in range(1, options.folds + 1))
    rows: dict[str, sweep.Change] = {name: {} for name in names}
    return sweep.main(dataclasses.replace(SWEEP, rows=rows), arguments)


SWEEP = sweep.Sweep(
    "cross_validation", {}, options=Options(), subset=training, measure=measure, report=show
)

if __name__ == "__main__":
    cli.run(main)
