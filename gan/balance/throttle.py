"""What keeps the two networks in balance: small controls, each usable alone.

A control overrides the hooks it needs; `Balance` runs through all of them in
order, so the training step asks once and never which controls are on. Their
state and random streams are variables of the model and saved with it. Three
further controls need no code here: the optimizers' own rates (two time
scales: Heusel et al. 2017), the steps per network, and gradient clipping.
"""

import keras
import tensorflow as tf

from gan.balance.base import Control


class Pause(Control):
    """Skips the discriminator's update while it is too strong.

    Two thresholds make a hysteresis: it pauses at one and resumes at the other.
    The watched figure is averaged over the last ten batches or so. A paused
    discriminator still measures and its optimizer still gathers moments; only
    its learning rate is zero, so it neither moves nor comes back stale.
    """

    MOMENTUM = 0.9

    def __init__(self, name: str, figure: str, pause: float, resume: float, strong_is_high: bool):
        super().__init__(name=name)
        self.figure, self.sign = figure, 1.0 if strong_is_high else -1.0
        self.pause, self.resume = pause, resume
        middle = 0.5 * (pause + resume)
        self.running = self.add_weight(
            name="running", initializer=keras.initializers.Constant(middle), trainable=False
        )
        self.paused = self.add_weight(name="paused", initializer="zeros", trainable=False)

    def observe(self, metrics):
        self.running.assign(
            self.MOMENTUM * self.running + (1.0 - self.MOMENTUM) * metrics[self.figure]
        )
        strength = self.sign * self.running
        still = tf.where(strength < self.sign * self.resume, 0.0, self.paused)
        self.paused.assign(tf.where(strength > self.sign * self.pause, 1.0, still))

    def share(self, network):
        return 1.0 - self.paused if network == "discriminator" else 1.0

    def scalars(self, images_seen):
        return {f"balance/{self.name}": tf.convert_to_tensor(self.paused)}
