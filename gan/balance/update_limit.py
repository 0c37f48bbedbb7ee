"""What keeps the two networks in balance: small controls, each usable alone.

A control overrides the hooks it needs; `Balance` runs through all of them in
order, so the training step asks once and never which controls are on. Their
state and random streams are variables of the model and saved with it. Three
further controls need no code here: the optimizers' own rates (two time
scales: Heusel et al. 2017), the steps per network, and gradient clipping.
"""

import tensorflow as tf

from gan.balance.base import NETWORKS, Control, Network


class UpdateLimit(Control):
    """Bounds how far one update moves a network, relative to the norm of its kernels.

    You et al. 2020 (LAMB), section 3, bound each layer's step so; here the
    whole network's, and only from above. At first the bound falls with the
    square root of the images seen, as the relative steps of healthy runs do by
    themselves (their kernels grow). It holds from the very first update, the
    one by which a rate ten times too high does its harm.
    """

    limits_updates = True
    LIMIT = 0.1  # of the norm, at the start
    KIMG = 2.0  # of slow decay
    SETTLED = 60.0  # thousand images, from which on it stays

    def __init__(self, generator_steps: int):
        """The generator's updates of a round share its limit."""
        super().__init__(name="update_limit")
        self.steps = {"discriminator": 1, "generator": generator_steps}
        self.scale = self.add_weight(
            name="scale", shape=(len(NETWORKS),), initializer="ones", trainable=False
        )

    def limit(self, network: Network, images_seen: tf.Tensor) -> tf.Tensor:
        """The largest relative step now."""
        kimg = tf.minimum(tf.cast(images_seen, tf.float32) / 1000.0, self.SETTLED)
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
