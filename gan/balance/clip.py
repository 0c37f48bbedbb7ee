"""Weight clipping (Arjovsky et al. 2017)."""

import tensorflow as tf

from gan.balance.base import Control
from gan.config import BalanceConfig


class WeightClip(Control):
    """Clip the discriminator's kernels after each update: Arjovsky et al. 2017, algorithm 1.

    Deviation: biases and the scales of normalization are not clipped.

    Args:
        limit: Largest absolute value.
    """

    def __init__(self, limit: float):
        super().__init__(name="weight_clip")
        self.limit = limit

    def constrain(self, discriminator):
        for variable in discriminator.trainable_variables:
            if len(variable.shape) > 1:
                variable.assign(tf.clip_by_value(variable.value, -self.limit, self.limit))

    def scalars(self, images_seen):
        return {"balance/weight_clip": tf.constant(self.limit)}


def build(config: BalanceConfig, seed: int) -> WeightClip | None:
    """Build the control if `weight_clip` is set."""
    return WeightClip(config.weight_clip) if config.weight_clip else None
