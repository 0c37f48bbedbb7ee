"""Keras callbacks that steer one stage: its end, its learning rate, its last good image."""

from collections import deque

import keras
import numpy as np
import tensorflow as tf

from common.callbacks import Ending
from style_transfer.strength import content_distance


class StopAtTolerance(keras.callbacks.Callback):
    """End a stage when its loss falls by less than a fraction of itself in `WINDOW` iterations.

    The means of two consecutive windows are compared, as a single loss is noisy. The
    content's part counts with its present scale, which may change.
    """

    WINDOW = 25  # iterations

    def __init__(self, tolerance: float, ending: Ending, content_scale: tf.Variable | None = None):
        """Set the tolerance.

        Args:
            tolerance: Fraction of the loss. 0 never ends the stage.
            ending: Receives the status "tolerance".
            content_scale: That of the objective, if it changes.
        """
        super().__init__()
        self.tolerance, self.ending, self.content_scale = tolerance, ending, content_scale
        self.losses: deque[tuple[int, float, float]] = deque()

    def on_train_batch_end(self, batch, logs=None):
        now = self.model.steps_done
        scale = 1.0 if self.content_scale is None else float(self.content_scale)
        content = content_distance(logs, scale)
        self.losses.append((now, float(logs["loss"]) - scale * content, content))
        while self.losses[0][0] <= now - 2 * self.WINDOW:
            self.losses.popleft()
        if now < 2 * self.WINDOW or not self.tolerance:
            return
        losses = [(step, rest + scale * content) for step, rest, content in self.losses]
        before = np.mean([loss for step, loss in losses if step <= now - self.WINDOW])
        after = np.mean([loss for step, loss in losses if step > now - self.WINDOW])
        if before - after < self.tolerance * before:
            self.ending.stop(self.model, "tolerance", "the loss has reached its tolerance")


class Anneal(keras.callbacks.Callback):
    """Change the learning rate from one value to another by equal factors.

    Only the factors are applied, so that what another callback does to the rate
    remains.
    """

    def __init__(self, first: float, last: float, iterations: int):
        """Set the schedule.

        Args:
            first: Learning rate of the first iteration, which the optimizer has already.
            last: Learning rate after `iterations`.
            iterations: Length of the schedule.
        """
        super().__init__()
        self.factor, self.iterations, self.share = last / first, iterations, 0.0

    def on_train_batch_begin(self, batch, logs=None):
        before = self.share
        self.share = min(1.0, self.model.steps_done / self.iterations) if self.iterations else 0.0
        if self.factor != 1.0 and self.share != before:
            optimizer = self.model.optimizer
            change = self.factor ** (self.share - before)
            optimizer.learning_rate = float(optimizer.learning_rate) * change


class KeepLastGood(keras.callbacks.Callback):
    """Keep a copy of the last finite average, to restore after a divergence."""

    def on_train_begin(self, logs=None):
        self.good = tf.identity(self.model.average.value)

    def on_train_batch_end(self, batch, logs=None):
        average = tf.identity(self.model.average.value)
        if np.isfinite(float(tf.reduce_sum(average))):  # finite if all numbers in [0, 1] are
            self.good = average

    def restore(self) -> None:
        """Set the image and its average to the copy."""
        self.model.image.assign(self.good)
        self.model.average.assign(self.good)
