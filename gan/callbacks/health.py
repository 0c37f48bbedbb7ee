"""Metrics that reveal a collapsing generator or an overfitting discriminator."""

import keras
import numpy as np

from common import images as image_io
from common.priors import PRIORS, Prior
from gan.callbacks.scalars import R_V, Comparison
from gan.data.base import ImageDataset, sample_signed
from gan.generate import draw, draw_latents
from gan.metrics import collapse


class Vitals(Comparison):
    """Add the metrics `collapse.VITALS` of generated images to the logs.

    They are measured in the discriminator's features: the layer "features", or
    the last but one. The images come from the generator itself, because its
    moving average collapses later.
    """

    COUNT, STREAM = 128, 3

    def on_train_begin(self, logs=None):
        discriminator = self.model.discriminator
        names = [layer.name for layer in discriminator.layers]
        place = {"name": "features"} if "features" in names else {"index": -2}
        layer = discriminator.get_layer(**place)
        self.features = keras.Model(discriminator.input, layer.output)

    def on_epoch_end(self, epoch, logs=None):
        fake = image_io.to_signed(draw(self.model.generator, self.latents, self.labels))
        real, generated = self._features(self.real), self._features(fake)
        logs["health/spread"] = collapse.spread(real, generated)
        logs["health/neighbors"] = collapse.neighbor_distance(real, generated)
        logs["health/class_entropy"] = collapse.class_entropy(
            self.real.reshape(len(fake), -1), self.labels, fake.reshape(len(fake), -1)
        )

    def _features(self, images: np.ndarray) -> np.ndarray:
        inputs = self.model.with_labels(self.model.real_inputs(images), self.labels)
        found = np.asarray(self.features(inputs, training=False), np.float32)
        return found.reshape(len(images), -1)


class Overfitting(keras.callbacks.Callback):
    """Add the overfitting estimate r_v to the logs and pass it to the balance controls.

    Karras et al. 2020, Training Generative Adversarial Networks with Limited
    Data, equation 1. It runs in every process, because the controls of each need
    it. With fewer than ten images none is held out, and r_v is 1.
    """

    COUNT = 128  # images of each set

    def __init__(
        self,
        dataset: ImageDataset,
        train_index: np.ndarray,
        held_out_index: np.ndarray,
        latent_size: int,
        prior: Prior = PRIORS["normal"],
    ):
        """Choose the images to compare.

        Args:
            dataset: Real images.
            train_index: Those to train on.
            held_out_index: The others.
            latent_size: Dimensionality of the latent vectors.
            prior: Distribution of the latent vectors.
        """
        super().__init__()
        images, labels = dataset.images, dataset.labels
        self.trained = sample_signed(images, labels, self.COUNT, 0, among=train_index)
        self.held_out = sample_signed(images, labels, self.COUNT, 0, among=held_out_index)
        self.latents = draw_latents(len(self.trained[0]), latent_size, 0, prior)

    def on_epoch_end(self, epoch, logs=None):
        logs[R_V] = 1.0
        if len(self.held_out[0]):
            labels = self.trained[1]
            fake = image_io.to_signed(draw(self.model.generator, self.latents, labels))
            shown = (self.trained, self.held_out, (fake, labels))
            logs[R_V] = collapse.r_v(*(self._logits(*images) for images in shown))
        self.model.balance.update_overfitting(logs[R_V])

    def _logits(self, images: np.ndarray, labels: np.ndarray) -> np.ndarray:
        inputs = self.model.with_labels(self.model.real_inputs(images), labels)
        return np.asarray(self.model.discriminator(inputs, training=False), np.float32)
