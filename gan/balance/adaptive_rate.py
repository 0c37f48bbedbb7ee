"""Learning rates that follow r_t; one of the controls of `--balance auto`."""

import keras
import tensorflow as tf

from gan.balance.base import NETWORKS, Control
from gan.config import BalanceConfig


class AdaptiveLearningRate(Control):
    """Reduce the learning rate of the network that is ahead.

    While the running mean of r_t, the mean sign of D(real), is above `HIGH`, the
    discriminator's rate is halved every `KIMG` thousand images; below `LOW` the
    generator's. In between both return to their full rates at the same speed.
    """

    HIGH, LOW = 0.8, 0.35
    KIMG = 0.5
    LEAST = 1 / 64  # of the full rate
    MOMENTUM = 0.95  # of the running mean, per step

    def __init__(self):
        super().__init__(name="adaptive_learning_rate")
        middle = keras.initializers.Constant(0.5 * (self.HIGH + self.LOW))
        self.running = self.add_weight(name="running", initializer=middle, trainable=False)
        self.scales = {
            network: self.add_weight(name=network, initializer="ones", trainable=False)
            for network in NETWORKS
        }

    def observe(self, metrics):
        r_t = metrics["discriminator/r_t"]
        self.running.assign(self.MOMENTUM * self.running + (1.0 - self.MOMENTUM) * r_t)
        ahead = {
            "discriminator": self.running > self.HIGH,
            "generator": self.running < self.LOW,
        }
        step = tf.pow(2.0, tf.cast(metrics["images"], tf.float32) / (1000.0 * self.KIMG))
        for network, scale in self.scales.items():
            factor = tf.where(ahead[network], 1.0 / step, step)
            scale.assign(tf.clip_by_value(scale * factor, self.LEAST, 1.0))

    def learning_rate_scale(self, network):
        return self.scales[network]


def build(config: BalanceConfig, seed: int) -> None:
    """Build nothing: `gan.balance.auto` uses this control."""
