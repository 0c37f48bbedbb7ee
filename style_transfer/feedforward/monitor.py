"""Keras callbacks that record a training: metrics, sample paintings, checkpoints."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf

from common import images as image_io
from common import runs
from common.checkpoints import Checkpoints
from common.summaries import SummaryWriter
from style_transfer.feedforward.palettes import StylePalette, change_pixels, moments

SAMPLES, SIDE = 4, 192  # photos and their side in pixels
SHOWN = 8  # styles at most
SPEED = "speed/crops_per_second"


class Speed(keras.callbacks.Callback):
    """Add the crops per second of each tick to the logs."""

    def __init__(self, clock: Callable[[], float]):
        """Set the clock, which returns seconds of training."""
        super().__init__()
        self.clock = clock

    def on_train_begin(self, logs=None):
        self.last = (self.clock(), int(self.model.images_seen.numpy()))

    def on_epoch_end(self, epoch, logs=None):
        now, images = self.clock(), int(self.model.images_seen.numpy())
        logs[SPEED] = (images - self.last[1]) / max(now - self.last[0], 1e-9)
        self.last = (now, images)


class Log(keras.callbacks.Callback):
    """Write the logs of each tick to metrics.jsonl and TensorBoard."""

    def __init__(self, folder: Path, writer: SummaryWriter):
        super().__init__()
        self.folder, self.writer, self.latest = folder, writer, {}

    def on_epoch_end(self, epoch, logs=None):
        found = {name: float(value) for name, value in logs.items()}
        groups = self.model.groups
        if not np.isfinite([found[name] for name in groups]).all():
            return  # the run has diverged and returned to its last state
        images = int(self.model.images_seen.numpy())
        metrics = {f"loss/{name}": found[name] for name in groups[1:]}
        self.latest = {"loss": found["loss"], **metrics, SPEED: found[SPEED]}
        runs.append_metrics(self.folder, {"images": images, **self.latest})
        self.writer.scalars(self.latest, step=images)

    def on_train_end(self, logs=None):
        images = int(self.model.images_seen.numpy())
        if self.latest:
            final = {"loss": self.latest["loss"], "images_seen": images}
            self.writer.final_metrics(final, step=images)


class Samples(keras.callbacks.Callback):
    """Paint the same photos in each tick, for TensorBoard and `latest.png`.

    A row for each photo: the photo itself, then its paintings in the first styles.
    """

    def __init__(
        self,
        folder: Path,
        writer: SummaryWriter,
        photos: Sequence[np.ndarray],
        palettes: Sequence[StylePalette] = (),
    ):
        """Choose the photos.

        Args:
            folder: The run's folder.
            writer: TensorBoard log.
            photos: uint8 (H, W, 3) each; an array that is there several times counts once.
            palettes: Of the network's styles, or none.
        """
        super().__init__()
        self.folder, self.writer, self.palettes = folder, writer, palettes
        photos = list({id(photo): photo for photo in photos}.values())  # each once
        places = np.linspace(0, len(photos) - 1, min(SAMPLES, len(photos))).round().astype(int)
        self.photos = np.stack([_square(photos[place]) for place in sorted(set(places.tolist()))])

    def on_train_begin(self, logs=None):
        if int(self.model.images_seen.numpy()) == 0:
            self._write()

    def on_epoch_end(self, epoch, logs=None):
        self._write()

    def _write(self) -> None:
        count = self.model.ema.inputs[1].shape[-1]
        columns = [self.photos]
        for style in range(count)[-SHOWN:]:
            columns.append(self._paint(np.eye(count, dtype=np.float32)[style]))
        cells = np.stack(columns, axis=1).reshape(-1, *self.photos.shape[1:])
        sheet = image_io.grid(cells, columns=len(columns))
        image_io.write_image(self.folder / "latest.png", sheet)
        self.writer.image("samples/painted", sheet, step=int(self.model.images_seen.numpy()))

    def _paint(self, weights: np.ndarray) -> np.ndarray:
        photos = [
            change_pixels(moments(each), self.palettes, weights)(each) for each in self.photos
        ]
        images = tf.constant(image_io.to_unit(np.stack(photos)))
        inputs = [images, tf.tile(weights[None], (len(photos), 1))]
        return image_io.from_unit(self.model.ema(inputs, training=False).numpy())


class Save(keras.callbacks.Callback):
    """Save the whole state at the beginning and in each tick, unless it is not finite."""

    def __init__(self, checkpoints: Checkpoints, state: Callable[[], Mapping[str, object]]):
        """Set where to save.

        Args:
            checkpoints: Of the run.
            state: Returns what a checkpoint contains besides variables.
        """
        super().__init__()
        self.checkpoints, self.state = checkpoints, state

    def on_train_begin(self, logs=None):
        if not self.checkpoints.paths("last"):
            self._save()

    def on_epoch_end(self, epoch, logs=None):
        if all(np.isfinite(weight.numpy()).all() for weight in self.model.network.weights):
            self._save()

    def _save(self) -> None:
        images = int(self.model.images_seen.numpy())
        self.checkpoints.save("last", images, self.model.state_variables(), self.state())


def _square(photo: np.ndarray) -> np.ndarray:
    return np.asarray(image_io.fit_rectangle(image_io.from_array(photo), (SIDE, SIDE)))
