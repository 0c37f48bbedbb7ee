"""Adam as one fused operation per variable.

The plain form is `keras.optimizers.Adam`.
"""

import keras
import tensorflow as tf


@keras.saving.register_keras_serializable("common.fast")
class Adam(keras.optimizers.Adam):
    """Adam (Kingma and Ba 2015) that updates each variable in one pass over memory.

    The arithmetic is that of Keras: the order of the paragraph after algorithm 1
    in section 2, which applies epsilon to the uncorrected root. Keras's own
    implementation passes over memory about ten times.

    Deviation: `amsgrad` is not supported. Sparse gradients of embeddings are made
    dense first, because Keras 3.15 squares their rows one by one, which is wrong
    if an index repeats.

    Example:
        >>> weight = keras.Variable([1.0])
        >>> Adam(0.1).apply([tf.constant([2.0])], [weight])
        >>> round(float(weight[0]), 4)
        0.9
    """

    def update_step(self, gradient, variable, learning_rate):
        index = self._get_variable_index(variable)
        step = tf.cast(self.iterations + 1, variable.dtype)
        betas = [tf.cast(beta, variable.dtype) for beta in (self.beta_1, self.beta_2)]
        tf.raw_ops.ResourceApplyAdam(
            var=variable.handle,
            m=self._momentums[index].value.handle,
            v=self._velocities[index].value.handle,
            beta1_power=tf.pow(betas[0], step),
            beta2_power=tf.pow(betas[1], step),
            lr=tf.cast(learning_rate, variable.dtype),
            beta1=betas[0],
            beta2=betas[1],
            epsilon=tf.cast(self.epsilon, variable.dtype),
            grad=tf.cast(tf.convert_to_tensor(gradient), variable.dtype),
        )
