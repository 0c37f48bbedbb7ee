"""A Keras model whose training step runs on several replicas."""

import keras
import tensorflow as tf


class ReplicatedModel(keras.Model):
    """A `keras.Model` for a `train_step` that exchanges what replicas must share by itself.

    On one replica it is Keras's own model. On several, Keras 3.15 cannot run more
    than one step per call, and it fails when it builds a model from one worker's
    share of a batch. A subclass is built in its constructor, computes gradients
    and metrics that are equal on all replicas (`common.distribution.replicas`),
    and has metrics whose results are dictionaries.
    """

    def _maybe_symbolic_build(self, iterator=None, data_batch=None):
        """Do nothing, since all is built."""

    def make_train_function(self, force=False):
        """Return a function of an iterator that runs `steps_per_execution` training steps."""
        strategy = self.distribute_strategy
        if strategy.num_replicas_in_sync == 1:
            return super().make_train_function(force)
        step = tf.autograph.experimental.do_not_convert(self.train_step)

        @tf.function
        def execute(iterator):
            for _ in tf.range(self.steps_per_execution):
                strategy.run(step, args=(next(iterator),))

        def train_function(iterator):
            execute(iterator)
            return {k: v for metric in self.metrics for k, v in metric.result().items()}

        self.train_function = train_function
        return train_function
