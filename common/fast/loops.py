"""The inner loop of an optimization whose only data is what it optimizes."""

from collections.abc import Callable

import tensorflow as tf

Logs = dict[str, tf.Tensor]


def repeat(step: Callable[[], Logs], compiled: bool) -> Callable[[int], Logs]:
    """Turn a step into a function that runs it several times in one graph.

    Plain form: call `step` in a Python loop. Keras's own loop asks at every step
    whether there is more data, which costs 2 %. The logs of all steps but the
    last are not computed, unless XLA compiles the step: that saves 5 %.

    Args:
        step: Runs one step; returns scalars by name.
        compiled: Compile the step with XLA.

    Returns:
        A function of the number of steps, at least 1, that returns the logs of
        the last one as NumPy numbers.
    """
    # None, as False keeps TensorFlow from optimizing step and loop together. Without
    # autograph a step is traced in 15 % less time; its loops and branches are Python's.
    single = tf.function(step, jit_compile=compiled or None, autograph=False)
    names: list[str] = []

    @tf.function
    def execute(count: tf.Tensor) -> tf.Tensor:
        for _ in tf.range(count - 1):
            single()
        logs = single()
        names[:] = logs
        return tf.stack(list(logs.values()))

    return lambda count: dict(zip(names, execute(tf.constant(count)).numpy(), strict=True))


@tf.function(jit_compile=True)
def clip_and_average(
    image: tf.Variable, average: tf.Variable, iteration: tf.Variable, horizon: tf.Tensor
) -> None:
    """Clip an image to [0, 1] and move the running average of its iterates.

    The average is the plain mean of the first `horizon` iterates, then an
    exponential one. Compiled: two passes over the image instead of six.

    Args:
        image: (B, H, W, 3).
        average: (B, H, W, 3).
        iteration: Scalar; the number of iterates so far, increased by 1.
        horizon: Scalar; iterations that the average reaches back.
    """
    image.assign(tf.clip_by_value(image, 0.0, 1.0))
    iteration.assign_add(1.0)
    share = tf.maximum(1.0 / iteration, 1.0 / horizon)
    average.assign_add(share * (image - average))
