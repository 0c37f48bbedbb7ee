"""Path length regularization of a style-based generator.

Karras et al. 2020, Analyzing and Improving the Image Quality of StyleGAN, section 3.2.
"""

from collections.abc import Callable
from typing import Any

import keras
import tensorflow as tf

from common.distribution import replicas
from gan import mapping
from gan.lazy import is_due, lazily

DECAY = 0.99  # of the moving average of path lengths, per regularized update: appendix B
SHRINK = 2  # every second image of a batch is used: appendix B


def path_lengths(
    parts: tuple[keras.Model, keras.Model], inputs: Any, directions: tf.Tensor
) -> tf.Tensor:
    """Compute |J^T y|, how far images move in a random direction when w moves.

    Args:
        parts: Mapping and synthesis network.
        inputs: Of the mapping network, B latents [and labels].
        directions: y, (B, H, W, C); normal numbers of variance 1 / (H W), so that lengths
            do not depend on the resolution.

    Returns:
        float32 (B,). J is the derivative of an image by w, with the noise of sampling.
    """
    to_w, to_images = parts
    w = to_w(inputs, training=True)  # (B, W)
    with tf.GradientTape(watch_accessed_variables=False) as tape:
        tape.watch(w)
        total = tf.reduce_sum(to_images(w, training=False) * directions)
    gradient = tf.cast(tape.gradient(total, w), tf.float32)
    return tf.sqrt(tf.reduce_sum(tf.square(gradient), axis=1) + 1e-12)


@keras.saving.register_keras_serializable("gan")
class PathLength(keras.layers.Layer):
    """Make equal steps in w change images equally much: E (|J^T y| - a)^2 (equation 4).

    a is a moving average of the lengths. The term is computed once in `interval`
    updates, with its weight multiplied by that (lazy regularization, appendix B).

    Deviations: it is added to the adversarial loss, where the paper makes a separate
    update; a does not yet contain the lengths of this update; the noise
    is that of sampling.

    Args:
        weight: Of the term.
        interval: Updates of the generator per term.

    Example:
        >>> GAN(..., generator_regularizer=PathLength(weight=2.0))
    """

    def __init__(self, weight: float = 2.0, interval: int = 4, **options):
        super().__init__(**options)
        self.weight, self.interval = weight, interval
        self.mean = self.add_weight(shape=(), initializer="zeros", trainable=False, name="mean")

    def bind(self, generator: keras.Model) -> Callable[..., tf.Tensor]:
        """Return a function to what is added to a generator's scaled loss.

        Its arguments are B latents [and labels], a seed generator, and the generator's
        optimizer.
        """
        parts = mapping.split(generator)
        return lambda *arguments: self._scaled(generator, parts, *arguments)

    def _scaled(
        self,
        generator: keras.Model,
        parts: tuple[keras.Model, keras.Model],
        inputs: Any,
        seed: keras.random.SeedGenerator,
        optimizer: keras.optimizers.Optimizer,
    ) -> tf.Tensor:
        _, height, width, channels = parts[1].outputs[0].shape
        count = tf.shape(tf.nest.flatten(inputs)[0])[0]
        shape = tf.stack([count, height, width, channels])
        directions = replicas.draw(keras.random.normal, shape, seed=seed) / (height * width) ** 0.5

        def term():
            lengths = path_lengths(parts, inputs, directions)
            loss = tf.reduce_mean(tf.square(lengths - self.mean.value))
            return self.weight * loss, tf.reduce_mean(lengths)

        due = is_due(optimizer, self.interval)
        scaled, length = lazily(term, self.interval, generator, optimizer)
        moved = self.mean + (1.0 - DECAY) * (replicas.mean(length) - self.mean)
        self.mean.assign(tf.where(due, moved, self.mean))
        return scaled

    def get_config(self):
        return {**super().get_config(), "weight": self.weight, "interval": self.interval}
