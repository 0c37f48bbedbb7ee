"""What keeps the two networks in balance: small controls, each usable alone.

A control overrides the hooks it needs; `Balance` runs through all of them in
order, so the training step asks once and never which controls are on. Their
state and random streams are variables of the model and saved with it. Three
further controls need no code here: the optimizers' own rates (two time
scales: Heusel et al. 2017), the steps per network, and gradient clipping.
"""

import keras
import tensorflow as tf

from common.distribution import replicas
from gan.balance.base import Control


class InstanceNoise(Control):
    """Gaussian noise on real and fake, falling to zero (Sonderby et al. 2017, section 3)."""

    def __init__(self, deviation: float, kimg: float, seed: int):
        super().__init__(name="instance_noise")
        self.deviation, self.kimg = deviation, kimg
        self.seed = keras.random.SeedGenerator(seed)

    def level(self, images_seen: tf.Tensor) -> tf.Tensor:
        """The standard deviation now, on pictures in [-1, 1]."""
        if not self.kimg:
            return tf.constant(self.deviation)
        passed = tf.cast(images_seen, tf.float32) / (1000.0 * self.kimg)
        return self.deviation * tf.maximum(0.0, 1.0 - passed)

    def augment(self, images, images_seen):
        shape = tf.shape(images)
        noise = replicas.draw(keras.random.normal, shape, seed=self.seed, dtype="float32")
        return images + self.level(images_seen) * noise

    def scalars(self, images_seen):
        return {"balance/instance_noise": self.level(images_seen)}
