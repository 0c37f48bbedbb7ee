"""Refresh the memory of codes of a GAN that learns to reconstruct."""

import keras
import numpy as np

from common import images as image_io
from gan.metrics.features import in_batches
from gan.reconstruction import memory
from gan.reconstruction.codes import resized

FLIPS = 1  # beside the seed: not the stream that chooses the images


class RefreshMemory(keras.callbacks.Callback):
    """Encode the training images at the end of each tick and remember their codes.

    It comes before everything that draws images, and sets the memory of both the
    generator and its average. In every process it has the same result. In a training
    that grows, images are encoded at the size of the tick's last batch: at the tick
    of a growth the encoder has not seen those of the next stage.
    """

    BATCH = 256  # images per call of the encoder

    def __init__(
        self,
        images: np.ndarray,
        labels: np.ndarray,
        train_index: np.ndarray | None,
        seed: int,
        *,
        horizontal_flip: bool = False,
    ):
        """Prepare the callback.

        Args:
            images: uint8 (N, H, W, C).
            labels: int32 (N,).
            train_index: Images to encode; None: all.
            seed: Of the choice if there are more images than entries, and of the
                latent vectors that balance the memory.
            horizontal_flip: Encode a random half of the images flipped left to right,
                the same half each time.
        """
        super().__init__()
        self.images, self.labels, self.seed = images, labels, seed
        self.index = np.arange(len(images)) if train_index is None else train_index
        self.flipped = np.zeros(len(images), bool)
        if horizontal_flip:
            self.flipped = np.random.default_rng([seed, FLIPS]).random(len(images)) < 0.5

    def on_train_begin(self, logs=None):
        entries = self.model.generator.get_layer("memory_keys").units
        if len(self.index) > entries:
            chosen = np.random.default_rng(self.seed).choice(self.index, entries, replace=False)
            self.index = np.sort(chosen)

    def on_train_batch_begin(self, batch, logs=None):
        self.side = self.model.current.side

    def on_epoch_end(self, epoch, logs=None):
        codes = in_batches(self._codes, self.index, self.BATCH)
        seed = self.seed + int(self.model.images_seen.numpy()) % 2**30
        memory.fill(self.model.generator, codes, self.labels[self.index], self.model.prior, seed)
        memory.copy(self.model.generator, self.model.ema_generator)

    def _codes(self, index: np.ndarray) -> np.ndarray:
        """Return the codes (B, Z) of images at the size that has just trained."""
        images = resized(image_io.to_signed(self.shown(index)), self.side)
        return self.model.reconstruction.mean_codes(images)

    def shown(self, index: np.ndarray) -> np.ndarray:
        """Return the images (B, H, W, C) as they are encoded, some of them flipped."""
        images = self.images[index]
        flipped = self.flipped[index, None, None, None]
        return np.where(flipped, images[:, :, ::-1], images)
