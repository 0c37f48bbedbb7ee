"""The adversarial step, and nothing that a callback can do."""

import keras
import tensorflow as tf


class RunningMeans(keras.metrics.Metric):
    """Means of several scalars since the last reset, kept in one variable for speed.

    The scalars must be those of the whole batch, the same on every replica.
    """

    def __init__(self, names: tuple[str, ...]):
        super().__init__(name="metrics")
        self.names = names
        self.total = self.add_variable(  # last: the count
            (len(names) + 1,), "zeros", name="total", aggregation="only_first_replica"
        )

    def update_state(self, metrics: dict[str, tf.Tensor]) -> None:
        row = [tf.cast(metrics[name], tf.float32) for name in self.names]
        self.total.assign_add(tf.stack([*row, tf.constant(1.0)]))

    def result(self) -> dict[str, tf.Tensor]:
        total = tf.unstack(self.total.value)
        count = tf.maximum(total[-1], 1.0)
        return {name: value / count for name, value in zip(self.names, total[:-1], strict=True)}
