"""Speed and quality metrics of each tick, and their log."""

import contextlib
import math
import time
from collections.abc import Mapping
from pathlib import Path

import keras
import numpy as np

from common import images as image_io
from common import runs
from common.priors import PRIORS, Prior
from common.summaries import SummaryWriter
from gan.config import FRECHET, SLICED_WASSERSTEIN
from gan.data.base import sample_signed
from gan.generate import draw, draw_latents
from gan.metrics import collapse, sliced

SPEED, EVALUATION = "speed/images_per_second", "speed/share_of_evaluation"
ALARMS, R_V = "health/alarms", "health/r_v"
ADDED_METRICS = (SPEED, SLICED_WASSERSTEIN, *collapse.VITALS, ALARMS)
EVALUATION_METRICS = (FRECHET, EVALUATION)
FINAL_METRICS = {
    "alarms": ALARMS,
    "frechet_distance": FRECHET,
    "images_per_second": SPEED,
    "sliced_wasserstein": SLICED_WASSERSTEIN,
}


def numbers(logs: Mapping[str, object]) -> dict[str, float]:
    """Return the metrics that are single numbers; callbacks of a user may add anything.

    Example:
        >>> numbers({"loss": np.float32(0.5), "note": "halfway"})
        {'loss': 0.5}
    """
    found = {}
    for name, value in logs.items():
        with contextlib.suppress(TypeError, ValueError):
            found[name] = float(value)
    return found


class Speed(keras.callbacks.Callback):
    """Add `speed/images_per_second` of the tick to the logs."""

    def on_train_begin(self, logs=None):
        self.last = (time.perf_counter(), int(self.model.images_seen.numpy()))

    def on_epoch_end(self, epoch, logs=None):
        now, images = time.perf_counter(), int(self.model.images_seen.numpy())
        logs[SPEED] = (images - self.last[1]) / (now - self.last[0])
        self.last = (now, images)


class Comparison(keras.callbacks.Callback):
    """Base of callbacks that compare generated with real images, the same ones at each tick."""

    COUNT: int  # images
    STREAM: int  # added to the seed of the latent vectors

    def __init__(
        self,
        real: np.ndarray,
        labels: np.ndarray,
        latent_size: int,
        seed: int,
        prior: Prior = PRIORS["normal"],
    ):
        """Choose the images to compare.

        Args:
            real: uint8 (N, H, W, C).
            labels: int32 (N,).
            latent_size: Dimensionality of the latent vectors.
            seed: Seed of the choice and of the latent vectors.
            prior: Distribution of the latent vectors.
        """
        super().__init__()
        self.real, self.labels = sample_signed(real, labels, self.COUNT, seed)
        self.latents = draw_latents(len(self.real), latent_size, seed + self.STREAM, prior)


class Quality(Comparison):
    """Add the sliced Wasserstein distance of generated to real images to the logs."""

    COUNT, STREAM = 256, 1

    def on_epoch_end(self, epoch, logs=None):
        fake = draw(self.model.ema_generator, self.latents, self.labels)
        logs[SLICED_WASSERSTEIN] = sliced.sliced_wasserstein(self.real, image_io.to_signed(fake))


class Log(keras.callbacks.Callback):
    """Write the logs of each tick to metrics.jsonl and TensorBoard."""

    def __init__(self, folder: Path, writer: SummaryWriter, histograms: bool):
        """Prepare the callback.

        Args:
            folder: The run's folder.
            writer: TensorBoard log.
            histograms: Whether to write histograms of the weights to TensorBoard.
        """
        super().__init__()
        self.folder, self.writer, self.histograms = folder, writer, histograms
        self.latest: dict[str, float] = {}

    def on_epoch_end(self, epoch, logs=None):
        images = int(self.model.images_seen.numpy())
        metrics = numbers(logs)
        if not all(map(math.isfinite, (metrics[name] for name in self.model.scalars.names))):
            return  # the run has diverged and returned to its last state; summary.json records it
        runs.append_metrics(self.folder, {"images": images, **metrics})
        self.writer.scalars(metrics, step=images)
        self.latest |= metrics
        if self.histograms:
            networks = (self.model.generator, self.model.discriminator)
            variables = [v for network in networks for v in network.trainable_variables]
            self.writer.histograms(variables, step=images)

    def on_train_end(self, logs=None):
        images = int(self.model.images_seen.numpy())
        final = {
            name: self.latest[metric]
            for name, metric in FINAL_METRICS.items()
            if metric in self.latest
        }
        self.writer.final_metrics({**final, "images_seen": images}, step=images)
