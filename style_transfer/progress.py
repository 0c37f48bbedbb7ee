"""Keras callbacks that record a stylization: metrics, images, frames, progress."""

import os
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from PIL import Image

from common import images as image_io
from common import runs
from common.summaries import LONGEST_SIDE, SummaryWriter, flatten
from style_transfer import config as configuration
from style_transfer.config import Config


def comparable(fields: Mapping[str, Any]) -> dict[str, bool | int | float | str]:
    """Name the hyperparameters by which TensorBoard compares stylizations.

    Args:
        fields: The configuration as of `config.to_dict`.

    Returns:
        {"style." + dotted name: value} without those of the output. Files lose
        their folders.

    Example:
        >>> comparable({"content": "photos/cat.jpg", "seed": 0, "output": {"bits": 8}})
        {'style.content': 'cat.jpg', 'style.seed': 0}
    """
    known = {name: _without_folders(value) for name, value in fields.items() if name != "output"}
    return {f"style.{name}": value for name, value in flatten(known).items()}


def _without_folders(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {name: _without_folders(each) for name, each in value.items()}
    if isinstance(value, list | tuple):
        return [_without_folders(each) for each in value]
    return Path(value).name if isinstance(value, str) and os.sep in value else value


def describe_run(
    folder: Path, styles: Sequence[Image.Image], config: Config, precision: str
) -> SummaryWriter:
    """Write the configuration of a run and its style images, and return the open writer."""
    fields = configuration.to_dict(config)
    runs.write_config(folder, fields, data={}, machine={"precision": precision})
    writer = SummaryWriter(folder)
    writer.hyperparameters(comparable(fields), folder.name, "stylize")
    for number, style in enumerate(styles):
        writer.image(f"stylized_from/style_{number}", np.asarray(style), step=0)
    return writer


class Trace(keras.callbacks.Callback):
    """Log every term of the loss, the time per iteration, and the image.

    Steps count the iterations of all stages. Metrics are logged every `METRICS`
    iterations, images every `IMAGES` and at the end of each stage.
    """

    METRICS, IMAGES = 20, 100

    def __init__(self, folder: Path, writer: SummaryWriter, prefix: str = ""):
        """Set where to log.

        Args:
            folder: Run folder, for metrics.jsonl.
            writer: TensorBoard.
            prefix: Starts every name, to tell the images of a folder apart.
        """
        super().__init__()
        self.folder, self.writer, self.prefix = folder, writer, prefix
        self.began = time.perf_counter()
        self.loss: float | None = None

    def on_train_begin(self, logs=None):
        self.last = (time.perf_counter(), self.model.steps_done)
        self.shown = self.model.steps_done

    def on_train_batch_end(self, batch, logs=None):
        now, step = time.perf_counter(), self.model.steps_done
        before, step_before = self.last
        if step - step_before < self.METRICS:
            return
        metrics = {f"{self.prefix}loss/{k}": float(v) for k, v in logs.items() if k != "loss"}
        metrics[f"{self.prefix}loss"] = float(logs["loss"])
        seconds = (now - before) / (step - step_before)
        metrics[f"{self.prefix}speed/seconds_per_iteration"] = seconds
        self.last = (now, step)
        if not np.isfinite(list(metrics.values())).all():
            return
        total = self.model.first_step + step
        self.writer.scalars(metrics, step=total)
        runs.append_metrics(self.folder, {"iteration": total, **metrics})
        self.loss = metrics[f"{self.prefix}loss"]
        if step - self.shown >= self.IMAGES:
            self._show()

    def on_train_end(self, logs=None):
        self._show()
        if self.loss is not None and not self.prefix:  # a folder has no single loss
            final = {"loss": self.loss, "seconds": time.perf_counter() - self.began}
            self.writer.final_metrics(final, step=self.model.first_step + self.model.steps_done)

    def _show(self) -> None:
        self.shown = self.model.steps_done
        size = self.model.average.shape[1:3]
        if max(size) > LONGEST_SIDE:  # reduce it before it is copied
            size = image_io.fit_longer_side(size, LONGEST_SIDE)
        image = image_io.from_unit(tf.image.resize(self.model.average, size, "area").numpy()[0])
        tag = f"stylized/{self.prefix.rstrip('/') or 'image'}"
        self.writer.image(tag, image, step=self.model.first_step + self.shown)


class Frames(keras.callbacks.Callback):
    """Collect the image every few iterations for an animation, all at one size.

    Attributes:
        frames: uint8 (H, W, 3) each.
    """

    EVERY = 10  # iterations

    def __init__(self, size: tuple[int, int], longest: int = 384):
        """Set the size of the frames.

        Args:
            size: (width, height) of the result.
            longest: Longer side of the frames in pixels, at most.
        """
        super().__init__()
        self.size = image_io.fit_longer_side(size, min(longest, max(size)))
        self.frames: list[np.ndarray] = []
        self.last = -self.EVERY

    def on_train_batch_end(self, batch, logs=None):
        step = self.model.first_step + self.model.steps_done
        if step - self.last < self.EVERY:
            return
        self.last = step
        image = image_io.as_image(np.clip(self.model.average.numpy()[0], 0.0, 1.0))
        self.frames.append(np.asarray(image_io.resize(image, self.size)))


class Pyramid(keras.callbacks.Callback):
    """Measure the progress over all images and stages, for the progress bar."""

    def __init__(self, images: int, first: int = 0):
        """Set the number of images, and of those that were done before."""
        super().__init__()
        self.images, self.number = images, first - 1

    def begin(self, stages: Sequence[tuple[tuple[int, int], int, float]]) -> None:
        """Begin the next image.

        Args:
            stages: (width, height), iterations at most and the cost of an iteration, in
                any unit, of each stage.
        """
        self.number += 1
        self.sizes = [size for size, _, _ in stages]
        self.costs = [cost for _, _, cost in stages]
        self.work = [count * cost for _, count, cost in stages]
        self.level = -1

    def on_train_begin(self, logs=None):
        self.level += 1

    def iterations(self) -> float:
        """Return the iterations of this image."""
        return self.model.first_step + self.model.steps_done

    def share(self) -> float:
        """Return the fraction of all work that is done, in iterations times their cost."""
        done = sum(self.work[: self.level]) + self.model.steps_done * self.costs[self.level]
        return (self.number + done / sum(self.work)) / self.images

    def describe(self, iterations: float, per_second: float) -> str:
        """Describe the size and the speed."""
        width, height = self.sizes[self.level]
        return f"{width}x{height} {1000 / max(per_second, 1e-9):.0f} ms/iteration"
