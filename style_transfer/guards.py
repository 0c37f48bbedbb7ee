"""Keras callbacks that need a picture in the making: its end, its last good state, its log."""

from collections import deque

import keras
import numpy as np
import tensorflow as tf

from common.callbacks import Ending


class StopAtTolerance(keras.callbacks.Callback):
    """Ends a level once its loss falls by less than a share of itself in `WINDOW` iterations.

    Compared are the means over the last so many iterations and over as many
    before them, as a single loss of Adam's is noisy.
    """

    WINDOW = 25  # iterations

    def __init__(self, share: float, ending: Ending):
        super().__init__()
        self.share, self.ending = share, ending
        self.losses: deque[tuple[int, float]] = deque()

    def on_train_batch_end(self, batch, logs=None):
        now = self.model.steps_done
        self.losses.append((now, float(logs["loss"])))
        while self.losses[0][0] <= now - 2 * self.WINDOW:
            self.losses.popleft()
        if now < 2 * self.WINDOW or not self.share:
            return
        before = np.mean([loss for step, loss in self.losses if step <= now - self.WINDOW])
        after = np.mean([loss for step, loss in self.losses if step > now - self.WINDOW])
        if before - after < self.share * before:
            self.ending.stop(self.model, "tolerance", "the loss has tolerance")


class Anneal(keras.callbacks.Callback):
    """Lets the learning rate go from one value to another, by equal factors."""

    def __init__(self, first: float, last: float, iterations: int):
        """`last` is reached after so many iterations."""
        super().__init__()
        self.first, self.last, self.iterations = first, last, iterations

    def on_train_batch_begin(self, batch, logs=None):
        if self.first == self.last:
            return  # the optimizer began with it
        share = min(1.0, self.model.steps_done / self.iterations) if self.iterations else 0.0
        rate = self.first * (self.last / self.first) ** share
        self.model.optimizer.learning_rate = rate


class KeepGood(keras.callbacks.Callback):
    """Remembers the last finite average, to step back to."""

    def on_train_begin(self, logs=None):
        self.good = tf.identity(self.model.average.value)

    def on_train_batch_end(self, batch, logs=None):
        average = tf.identity(self.model.average.value)
        if np.isfinite(float(tf.reduce_sum(average))):  # as is the sum of finite numbers in [0, 1]
            self.good = average

    def step_back(self) -> None:
        self.model.picture.assign(self.good)
        self.model.average.assign(self.good)
