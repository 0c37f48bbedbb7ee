"""Pausing the discriminator while it is too strong."""

import keras
import tensorflow as tf

from gan.balance.base import Control
from gan.config import BalanceConfig


class Pause(Control):
    """Skip the discriminator's updates while a metric shows that it is too strong.

    The metric is averaged over about ten batches. Two thresholds give a
    hysteresis: updates pause at one and resume at the other. A paused
    discriminator still computes metrics, and its optimizer still accumulates
    moments; only its learning rate is zero.

    Args:
        name: Of the control, in the logs.
        metric: Name of the metric.
        pause: Threshold at which updates pause.
        resume: Threshold at which they resume.
        strong_is_high: Whether a high value means a strong discriminator.
    """

    MOMENTUM = 0.9

    def __init__(
        self, name: str, metric: str, *, pause: float, resume: float, strong_is_high: bool
    ):
        super().__init__(name=name)
        self.metric, self.sign = metric, 1.0 if strong_is_high else -1.0
        self.pause, self.resume = pause, resume
        middle = 0.5 * (pause + resume)
        self.running = self.add_weight(
            name="running", initializer=keras.initializers.Constant(middle), trainable=False
        )
        self.paused = self.add_weight(name="paused", initializer="zeros", trainable=False)

    def observe(self, metrics):
        self.running.assign(
            self.MOMENTUM * self.running + (1.0 - self.MOMENTUM) * metrics[self.metric]
        )
        strength = self.sign * self.running
        still = tf.where(strength < self.sign * self.resume, 0.0, self.paused)
        self.paused.assign(tf.where(strength > self.sign * self.pause, 1.0, still))

    def learning_rate_scale(self, network):
        return 1.0 - self.paused if network == "discriminator" else 1.0

    def scalars(self, images_seen):
        return {f"balance/{self.name}": tf.convert_to_tensor(self.paused)}


def build(config: BalanceConfig, seed: int) -> list[Pause]:
    """Build a control for each of `pause_accuracy` and `pause_loss` that is set."""
    controls = []
    if config.pause_accuracy:
        resume = config.resume_accuracy or config.pause_accuracy
        controls.append(
            Pause(
                "pause_accuracy",
                "discriminator/accuracy",
                pause=config.pause_accuracy,
                resume=resume,
                strong_is_high=True,
            )
        )
    if config.pause_loss:
        resume = config.resume_loss or config.pause_loss
        controls.append(
            Pause(
                "pause_loss",
                "loss/discriminator",
                pause=config.pause_loss,
                resume=resume,
                strong_is_high=False,
            )
        )
    return controls
