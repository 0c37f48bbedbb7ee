"""Keras callbacks that need a GAN: speed and quality metrics, snapshots, checkpoints.

A Keras epoch is a tick here: a fixed number of images, not a pass over the data.
"""

import time

import keras
import numpy as np

from gan.callbacks.scalars import EVALUATION
from gan.config import EVALUATED as FRECHET
from gan.generate import draw, draw_latents
from gan.metrics import reference, scores


class Evaluate(keras.callbacks.Callback):
    """Adds the Frechet distance of fixed samples of the averaged generator to some ticks' logs.

    It also adds the share of the training time that this takes, and puts off
    what would bring that above a tenth.
    """

    MOST = 0.1  # of the time

    def __init__(
        self, real: reference.ReferenceStatistics, every_kimg: float, latent_size: int, seed: int
    ):
        super().__init__()
        self.real, self.every = real, 1000.0 * every_kimg
        labels = real.pictures.labels[real.index]
        self.labels = np.random.default_rng(seed).permutation(labels)
        self.latents = draw_latents(len(labels), latent_size, seed + 2)
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
