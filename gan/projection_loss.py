"""The loss of a latent vector whose image is to resemble a given one, and its descent."""

from dataclasses import dataclass

import keras
import numpy as np
import tensorflow as tf

from common import images as image_io
from common.extractors import compact
from common.priors import Prior

LAYERS = ("relu1_1", "relu2_2", "relu3_1")  # of the compact extractor


@dataclass(frozen=True)
class Settings:
    """How latent vectors are searched.

    Attributes:
        starts: Latent vectors per image at the start.
        kept: Those that are optimized to the end, the best after that fifth.
        steps: Steps of Adam, a fifth of them by all starts.
        learning_rate: Of Adam (Kingma and Ba 2015), decayed to 0 by a cosine after that
            fifth.
        features: Weight of the difference of compact features beside that of pixels.
        prior: Weight of minus the log density of a latent vector, per number.
    """

    starts: int = 64
    kept: int = 8
    steps: int = 200
    learning_rate: float = 0.1
    features: float = 0.2
    prior: float = 1e-4

    @property
    def screening(self) -> int:
        """Steps of Adam that all starts make."""
        return self.steps // 5


class Objective:
    """The difference of generated images from target images, per latent vector.

    Pixels count by their mean squared difference over the variance of the target's,
    features of each layer by theirs over their mean square; the prior is added.
    """

    def __init__(
        self, generator: keras.Model, prior: Prior, targets: np.ndarray, settings: Settings
    ):
        """Compute the targets' features.

        Args:
            generator: A stock model of latents [and labels] to images in [-1, 1].
            prior: Distribution of the latents.
            targets: uint8 (N, H, W, C).
            settings: `features` and `prior` are used.
        """
        self.generator, self.prior, self.settings = generator, prior, settings
        self.extract = compact.load()
        self.targets = tf.constant(image_io.to_unit(targets))  # (N, H, W, C)
        variance = tf.math.reduce_variance(self.targets, axis=(1, 2, 3))
        self.scale = tf.maximum(variance, 1e-3)[:, None]  # (N, 1)
        self.features = self._features(self.targets)

    def __call__(self, latents: tf.Tensor, labels: tf.Tensor) -> tf.Tensor:
        """Return the loss (N, S) of latents (N, S, Z) with labels (N, S)."""
        count, starts, size = latents.shape
        flat = tf.reshape(latents, (-1, size))  # (N S, Z)
        inputs = [flat, tf.reshape(labels, (-1,))][: len(self.generator.inputs)]
        images = self.generator(inputs if len(inputs) > 1 else flat, training=False)
        images = (tf.cast(images, tf.float32) + 1.0) / 2.0  # (N S, H, W, C)
        loss = self._squares(images, self.targets) / self.scale
        for found, wanted in zip(self._features(images), self.features, strict=True):
            scale = tf.reduce_mean(tf.square(wanted), axis=(1, 2, 3))[:, None]
            share = self.settings.features / len(self.features)
            loss += share * self._squares(found, wanted) / tf.maximum(scale, 1e-6)
        density = tf.reshape(self.prior.log_prob(flat), (count, starts))
        return loss - self.settings.prior * density / size

    def _features(self, images: tf.Tensor) -> list[tf.Tensor]:
        """Return features (N, h, w, c) of images over white and, if transparent, over black."""
        found = [self.extract(shown) for shown in _opaque(images)]
        return [tf.cast(each[layer].values, tf.float32) for each in found for layer in LAYERS]

    @staticmethod
    def _squares(found: tf.Tensor, wanted: tf.Tensor) -> tf.Tensor:
        """Return the mean squared difference (N, S) of (N S, ...) from (N, ...)."""
        together = tf.reshape(found, (wanted.shape[0], -1, *wanted.shape[1:]))
        return tf.reduce_mean(tf.square(together - wanted[:, None]), axis=(2, 3, 4))


def _opaque(images: tf.Tensor) -> list[tf.Tensor]:
    """Show images (N, H, W, C) in [0, 1] as RGB, as `gan.metrics.features.opaque` does."""
    if images.shape[3] == 1:
        return [tf.repeat(images, 3, axis=3)]
    if images.shape[3] == 3:
        return [images]
    color, alpha = images[..., :3], images[..., 3:]
    return [color * alpha + ground * (1.0 - alpha) for ground in (1.0, 0.0)]


class Descent:
    """Adam on several latent vectors per image, each as if it were alone.

    Attributes:
        latents: Variable (N, S, Z).
        labels: int32 (N, S).
        variables: Those that a descent is continued from: the latents and Adam's.
    """

    def __init__(
        self,
        objective: Objective,
        latents: np.ndarray,
        labels: np.ndarray,
        learning_rate: float | keras.optimizers.schedules.LearningRateSchedule,
    ):
        self.objective, self.labels = objective, labels
        self.latents = keras.Variable(latents, dtype="float32", name="latents")
        self.optimizer = keras.optimizers.Adam(learning_rate)
        self.optimizer.build([self.latents])
        self.variables = [self.latents, *self.optimizer.variables]
        self._losses = tf.function(objective)
        self._graph = tf.function(self._step)

    def step(self) -> None:
        """Move all latent vectors by one step of Adam, then back into their prior."""
        self._graph()

    def losses(self) -> np.ndarray:
        """Return the losses (N, S) of the latent vectors."""
        latents = tf.convert_to_tensor(self.latents.value)
        return self._losses(latents, tf.constant(self.labels)).numpy()

    def _step(self) -> None:
        latents = tf.convert_to_tensor(self.latents.value)
        with tf.GradientTape() as tape:
            tape.watch(latents)
            # a sum: each latent vector has its own gradient
            loss = tf.reduce_sum(self.objective(latents, tf.constant(self.labels)))
        self.optimizer.apply([tape.gradient(loss, latents)], [self.latents])
        moved = tf.convert_to_tensor(self.latents.value)
        self.latents.assign(self.objective.prior.constrain(moved))
