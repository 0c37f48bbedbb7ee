"""How much does `--balance auto` help with a few hundred images?

    python -m experiments.few_images --images 200 --minutes 2

Trains on a few images of a dataset, without and with `--balance auto`, and
measures the Frechet distance to all other images, which neither run has seen:
on the features of a classifier trained on their labels, for the last and the
best checkpoint. Expected: at most half the distance with the balance.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from experiments import sweep
from gan.config import StopConfig
from gan.data.base import ImageDataset

if TYPE_CHECKING:
    from gan.trainer import Result

COUNT = 5000  # generated and held-out images
ROWS: dict[str, sweep.Change] = {"without": {}, "with": {"balance.mode": "auto"}}


@dataclass(frozen=True)
class Options(sweep.Options):
    """Train without and with the balance."""

    images: int = 200
    """Training images."""


def split(dataset: ImageDataset, cell: sweep.Cell) -> dict[str, ImageDataset]:
    """The few images to train on, and the rest."""
    count = cell.options.images
    order = np.random.default_rng(cell.seed).permutation(len(dataset))
    stem, mark = Path(dataset.name).name, f"{count}-{cell.seed}"
    return {
        name: sweep.part(dataset, index, f"{stem}-{name}-{count}", f"{name}-{mark}")
        for name, index in (("few", order[:count]), ("rest", order[count:]))
    }


def few(dataset: ImageDataset, cell: sweep.Cell) -> ImageDataset:
    """The images to train on."""
    return split(dataset, cell)["few"]


def measure(result: "Result", dataset: ImageDataset, cell: sweep.Cell) -> Mapping[str, object]:
    """Frechet distance of the last and best checkpoint and of the few images themselves."""
    from gan.generate import draw, draw_latents, load_generator
    from gan.metrics import reference, scores

    parts, cache = split(dataset, cell), cell.config.run.cache_dir
    real = reference.reference_statistics(parts["rest"], "classifier", COUNT, 0, cache)
    labels, found = np.zeros(COUNT, np.int32), {}
    for checkpoint in ("last", "best"):
        generator, _ = load_generator(result.folder, checkpoint)
        latents = draw_latents(COUNT, result.gan.latent_size, 1, result.gan.prior)
        found[checkpoint] = scores.frechet(real, draw(generator, latents, labels))
    return {
        "protocol": real.features_of.protocol,
        "frechet_distance": found["last"],
        "best_checkpoint": found["best"],
        "training_images": scores.frechet(real, parts["few"].images),
    }


BASE = {"data.conditional": "off", "stop.evaluate_every": StopConfig.evaluate_every}
OPTIONS = Options(minutes=(2.0,), seeds=1)
SWEEP = sweep.Sweep("few_images", ROWS, {"": {}}, BASE, OPTIONS, None, few, measure)

if __name__ == "__main__":
    sweep.run(SWEEP)
