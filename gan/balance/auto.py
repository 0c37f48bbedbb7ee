"""The controls of `--balance auto`."""

import keras
import tensorflow as tf

from gan.balance.adaptive_rate import AdaptiveLearningRate
from gan.balance.augment import Augmentation
from gan.balance.base import Balance, Control
from gan.balance.update_limit import UpdateLimit
from gan.config import BalanceConfig, has_auto


class OverfittingAugmentation(Augmentation):
    """Augment with a probability that keeps the overfitting estimate r_v at a target.

    r_v is the second heuristic of Karras et al. 2020, section 3.2. It is measured
    with held-out images, so it distinguishes an overfitting discriminator from one
    that is merely strong, unlike r_t. Deviation: the probability changes in
    proportion to the distance from the target.

    Args:
        operations: Names of the augmentations.
        seed: Of the random stream.
        kimg: Thousand images in which the probability can rise from 0 to 1.
    """

    TARGET = 0.4
    GAIN = 2.0  # full speed at a distance of a half

    def __init__(self, operations: tuple[str, ...], seed: int, kimg: float):
        super().__init__(0.0, operations, seed, kimg=kimg)
        self.r_v = self.add_weight(
            name="r_v", initializer=keras.initializers.Constant(self.TARGET), trainable=False
        )

    def update_overfitting(self, r_v):
        self.r_v.assign(r_v)

    def observe(self, metrics):
        speed = self.GAIN * (self.r_v - self.TARGET)
        self.move(tf.clip_by_value(speed, -1.0, 1.0), metrics["images"])


class Auto(Balance):
    """The controls of `--balance auto`, which can be built inactive and enabled later.

    Args:
        controls: Controls whose state changes in proportion to "images" of `observe`.
        active: Whether they act from the start.
    """

    def __init__(self, controls: list[Control], active: bool):
        super().__init__(controls, name="auto")
        self.active = self.add_weight(
            name="active", initializer="ones" if active else "zeros", trainable=False
        )

    def enable(self):
        self.active.assign(1.0)

    def observe(self, metrics):
        images = tf.cast(metrics["images"], tf.float32) * self.active  # 0: no state changes
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


def build(config: BalanceConfig, seed: int) -> Auto | None:
    """Build the controls if they are wanted now or may be enabled by an alarm.

    An augmentation that is configured by itself replaces theirs.
    """
    if not has_auto(config):
        return None
    controls = [UpdateLimit(config.generator_steps), AdaptiveLearningRate()]
    if not config.augment and not config.augment_target:
        adapted = OverfittingAugmentation(config.augment_operations, seed + 4, config.augment_kimg)
        controls.insert(0, adapted)
    return Auto(controls, active=config.mode == "auto")
