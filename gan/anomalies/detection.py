"""Anomaly detection from folders to results, for the command line and for Python."""

import dataclasses
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from tqdm import tqdm

from common import files
from gan.anomalies import conformal, report
from gan.anomalies.detector_training import train_detector
from gan.anomalies.detectors import baseline_scores
from gan.anomalies.encoder import Scores
from gan.anomalies.folders import TestSet
from gan.anomalies.report import Detection
from gan.config import CACHE, Config, NetworkConfig
from gan.data.base import ImageDataset

LATENT_SIZE = 16  # a small prior holds few images that are not normal; 64 was worse on MNIST
BATCH_SIZE = 64  # more steps in the same time than with larger batches
HELD_OUT = 0.2  # share of the normal images that calibrates the p-values
GAN_NAME = "GAN and encoder"


@dataclass(frozen=True)
class Found:
    """What `detect` found.

    Attributes:
        test: The images that were tested.
        detection: Scores and p-values of the GAN and its encoder.
        deviations: Standard deviation of each score over the draws, (N,).
        reconstructions: uint8 (N, H, W, C), by the first seed.
        heat_maps: Mean absolute difference from the reconstruction, (N, H, W).
        brightest: Residual that few pixels of the calibration images reach.
        rows: Name of every detector to its numbers.
        table: The same as text.
        calibration: Number of calibration images.
    """

    test: TestSet
    detection: Detection
    deviations: np.ndarray
    reconstructions: np.ndarray
    heat_maps: np.ndarray
    brightest: float
    rows: dict[str, dict[str, object]]
    table: str
    calibration: int


def part(dataset: ImageDataset, index: np.ndarray, name: str) -> ImageDataset:
    """Select images of a dataset, as a dataset of one class.

    Args:
        dataset: The whole dataset.
        index: Positions of the images, ascending, (N,).
        name: Tells the part from other parts.
    """
    return dataclasses.replace(
        dataset,
        images=dataset.images[index],
        labels=np.zeros(len(index), np.int32),
        class_names=(),
        fingerprint=f"{dataset.fingerprint}-{name}",
    )


def detect(
    normal: ImageDataset,
    test: TestSet,
    run_dir: Path,
    minutes: float = 4.0,
    seeds: int = 1,
    *,
    draws: int = 8,
    fdr: float = 0.1,
    cache: Path = CACHE,
    config: Config | None = None,
) -> Found:
    """Train detectors on normal images, unless the folder has them, and score others.

    The calibration images are the same for all seeds, so that the mean of the
    seeds' scores has conformal p-values as well.

    Args:
        normal: Normal images; a fifth of them is held out.
        test: Images to score, in the same size.
        run_dir: Folder of the detectors, one subfolder for each seed.
        minutes: Training time of each seed.
        seeds: Number of detectors, whose scores are averaged.
        draws: Draws of the encoder's weights.
        fdr: False discovery rate.
        cache: Cache folder.
        config: Configuration of the GAN; the default has 16 latents and
            batches of 64.

    Raises:
        KeyboardInterrupt: Ctrl-C; what is trained is saved.
        InputError: The training diverged, or the folder holds another run.

    Example:
        >>> found = detect(normal, test, Path("runs/screws"), minutes=2)
        >>> found.detection.p_values[found.detection.flagged]
    """
    train_index, held_out = conformal.split(len(normal), HELD_OUT, seed=0)
    training = part(normal, train_index, "train")
    calibration_images = normal.images[held_out]
    networks = NetworkConfig(latent_size=LATENT_SIZE)
    config = config or Config(batch_size=BATCH_SIZE, networks=networks)
    config = dataclasses.replace(
        config,
        data=dataclasses.replace(config.data, dataset=normal.name),
        run=dataclasses.replace(config.run, cache_dir=cache),
    )
    calibration, tested = [], []
    for seed in range(seeds):
        config = dataclasses.replace(config, seed=seed)
        detector = train_detector(config, training, run_dir / f"seed-{seed}", minutes)
        calibration.append(detector.score(calibration_images, draws, 2 * seed))
        tested.append(detector.score(test.images, draws, 2 * seed + 1))
    own = Detection(_mean(calibration), _mean(tested), fdr, tuple(_mean([one]) for one in tested))
    detections: dict[str, Detection | str] = {GAN_NAME: own}
    for name, scores in baseline_scores(training.images, calibration_images, test.images).items():
        detections[name] = scores if isinstance(scores, str) else Detection(*scores, fdr)
    rows = {name: report.summarize(each, test.anomalous) for name, each in detections.items()}
    return Found(
        test=test,
        detection=own,
        deviations=np.concatenate([each.draws for each in tested]).std(axis=0),
        reconstructions=tested[0].reconstructions,
        heat_maps=np.mean([each.heat_maps for each in tested], axis=0),
        brightest=report.brightest(np.mean([each.heat_maps for each in calibration], axis=0)),
        rows=rows,
        table=report.table(rows, fdr, test.anomalous is not None),
        calibration=len(held_out),
    )


def _mean(scores: list[Scores]) -> np.ndarray:
    """The mean over the draws of all seeds, (N,)."""
    return np.concatenate([each.draws for each in scores]).mean(axis=0)


def write(found: Found, folder: Path) -> None:
    """Write all results to a new folder, which appears only when it is whole.

    Args:
        found: What `detect` returned.
        folder: Absent or empty. Gets anomalies.csv, anomalies.png, table.json and
            heat_maps/.
    """
    test = found.test
    with report.whole_folder(folder) as temporary:
        report.write_csv(temporary / "anomalies.csv", test, found.detection, found.deviations)
        figure = report.picture(
            test, found.detection, found.reconstructions, found.heat_maps, found.brightest
        )
        report.save_picture(figure, temporary / "anomalies.png")
        report.write_heat_maps(
            temporary / "heat_maps",
            test.names,
            tqdm(found.heat_maps, "heat maps", leave=False, mininterval=0.5),
            found.brightest,
        )
        files.write_json(
            temporary / "table.json",
            {
                "fdr": found.detection.fdr,
                "calibration_images": found.calibration,
                "skipped": list(test.skipped),
                "detectors": found.rows,
            },
        )
