"""Grids of generated images during training, and their animation."""

import contextlib
import math
from collections.abc import Sequence
from pathlib import Path

import keras
import numpy as np

from common import images as image_io
from common.errors import InputError
from common.priors import PRIORS, Prior
from common.summaries import SummaryWriter
from common.transparency import over_checker
from gan.generate import columns_for, draw, draw_latents, labels_in_turn


class Snapshots(keras.callbacks.Callback):
    """Write grids of images of the EMA generator from fixed latent vectors.

    Each of the first `EVERY` ticks writes one, later ticks whenever the run has
    become 3 % longer: a long run does not fill the disk, and the animation slows
    down as the images change less.
    """

    EVERY = 40  # ticks

    def __init__(
        self,
        folder: Path,
        writer: SummaryWriter,
        classes: int,
        latent_size: int,
        seed: int,
        prior: Prior = PRIORS["normal"],
    ):
        """Choose the latent vectors and labels.

        Args:
            folder: The run's folder.
            writer: TensorBoard log.
            classes: Number of classes that the generator is conditioned on; 0: none.
            latent_size: Dimensionality of the latent vectors.
            seed: Seed of the latent vectors.
            prior: Distribution of the latent vectors.
        """
        super().__init__()
        self.folder, self.writer = folder / "samples", writer
        count = min(144, classes * math.ceil(100 / classes)) if classes else 100
        self.columns = columns_for(count, classes)
        self.latents = draw_latents(count, latent_size, seed, prior)
        self.labels = labels_in_turn(count, classes)
        self.tick = 0

    def on_train_begin(self, logs=None):
        if int(self.model.images_seen.numpy()) == 0:
            self._write()

    def on_epoch_end(self, epoch, logs=None):
        self.tick = epoch + 1
        if self.tick <= self.EVERY or _growth(self.tick) > _growth(self.tick - 1):
            self._write()

    def on_train_end(self, logs=None):
        """Write the last grid, and the animation from the files of all parts of the run."""
        latest = self._write()
        image_io.write_image(self.folder.parent / "latest.png", latest)
        images = int(self.model.images_seen.numpy())
        paths = [path for path in sorted(self.folder.glob("*.png")) if path.stem.isdecimal()]
        frames = _read_frames([path for path in paths if int(path.stem) <= images], latest.shape)
        image_io.write_animation(self.folder.parent / "training.gif", frames)

    def _write(self) -> np.ndarray:
        images = int(self.model.images_seen.numpy())
        images_drawn = draw(self.model.ema_generator, self.latents, self.labels)
        sheet = over_checker(image_io.grid(images_drawn, self.columns))
        image_io.write_image(self.folder / f"{images:012d}.png", sheet)
        self.writer.image("samples/fixed_latents", sheet, step=images)
        return sheet


def _read_frames(paths: Sequence[Path], shape: tuple[int, ...]) -> list[np.ndarray]:
    """Read the grids of a shape; a damaged one costs a frame of the animation, not the run."""
    frames = []
    for path in paths:
        with contextlib.suppress(InputError):
            frame = image_io.to_array(image_io.read_image(path, channels=shape[2]))
            frames += [frame] if frame.shape == shape else []
    return frames


def _growth(tick: int) -> int:
    return int(math.log(tick) / math.log(1.03))
