"""Keras callbacks that need a GAN: speed and quality metrics, snapshots, checkpoints.

A Keras epoch is a tick here: a fixed number of images, not a pass over the data.
"""

import keras
import numpy as np

from common import images as image_io
from gan.callbacks.scalars import R_V
from gan.data.base import Pictures, some
from gan.generate import draw, draw_latents
from gan.metrics import collapse


class Vitals(keras.callbacks.Callback):
    """Adds health.VITALS of fresh pictures, in the discriminator's own features, to the logs.

    The generator of now is drawn from, not its average, which collapses later.
    """

    COUNT = 128

    def __init__(self, real: np.ndarray, labels: np.ndarray, latent_size: int, seed: int):
        """`real` is uint8 (N, H, W, C), `labels` (N,)."""
        super().__init__()
        self.real, self.labels = some(real, labels, self.COUNT, seed)
        self.latents = draw_latents(len(self.real), latent_size, seed + 3)

    def on_train_begin(self, logs=None):
        discriminator = self.model.discriminator
        names = [layer.name for layer in discriminator.layers]
        place = {"name": "features"} if "features" in names else {"index": -2}
        layer = discriminator.get_layer(**place)
        self.features = keras.Model(discriminator.inputs, layer.output)

    def on_epoch_end(self, epoch, logs=None):
        fake = image_io.to_signed(draw(self.model.generator, self.latents, self.labels))
        real, generated = self._features(self.real), self._features(fake)
        logs["health/spread"] = collapse.spread(real, generated)
        logs["health/neighbours"] = collapse.neighbours(real, generated)
        logs["health/class_entropy"] = collapse.class_entropy(
            self.real.reshape(len(fake), -1), self.labels, fake.reshape(len(fake), -1)
        )

    def _features(self, images: np.ndarray) -> np.ndarray:
        inputs = [images, self.labels][: len(self.features.inputs)]
        found = np.asarray(self.features(inputs, training=False), np.float32)
        return found.reshape(len(images), -1)


class Overfitting(keras.callbacks.Callback):
    """Adds health.r_v to the logs and tells it the balance; in every process, as all need it.

    With fewer than ten pictures none is held out, and all count as known by heart.
    """

    COUNT = 128

    def __init__(
        self, pictures: Pictures, learnt: np.ndarray, held_out: np.ndarray, latent_size: int
    ):
        """`learnt` and `held_out` say which of `pictures` are learnt from and which not."""
        super().__init__()
        images, labels = pictures.images, pictures.labels
        self.learnt = some(images, labels, self.COUNT, 0, among=learnt)
        self.held_out = some(images, labels, self.COUNT, 0, among=held_out)
        self.latents = draw_latents(len(self.learnt[0]), latent_size, 0)

    def on_epoch_end(self, epoch, logs=None):
        logs[R_V] = 1.0
        if len(self.held_out[0]):
            labels = self.learnt[1]
            fake = image_io.to_signed(draw(self.model.generator, self.latents, labels))
            shown = (self.learnt, self.held_out, (fake, labels))
            logs[R_V] = collapse.r_v(*(self._judge(*pictures) for pictures in shown))
        self.model.balance.learn(logs[R_V])

    def _judge(self, images: np.ndarray, labels: np.ndarray) -> np.ndarray:
        inputs = self.model.with_labels(images, labels)
        return np.asarray(self.model.discriminator(inputs, training=False), np.float32)
