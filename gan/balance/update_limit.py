"""A bound on how far one update moves a network; one of the controls of `--balance auto`."""

import tensorflow as tf

from gan.balance.base import NETWORKS, Control, Network
from gan.config import BalanceConfig


class UpdateLimit(Control):
    """Bound each update of a network relative to the norm of its kernels.

    You et al. 2020 (LAMB), section 3, normalize the step of each layer. Deviation:
    here the step of the whole network is bounded, and only from above. The bound
    holds from the first update and decays with the square root of the images
    seen, as the relative steps of healthy runs do because their kernels grow.

    Args:
        generator_steps: Generator updates per training step, which share its bound.
    """

    limits_updates = True
    LIMIT = 0.1  # of the norm, at the start
    KIMG = 2.0  # after which the bound has fallen by the square root of 2
    LAST_KIMG = 60.0  # from which on it is constant

    def __init__(self, generator_steps: int):
        super().__init__(name="update_limit")
        self.steps = {"discriminator": 1, "generator": generator_steps}
        self.scale = self.add_weight(
            name="scale", shape=(len(NETWORKS),), initializer="ones", trainable=False
        )

    def limit(self, network: Network, images_seen: tf.Tensor) -> tf.Tensor:
        """Compute the largest relative step."""
        kimg = tf.minimum(tf.cast(images_seen, tf.float32) / 1000.0, self.LAST_KIMG)
        passed = kimg / self.KIMG
        return self.LIMIT / self.steps[network] * tf.math.rsqrt(1.0 + passed)

    def limit_update(self, network, variables, before, images_seen):
        kernels = [i for i, variable in enumerate(variables) if len(variable.shape) > 1]
        moved = tf.linalg.global_norm([variables[i].value - before[i] for i in kernels])
        allowed = self.limit(network, images_seen) * tf.linalg.global_norm(
            [before[i] for i in kernels]
        )
        scale = tf.minimum(1.0, allowed / tf.maximum(moved, 1e-12))
        for variable, old in zip(variables, before, strict=True):
            variable.assign(old + scale * (variable.value - old))
        here = tf.one_hot(NETWORKS.index(network), len(NETWORKS))
        self.scale.assign(self.scale + here * (scale - self.scale))

    def scalars(self, images_seen):
        return {
            f"balance/update_limit_{network}": self.scale[i] for i, network in enumerate(NETWORKS)
        }


def build(config: BalanceConfig, seed: int) -> None:
    """Build nothing: `gan.balance.auto` uses this control."""
