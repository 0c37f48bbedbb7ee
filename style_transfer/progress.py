"""Keras callbacks that need a picture in the making: its end, its last good state, its log."""

import time
from collections.abc import Sequence
from pathlib import Path

import keras
import numpy as np

from common import images as image_io
from common import runs
from common.summaries import SummaryWriter


class Trace(keras.callbacks.Callback):
    """Every term of the loss, the time an iteration takes, and the picture as it grows.

    Steps count the iterations of all levels. RunningMeans come every `METRICS`
    iterations; pictures at each level's end and every `EVERY` between.
    """

    METRICS, EVERY = 20, 100

    def __init__(self, folder: Path, writer: SummaryWriter, prefix: str = ""):
        """`prefix` tells the pictures of a folder apart."""
        super().__init__()
        self.folder, self.writer, self.prefix = folder, writer, prefix

    def on_train_begin(self, logs=None):
        self.last = (time.perf_counter(), self.model.steps_done)
        self.shown = self.model.steps_done

    def on_train_batch_end(self, batch, logs=None):
        now, step = time.perf_counter(), self.model.steps_done
        if step - self.last[1] < self.METRICS:
            return
        metrics = {f"{self.prefix}loss/{k}": float(v) for k, v in logs.items() if k != "loss"}
        metrics[f"{self.prefix}loss"] = float(logs["loss"])
        metrics[f"{self.prefix}speed/seconds_per_iteration"] = (now - self.last[0]) / (
            step - self.last[1]
        )
        self.last = (now, step)
        if not np.isfinite(list(metrics.values())).all():
            return
        total = self.model.first_step + step
        self.writer.scalars(metrics, step=total)
        runs.append_metrics(self.folder, {"iteration": total, **metrics})
        if step - self.shown >= self.EVERY:
            self._show()

    def on_train_end(self, logs=None):
        self._show()

    def _show(self) -> None:
        self.shown = self.model.steps_done
        picture = image_io.from_unit(self.model.average.numpy()[0])
        self.writer.image(f"{self.prefix}picture", picture, step=self.model.first_step + self.shown)


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
        picture = image_io.as_image(np.clip(self.model.average.numpy()[0], 0.0, 1.0))
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
