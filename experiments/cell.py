"""Train and measure one cell of a sweep, with TensorFlow."""

import dataclasses
import json
import shutil
import time
from collections.abc import Mapping
from typing import TYPE_CHECKING

import keras
import numpy as np

from common import files
from common import images as image_io
from gan import trainer
from gan.config import Config
from gan.data import load
from gan.data.base import ImageDataset
from gan.generate import draw, draw_latents, labels_in_turn
from gan.metrics.distances import frechet_distance, gaussian
from gan.metrics.neighbors import precision_recall_density_coverage
from gan.metrics.reference import reference_statistics
from gan.metrics.scores import NEIGHBORS
from gan.model import GAN
from gan.networks import base as families
from gan.trainer import Result

if TYPE_CHECKING:
    from experiments.sweep import Cell

COUNT = 5000  # generated and real images for the Frechet distance
MANIFOLD = 2000  # images for precision, recall, density and coverage
GRID = 72  # samples in the image beside the result of the first seed


def quality(gan: GAN, dataset: ImageDataset) -> dict[str, object]:
    """Measure the EMA generator against a dataset.

    Args:
        gan: The model; its `ema_generator` draws equally many images per class.
        dataset: Real images.

    Returns:
        "frechet_distance" (Heusel et al. 2017) on the features of a classifier,
        or of the compact extractor if the dataset has no labels; "precision",
        "recall", "density", "coverage"; and the "protocol" in words.
    """
    labels = labels_in_turn(COUNT, len(dataset.class_names))
    labels = np.random.default_rng(0).permutation(labels)
    fake = draw(gan.ema_generator, draw_latents(COUNT, gan.latent_size, 1, gan.prior), labels)
    real = reference_statistics(dataset, "auto", COUNT, 0, Config().run.cache_dir)
    features = real.features_of.extract(fake)
    manifold = precision_recall_density_coverage(
        real.features[:MANIFOLD], features[:MANIFOLD], NEIGHBORS
    )
    return {
        "protocol": f"{real.features_of.protocol}; {COUNT} samples, {len(real.index)} real",
        "frechet_distance": frechet_distance(real.gaussian, gaussian(features)),
        **manifold._asdict(),
    }


class MeasureAt(keras.callbacks.Callback):
    """Measure a GAN at several times, and end training at the last one.

    Args:
        minutes: Minutes of training, ascending. Time spent measuring is left out.
        dataset: What to compare with.

    Attributes:
        found: Minutes as text to `quality` and "kimg".
    """

    def __init__(self, minutes: tuple[float, ...], dataset: ImageDataset):
        super().__init__()
        self.waiting, self.dataset, self.found = list(minutes), dataset, {}

    def on_train_begin(self, logs=None):
        self.began = time.perf_counter()

    def on_train_batch_end(self, batch, logs=None):
        spent = time.perf_counter() - self.began
        if self.waiting and spent >= 60 * self.waiting[0]:
            value = {"kimg": kimg(self.model), **quality(self.model, self.dataset)}
            self.found[f"{self.waiting.pop(0):g}"] = value
            self.began = time.perf_counter() - spent
        self.model.stop_training = self.model.stop_training or not self.waiting


def kimg(gan: GAN) -> float:
    """Thousand images that a GAN has been trained on."""
    return int(gan.images_seen.numpy()) / 1000


def whole_run(config: Config, **options: object) -> Result:
    """Call `gan.trainer.train`, but treat an interrupted run as an interrupted sweep.

    Raises:
        KeyboardInterrupt: The run was interrupted; half a run is no result.
    """
    result = trainer.train(config, **options)
    if result.status == "interrupted":
        raise KeyboardInterrupt
    return result


def train_and_measure(cell: "Cell") -> None:
    """Run a cell and write its result.

    The JSON file holds the differences from the default configuration, how the
    run ended, thousand images seen, the metrics of `quality` (or of the sweep's
    `measure`), those at the times on the way, and the run's log. An image with
    samples of the first seed is written beside it.
    """
    keras.backend.clear_session()
    config, options, sweep = cell.config, cell.options, cell.sweep
    data = config.data
    dataset = load.load(
        data.dataset, config.run.cache_dir, data.resolution, data.channels,
        supported=families.supported(config.networks.name),
    )  # fmt: skip
    training = sweep.subset(dataset, cell) if sweep.subset else dataset
    run_dir = cell.path.with_suffix("")
    config = dataclasses.replace(config, run=dataclasses.replace(config.run, run_dir=run_dir))
    if options.kimg:
        stop = dataclasses.replace(config.stop, epochs=1000 * options.kimg / len(training))
        config = dataclasses.replace(config, stop=stop)
    several = options.minutes if len(options.minutes) > 1 and not options.kimg else ()
    measuring = MeasureAt(several, dataset)
    shutil.rmtree(run_dir, ignore_errors=True)  # of an interrupted sweep
    result = whole_run(config, callbacks=[measuring] if several else [], dataset=training)
    if measuring.waiting and result.status == "finished":
        raise RuntimeError(f"the run ended before it was measured: {result.reason}")
    measured: Mapping[str, object] = (
        sweep.measure(result, dataset, cell) if sweep.measure else quality(result.gan, dataset)
    )
    if cell.seed == 0:
        labels = labels_in_turn(GRID, len(dataset.class_names))
        latents = draw_latents(GRID, result.gan.latent_size, 0, result.gan.prior)
        fake = draw(result.gan.ema_generator, latents, labels)
        image_io.write_image(cell.path.with_suffix(".png"), image_io.grid(fake, 12))
    log = (run_dir / "metrics.jsonl").read_text().splitlines()
    files.write_json(
        cell.path,
        {
            "changes": cell.changes,
            "status": result.status,
            "kimg": kimg(result.gan),
            **measured,
            **({"at_minutes": measuring.found} if several else {}),
            "ticks": [json.loads(row) for row in log],
        },
    )
    shutil.rmtree(run_dir)
