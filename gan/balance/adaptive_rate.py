"""What keeps the two networks in balance: small controls, each usable alone.

A control overrides the hooks it needs; `Balance` runs through all of them in
order, so the training step asks once and never which controls are on. Their
state and random streams are variables of the model and saved with it. Three
further controls need no code here: the optimizers' own rates (two time
scales: Heusel et al. 2017), the steps per network, and gradient clipping.
"""

import keras
import tensorflow as tf

from gan.balance.base import NETWORKS, Control


class AdaptiveLearningRate(Control):
    """Slows down whichever network is too far ahead, by the mean sign of D(real).

    Above `HIGH` the discriminator's rate is halved every `KIMG` thousand
    images, below `LOW` the generator's; in between both go back to their own.
    """

    HIGH, LOW = 0.8, 0.35
    KIMG = 0.5
    LEAST = 1 / 64
    MOMENTUM = 0.95  # of the running mean sign, per step

    def __init__(self):
        super().__init__(name="adaptive_learning_rate")
        middle = keras.initializers.Constant(0.5 * (self.HIGH + self.LOW))
        self.running = self.add_weight(name="running", initializer=middle, trainable=False)
        self.shares = {
            network: self.add_weight(name=network, initializer="ones", trainable=False)
            for network in NETWORKS
        }

    def observe(self, metrics):
        sign = metrics["discriminator/r_t"]
        self.running.assign(self.MOMENTUM * self.running + (1.0 - self.MOMENTUM) * sign)
        ahead = {
            "discriminator": self.running > self.HIGH,
            "generator": self.running < self.LOW,
        }
        step = tf.pow(2.0, tf.cast(metrics["images"], tf.float32) / (1000.0 * self.KIMG))
        for network, share in self.shares.items():
            factor = tf.where(ahead[network], 1.0 / step, step)
            share.assign(tf.clip_by_value(share * factor, self.LEAST, 1.0))

    def share(self, network):
        return self.shares[network]
