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


class LabelFlips(Control):
    """Swaps the labels of a random share of the pairs (as Chintala et al. 2016, tip 6).

    Only the discriminator's loss is misled; the generator's is not.
    """

    def __init__(self, probability: float, seed: int):
        super().__init__(name="label_flips")
        self.probability = probability
        self.seed = keras.random.SeedGenerator(seed)

    def swap_labels(self, real, fake):
        chance = replicas.draw(keras.random.uniform, tf.shape(real), seed=self.seed)
        flip = chance < self.probability
        return tf.where(flip, fake, real), tf.where(flip, real, fake)

    def scalars(self, images_seen):
        return {"balance/label_flips": tf.constant(self.probability)}
