"""Frechet distance of the EMA generator during training."""

import time

import keras
import numpy as np

from common.priors import PRIORS, Prior
from gan.callbacks.scalars import EVALUATION
from gan.config import FRECHET
from gan.generate import draw, draw_latents
from gan.metrics import scores
from gan.metrics.reference import ReferenceStatistics


class Evaluate(keras.callbacks.Callback):
    """Add the Frechet distance of fixed samples of the EMA generator to some ticks' logs.

    Also adds the share of the training time that this takes, and postpones an
    evaluation that would raise it above `MOST`.
    """

    MOST = 0.1  # of the training time

    def __init__(
        self,
        real: ReferenceStatistics,
        every_kimg: float,
        latent_size: int,
        seed: int,
        prior: Prior = PRIORS["normal"],
    ):
        """Choose the samples.

        Args:
            real: Statistics of the real images.
            every_kimg: Thousand images between two evaluations.
            latent_size: Dimensionality of the latent vectors.
            seed: Seed of the latent vectors and labels.
            prior: Distribution of the latent vectors.
        """
        super().__init__()
        self.real, self.every = real, 1000.0 * every_kimg
        self.labels = np.random.default_rng(seed).permutation(real.labels)
        self.latents = draw_latents(len(self.labels), latent_size, seed + 2, prior)
        self.spent, self.cost = 0.0, 0.0

    def on_train_begin(self, logs=None):
        self.began, self.last = time.perf_counter(), int(self.model.images_seen.numpy())

    def on_epoch_end(self, epoch, logs=None):
        images, started = int(self.model.images_seen.numpy()), time.perf_counter()
        due = images // self.every > self.last // self.every
        if not due or self.spent + self.cost > self.MOST * (started - self.began):
            return
        self.last = images
        fake = draw(self.model.ema_generator, self.latents, self.labels)
        logs[FRECHET] = scores.frechet(self.real, fake)
        ended = time.perf_counter()
        self.cost = ended - started
        self.spent += self.cost
        logs[EVALUATION] = self.spent / (ended - self.began)
