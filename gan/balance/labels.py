"""Random swaps of the discriminator's labels."""

import keras
import tensorflow as tf

from common.distribution import replicas
from gan.balance.base import Control
from gan.config import BalanceConfig


class LabelFlips(Control):
    """Swap the labels of a random fraction of the pairs (Chintala et al. 2016, tip 6).

    Only the discriminator's loss is affected, not the generator's.

    Args:
        probability: Of each pair of a real and a generated image.
        seed: Of the random stream.
    """

    def __init__(self, probability: float, seed: int):
        super().__init__(name="label_flips")
        self.probability = probability
        self.seed = keras.random.SeedGenerator(seed)

    def swap_labels(self, real, fake):
        uniform = replicas.draw(keras.random.uniform, tf.shape(real), seed=self.seed)
        flip = uniform < self.probability
        return tf.where(flip, fake, real), tf.where(flip, real, fake)

    def scalars(self, images_seen):
        return {"balance/label_flips": tf.constant(self.probability)}


def build(config: BalanceConfig, seed: int) -> LabelFlips | None:
    """Build the control if `label_flips` is set."""
    return LabelFlips(config.label_flips, seed + 1) if config.label_flips else None
