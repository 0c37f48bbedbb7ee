"""How well does a detector find images of other classes if one class is normal?

    python -m experiments.anomaly --dataset mnist_test/

Each of ten classes is the normal one in turn: half of its images train, a tenth
calibrates, the rest and images of all other classes are tested. The dataset has
labels, such as a folder with a subfolder for each class; docs/anomaly_detection.md
shows how to unpack MNIST's test images.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from scipy import stats

from common import files
from common.errors import InputError
from experiments import report, sweep
from gan.anomalies import conformal
from gan.data.base import ImageDataset

if TYPE_CHECKING:
    from gan.trainer import Result

FDR = 0.1
SPLITS = 100  # of the unseen normal images into calibration and test
OTHERS = 500  # images of other classes that are tested, drawn at random
WIDTH = 16  # filters of the first convolution of either network and of the encoder
ENCODER_STEPS = 300
DRAWS = 4  # of the encoder's weights
CLASSES: dict[str, sweep.Change] = {f"class {number}": {} for number in range(10)}
Scores = Mapping[str, Sequence[float]]  # of the "calibration", "normal" and "others" images


def split(dataset: ImageDataset, cell: sweep.Cell) -> dict[str, np.ndarray]:
    """Choose the images to train on, to calibrate with, and to test, by the cell's seed."""
    number = int(cell.row.split()[-1])
    if number >= len(dataset.class_names):
        raise InputError(f"--dataset {dataset.name}: expected at least {number + 1} classes")
    random = np.random.default_rng(cell.seed)
    own = random.permutation(np.flatnonzero(dataset.labels == number))
    train, calibration = len(own) // 2, len(own) // 10
    return {
        "train": own[:train],
        "calibration": own[train : train + calibration],
        "normal": own[train + calibration :],
        "others": random.permutation(np.flatnonzero(dataset.labels != number))[:OTHERS],
    }


def training(dataset: ImageDataset, cell: sweep.Cell) -> ImageDataset:
    """Half of the images of the normal class."""
    index = split(dataset, cell)["train"]
    return sweep.part(dataset, index, cell.row, f"{cell.row}-{cell.seed}")


def measure(result: "Result", dataset: ImageDataset, cell: sweep.Cell) -> Mapping[str, object]:
    """Train the encoder, and score all images with it and with the baselines."""
    from gan.anomalies.detector_training import load_gan, train_encoder
    from gan.anomalies.detectors import baseline_scores
    from gan.anomalies.encoder import FAnoGAN, build_encoder

    images = {name: dataset.images[index] for name, index in split(dataset, cell).items()}
    train, *others = images.values()
    gan, spec = load_gan(result.folder)
    detector = FAnoGAN(build_encoder(spec, gan.latent_size, len(train), WIDTH, seed=cell.seed), gan)
    train_encoder(detector, train, cell.seed, steps=ENCODER_STEPS)
    drawn = [detector.score(x, DRAWS, seed).draws.mean(axis=0) for seed, x in enumerate(others)]
    found = {"GAN and encoder": drawn, **baseline_scores(train, *others)}
    parts = ("calibration", "normal", "others")
    return {
        "images": {name: len(index) for name, index in images.items()},
        "scores": {
            name: {part: np.round(x, 6).tolist() for part, x in zip(parts, each, strict=True)}
            for name, each in found.items()
            if not isinstance(each, str)
        },
    }


def auroc(scores: Scores) -> float:
    """AUROC of the unseen normal images, without those that calibrate, against the others."""
    anomalous = np.repeat([False, True], [len(scores["normal"]), len(scores["others"])])
    return conformal.auroc(np.array([*scores["normal"], *scores["others"]]), anomalous)


def rates(scores: Scores, seed: int) -> tuple[float, float]:
    """Rates of false discoveries and of found anomalies, over `SPLITS` splits.

    Each split draws the calibration images anew from the unseen normal ones, and
    tests the others of these with as many anomalies.
    """
    random, found = np.random.default_rng(seed), []
    unseen = np.array([*scores["calibration"], *scores["normal"]])
    for _ in range(SPLITS):
        normal = random.permutation(unseen)
        calibration, normal = np.split(normal, [len(scores["calibration"])])
        others = random.permutation(scores["others"])[: len(normal)]
        values = conformal.p_values(calibration, np.concatenate([normal, others]))
        anomalous = np.repeat([False, True], [len(normal), len(others)])
        found.append(conformal.discoveries(conformal.benjamini_hochberg(values, FDR), anomalous))
    return tuple(np.mean([each[1:] for each in found], axis=0))


def uniformity(runs: Sequence[Scores]) -> float:
    """Kolmogorov-Smirnov p-value of one unseen normal image of every run against uniformity.

    A p-value of n calibration images is a multiple of 1 / (n + 1); noise of this
    width makes it continuous.
    """
    random, values = np.random.default_rng(0), []
    for scores in runs:
        value = conformal.p_values(np.array(scores["calibration"]), np.array(scores["normal"][:1]))
        values.append(value[0] - random.uniform() / (len(scores["calibration"]) + 1))
    return float(stats.kstest(values, "uniform").pvalue)


def show(found: report.Results, options: sweep.Options, folder: Path) -> None:
    """Print and save the AUROC of every class, and the rates and p-values over all runs."""
    runs = [(row, seed, each) for (row, _), seeds in found.items() for seed, each in seeds.items()]
    lines, summary = {}, {}
    names = list(runs[0][2]["scores"])
    each = {name: {(row, seed): auroc(run["scores"][name]) for row, seed, run in runs}
            for name in names}  # fmt: skip
    for row in dict.fromkeys(row for row, *_ in runs):
        lines[row] = [_spread([x for (r, _), x in each[name].items() if r == row])
                      for name in names]  # fmt: skip
    seeds = sorted({seed for _, seed, _ in runs})
    for name in names:
        by_seed = [float(np.mean([x for (_, s), x in each[name].items() if s == seed]))
                   for seed in seeds]  # fmt: skip
        scores = [run["scores"][name] for *_, run in runs]
        both = np.mean([rates(one, seed) for seed, one in enumerate(scores)], axis=0)
        summary[name] = {
            "auroc_each_seed": by_seed,
            "false_discovery_rate": float(both[0]),
            "found": float(both[1]),
            "uniform_p_value": uniformity(scores),
        }
    for title, text in {
        "mean": lambda one: _spread(one["auroc_each_seed"]),
        f"false discoveries at {FDR:g}": lambda one: f"{one['false_discovery_rate']:.3f}",
        "anomalies found": lambda one: f"{one['found']:.2f}",
        "uniformity, p": lambda one: f"{one['uniform_p_value']:.2f}",
    }.items():
        lines[title] = [text(summary[name]) for name in names]
    report.table(f"AUROC, seeds: {len(seeds)}", names, lines)
    files.write_json(folder / "table.json", {"summary": summary, "classes": lines})
    print(f"table: {folder}/table.json")


def _spread(values: Sequence[float]) -> str:
    spread = f" ± {np.std(values, ddof=1):.3f}" if len(values) > 1 else ""
    return f"{np.mean(values):.3f}{spread}"


BASE = {
    "data.conditional": "off",
    "networks.width": WIDTH,
    "networks.latent_size": 16,
    "batch_size": 64,
    "run.tick_kimg": 10.0,  # measuring costs more than training on a few images
}
OPTIONS = sweep.Options(kimg=15.0, seeds=5)
SWEEP = sweep.Sweep("anomaly", CLASSES, {"": {}}, BASE, OPTIONS, None, training, measure, show)

if __name__ == "__main__":
    sweep.run(SWEEP)
