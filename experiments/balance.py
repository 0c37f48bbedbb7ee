"""Which balance control fixes which failure mode?

    python -m experiments.balance
    python -m experiments.balance --only healthy "batch of 8" none auto --seeds 1

Trains a small GAN in every combination of a failure mode, a control and a seed,
all for the same number of images, and measures the distance over that of the
healthy configuration, and whether gan/metrics/collapse.py raised an alarm.
90 runs took 22 minutes on two busy cores, so all 805 take about three hours.
"""

import numpy as np

from experiments import sweep, verdict
from experiments.changes import times
from gan.data.base import ImageDataset

BASE = {"data.resolution": 16, "batch_size": 64, "networks.width": 16}
OPTIONS = sweep.Options(kimg=60.0, seeds=5, jobs=2)
BARE = {"networks.normalization": "none"}
D_RATE, G_RATE = "discriminator.learning_rate", "generator.learning_rate"
FAILURE_MODES: dict[str, sweep.Change] = {
    "healthy": {},
    "discriminator rate x10": {D_RATE: times(10)},
    "discriminator rate x30": {D_RATE: times(30)},
    "generator rate x10": {G_RATE: times(10)},
    "generator rate x30": {G_RATE: times(30)},
    "discriminator 4 times as wide": {"networks.discriminator_width": 64},
    "a tenth of the data": {},
    "200 images": {"data.conditional": "on"},
    "no normalization": BARE,
    "batch of 8": {"batch_size": 8},
    "labels imbalanced 100:1": {"data.conditional": "on"},
    "no normalization, D rate x10": {**BARE, D_RATE: times(10)},
    "no normalization, D rate x30": {**BARE, D_RATE: times(30)},
    "minimax loss, same, D rate x10": {**BARE, "loss": "minimax", D_RATE: times(10)},
    "least squares, same, D rate x10": {**BARE, "loss": "least_squares", D_RATE: times(10)},
    "hinge loss, same, D rate x30": {**BARE, "loss": "hinge", D_RATE: times(30)},
    "5 generator steps a round": {"balance.generator_steps": 5},
    "Adam's beta_1 0.9": {"generator.beta_1": 0.9, "discriminator.beta_1": 0.9},
}
CONTROLS: dict[str, sweep.Change] = {
    "none": {},
    "pause at .85": {"balance.pause_accuracy": 0.85, "balance.resume_accuracy": 0.75},
    "smoothing .1": {"balance.label_smoothing": 0.1},
    "flips .05": {"balance.label_flips": 0.05},
    "noise .3 to 0": {"balance.instance_noise": 0.3},
    "gradient norm 1": {"generator.clip_norm": 1.0, "discriminator.clip_norm": 1.0},
    "D rate /4": {D_RATE: times(0.25)},
    "augment to .6": {"balance.augment_target": 0.6},
    "auto": {"balance.mode": "auto"},
}


def subset(dataset: ImageDataset, cell: sweep.Cell) -> ImageDataset:
    """The training images that a failure mode leaves."""
    random = np.random.default_rng(cell.seed)
    order = random.permutation(len(dataset))
    if cell.row == "a tenth of the data":
        index = order[: len(dataset) // 10]
    elif cell.row == "200 images":
        index = order[:200]
    elif cell.row == "labels imbalanced 100:1":
        classes = len(dataset.class_names)
        kept = 100.0 ** (-np.asarray(dataset.labels)[order] / (classes - 1))
        index = order[random.random(len(order)) < kept]
    else:
        return dataset
    return sweep.part(dataset, index, cell.row, f"{cell.row}-{cell.seed}")


SWEEP = sweep.Sweep(
    "balance", FAILURE_MODES, CONTROLS, BASE, OPTIONS, verdict.BASELINE, subset, None, verdict.show
)

if __name__ == "__main__":
    sweep.run(SWEEP)
