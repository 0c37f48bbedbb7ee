"""The metrics of a training step, averaged over steps."""

from collections.abc import Mapping

import keras
import tensorflow as tf


class RunningMeans(keras.metrics.Metric):
    """Mean of each of several scalars since the last reset.

    All sums are kept in one variable, which costs one operation per step instead
    of two for each scalar. The scalars must describe the whole batch, so that
    they are equal on every replica.

    Args:
        names: Of the scalars.
        sums: Further results by name, each the sum of the means of these scalars.

    Example:
        >>> means = RunningMeans(("loss",))
        >>> means.update_state({"loss": 1.0})
        >>> means.update_state({"loss": 3.0})
        >>> float(means.result()["loss"])
        2.0
    """

    def __init__(self, names: tuple[str, ...], sums: Mapping[str, tuple[str, ...]] | None = None):
        super().__init__(name="metrics")
        self.names, self.sums = names, sums or {}
        self.total = self.add_variable(  # last: the number of steps
            (len(names) + 1,), "zeros", name="total", aggregation="only_first_replica"
        )

    def update_state(self, metrics: dict[str, tf.Tensor]) -> None:
        """Add the scalars of one step; those without a name here are ignored."""
        row = [tf.cast(metrics[name], tf.float32) for name in self.names]
        self.total.assign_add(tf.stack([*row, tf.constant(1.0)]))

    def result(self) -> dict[str, tf.Tensor]:
        """Return the mean of each scalar; zeros before the first step."""
        total = tf.unstack(self.total.value)
        count = tf.maximum(total[-1], 1.0)
        means = {name: value / count for name, value in zip(self.names, total[:-1], strict=True)}
        return means | {
            name: tf.add_n([means[part] for part in parts]) for name, parts in self.sums.items()
        }
