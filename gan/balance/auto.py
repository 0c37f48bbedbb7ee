"""What keeps the two networks in balance: small controls, each usable alone.

A control overrides the hooks it needs; `Balance` runs through all of them in
order, so the training step asks once and never which controls are on. Their
state and random streams are variables of the model and saved with it. Three
further controls need no code here: the optimizers' own rates (two time
scales: Heusel et al. 2017), the steps per network, and gradient clipping.
"""

import keras
import tensorflow as tf

from gan.balance.adaptive_rate import AdaptiveLearningRate
from gan.balance.augment import Augmentation
from gan.balance.base import Balance, Control
from gan.balance.update_limit import UpdateLimit
from gan.config import BalanceConfig


class OverfittingAugmentation(Augmentation):
    """Augments as much as it takes to keep the discriminator from knowing pictures by heart.

    The second heuristic of Karras et al. 2020, section 3.2, r_v: measured with
    pictures that were held out, it tells overfitting from mere strength, which
    the mean sign of the logits cannot. Deviation: it moves in proportion to
    the distance from the target.
    """

    TARGET = 0.4
    GAIN = 2.0  # full speed at a distance of a half

    def __init__(self, operations: tuple[str, ...], seed: int, kimg: float):
        super().__init__(0.0, operations, seed, kimg=kimg)
        self.r_v = self.add_weight(
            name="r_v", initializer=keras.initializers.Constant(self.TARGET), trainable=False
        )

    def learn(self, r_v):
        self.r_v.assign(r_v)

    def observe(self, metrics):
        speed = self.GAIN * (self.r_v - self.TARGET)
        self.move(tf.clip_by_value(speed, -1.0, 1.0), metrics["images"])


class Auto(Balance):
    """The controls of `--balance auto`; while not `active` they rest, and can be woken."""

    def __init__(self, controls: list[Control], active: bool):
        super().__init__(controls, name="auto")
        self.active = self.add_weight(
            name="active", initializer="ones" if active else "zeros", trainable=False
        )

    def enable(self) -> None:
        self.active.assign(1.0)

    def observe(self, metrics):
        images = tf.cast(metrics["images"], tf.float32) * self.active  # all moves are per image
        super().observe(metrics | {"images": images})

    def limit_update(self, network, variables, before, images_seen):
        def now():
            super(Auto, self).limit_update(network, variables, before, images_seen)

        tf.cond(self.active > 0.0, now, lambda: None)

    def scalars(self, images_seen):
        logged = {"balance/auto": tf.convert_to_tensor(self.active)}
        for control in self.controls:
            logged |= control.scalars(images_seen)
        return logged


def _auto(config: BalanceConfig, seed: int, active: bool) -> Auto:
    controls = [UpdateLimit(config.generator_steps), AdaptiveLearningRate()]
    if not config.augment and not config.augment_target:
        controls.insert(
            0,
            OverfittingAugmentation(config.augment_operations, seed, config.augment_kimg),
        )
    return Auto(controls, active)
