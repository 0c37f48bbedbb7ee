"""Muon for convolutional networks."""

import keras
import tensorflow as tf
from keras import ops

from common.fast.orthogonalize import orthogonalize

MOST_STEPS = 5  # in which the fast form is exact enough


@keras.saving.register_keras_serializable("common")
class Muon(keras.optimizers.Muon):
    """Muon (Jordan et al. 2024, https://kellerjordan.github.io/posts/muon/) for convolutions.

    The momentum of a kernel, as a matrix whose columns are the kernel's last axis (the output
    channels, or the input channels of a transposed convolution), is orthogonalized by five
    Newton-Schulz iterations, so that no direction dominates, and scaled to a root mean square of
    `rms_rate` times the learning rate, 0.2 by default as in Liu et al. 2025, Muon is Scalable for
    LLM Training, section 2.2. All other variables are left to Adam.

    Deviations: Keras 3.15 orthogonalizes matrices and leaves convolutions to Adam; here it is
    the other way round, since matrices of these networks are tables of styles or first layers,
    with which images got worse. Weights do not decay.

    Example:
        >>> model.compile(Muon(2e-3, momentum=0.9, rms_rate=0.4))
    """

    def __init__(self, learning_rate: float = 1e-3, **options):
        """Set the optimizer's constants.

        Args:
            learning_rate: Of all variables.
            **options: Of `keras.optimizers.Muon`.
        """
        options = {"weight_decay": None, "adam_weight_decay": None, **options}
        super().__init__(learning_rate, **options)

    def _should_use_adamw(self, variable):
        return len(variable.shape) != 4

    def _muon_update_step(self, gradient, variable, lr, m):
        self.assign_add(m, ops.add(gradient, m * (self.momentum - 1)))
        ahead = ops.add(gradient, self.momentum * m) if self.nesterov else m
        matrix = ops.reshape(ahead, (-1, variable.shape[-1]))
        update = self.lr_adjust(self.zeropower_via_newtonschulz5(matrix, self.ns_steps))
        self.assign_sub(variable, lr * ops.reshape(update, variable.shape))

    def zeropower_via_newtonschulz5(self, x, steps):
        if steps > MOST_STEPS or x.dtype != "float32" or tf.config.list_physical_devices("GPU"):
            return super().zeropower_via_newtonschulz5(x, steps)
        return orthogonalize(x, steps, (self.muon_a, self.muon_b, self.muon_c))
