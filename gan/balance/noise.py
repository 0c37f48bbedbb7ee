"""Instance noise (Sonderby et al. 2017)."""

import keras
import tensorflow as tf

from common.distribution import replicas
from gan.balance.base import Control
from gan.config import BalanceConfig


class InstanceNoise(Control):
    """Add Gaussian noise to real and generated images (Sonderby et al. 2017, section 3).

    Args:
        deviation: Initial standard deviation, for images in [-1, 1].
        kimg: Thousand images over which it decays linearly to zero; 0: constant.
        seed: Of the random stream.
    """

    def __init__(self, deviation: float, kimg: float, seed: int):
        super().__init__(name="instance_noise")
        self.deviation, self.kimg = deviation, kimg
        self.seed = keras.random.SeedGenerator(seed)

    def level(self, images_seen: tf.Tensor) -> tf.Tensor:
        """Compute the current standard deviation."""
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


def build(config: BalanceConfig, seed: int) -> InstanceNoise | None:
    """Build the control if `instance_noise` is set."""
    if not config.instance_noise:
        return None
    return InstanceNoise(config.instance_noise, config.instance_noise_kimg, seed + 2)
