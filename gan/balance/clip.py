"""What keeps the two networks in balance: small controls, each usable alone.

A control overrides the hooks it needs; `Balance` runs through all of them in
order, so the training step asks once and never which controls are on. Their
state and random streams are variables of the model and saved with it. Three
further controls need no code here: the optimizers' own rates (two time
scales: Heusel et al. 2017), the steps per network, and gradient clipping.
"""

import tensorflow as tf

from gan.balance.base import Control


class WeightClip(Control):
    """Clips the discriminator's kernels: Arjovsky et al. 2017, algorithm 1.

    Deviation: biases and normalisation scales are left alone.
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
