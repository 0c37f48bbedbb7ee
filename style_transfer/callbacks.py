"""Keras callbacks that need a picture in the making: its end, its last good state, its log."""

import time
from collections import deque
from collections.abc import Callable, Sequence
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf

from common import image_io, runs
from common.callbacks import Ending
from common.summaries import Events


class StopWhenSettled(keras.callbacks.Callback):
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
            self.ending.stop(self.model, "settled", "the loss has settled")


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


class Trace(keras.callbacks.Callback):
    """Every term of the loss, the time an iteration takes, and the picture as it grows.

    Steps count the iterations of all levels. Figures come every `FIGURES`
    iterations; pictures at each level's end and every `EVERY` between.
    """

    FIGURES, EVERY = 20, 100

    def __init__(self, folder: Path, events: Events, prefix: str = ""):
        """`prefix` tells the pictures of a folder apart."""
        super().__init__()
        self.folder, self.events, self.prefix = folder, events, prefix

    def on_train_begin(self, logs=None):
        self.last = (time.perf_counter(), self.model.steps_done)
        self.shown = self.model.steps_done

    def on_train_batch_end(self, batch, logs=None):
        now, step = time.perf_counter(), self.model.steps_done
        if step - self.last[1] < self.FIGURES:
            return
        figures = {f"{self.prefix}loss/{k}": float(v) for k, v in logs.items() if k != "loss"}
        figures[f"{self.prefix}loss"] = float(logs["loss"])
        figures[f"{self.prefix}speed/seconds_per_iteration"] = (now - self.last[0]) / (
            step - self.last[1]
        )
        self.last = (now, step)
        if not np.isfinite(list(figures.values())).all():
            return
        total = self.model.first_step + step
        self.events.scalars(figures, step=total)
        runs.append_metrics(self.folder, {"iteration": total, **figures})
        if step - self.shown >= self.EVERY:
            self._show()

    def on_train_end(self, logs=None):
        self._show()

    def _show(self) -> None:
        self.shown = self.model.steps_done
        picture = image_io.from_unit(self.model.average.numpy()[0])
        self.events.picture(
            f"{self.prefix}picture", picture, step=self.model.first_step + self.shown
        )


class Frames(keras.callbacks.Callback):
    """Collects the picture every few iterations for an animation, all at one size."""

    EVERY = 10

    def __init__(self, size: tuple[int, int], longest: int = 384):
        """`size` is the final width and height; frames are at most `longest` pixels."""
        super().__init__()
        self.size = image_io.fit_longer_side(size, min(longest, max(size)))
        self.frames: list[np.ndarray] = []
        self.last = -self.EVERY

    def on_train_batch_end(self, batch, logs=None):
        step = self.model.first_step + self.model.steps_done
        if step - self.last < self.EVERY:
            return
        self.last = step
        picture = image_io.as_picture(np.clip(self.model.average.numpy()[0], 0.0, 1.0))
        self.frames.append(np.asarray(image_io.resize(picture, self.size)))


class Pyramid(keras.callbacks.Callback):
    """Knows how far all pictures have come, for the progress bar."""

    def __init__(self, pictures: int):
        super().__init__()
        self.pictures, self.number = pictures, -1

    def begin(self, stages: Sequence[tuple[tuple[int, int], int]]) -> None:
        """A picture begins whose stages have these ((width, height), iterations at most)."""
        self.number += 1
        self.sizes = [size for size, _ in stages]
        self.work = [width * height * count for (width, height), count in stages]
        self.level = -1

    def on_train_begin(self, logs=None):
        self.level += 1

    def iterations(self) -> float:
        """Iterations of this picture so far."""
        return self.model.first_step + self.model.steps_done

    def share(self) -> float:
        """The share of all work that lies behind, in pixels times iterations."""
        width, height = self.sizes[self.level]
        done = sum(self.work[: self.level]) + self.model.steps_done * width * height
        return (self.number + done / sum(self.work)) / self.pictures

    def describe(self, iterations: float, per_second: float) -> str:
        width, height = self.sizes[self.level]
        return f"{width}x{height} {1000 / max(per_second, 1e-9):.0f} ms an iteration"
