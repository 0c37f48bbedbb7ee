"""Keras callbacks that need a picture in the making: its end, its last good state, its log."""

from collections.abc import Callable

import keras
import tensorflow as tf


class Correct(keras.callbacks.Callback):
    """Has the objective corrected at the picture as it is, at first and every few iterations."""

    def __init__(self, correct: Callable[[tf.Tensor], None], every: int):
        super().__init__()
        self.correct, self.every = correct, every

    def on_train_begin(self, logs=None):
        self.last = -self.every

    def on_train_batch_begin(self, batch, logs=None):
        now = self.model.steps_done
        if now - self.last >= self.every:
            self.correct(self.model.picture.value)
            self.last = now
