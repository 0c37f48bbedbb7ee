"""Two operations at a time on a CPU, each on half of the cores."""

import os

import tensorflow as tf


def overlap_operations() -> None:
    """Let TensorFlow run two operations at a time, each on half of this process's cores.

    By default one operation has all cores, and cores wait at its end. Where a graph has
    branches, such as the gradients of a convolution's kernel and of its input, two at a time
    are faster: training an image transformation network on two cores made 4 to 16 % more steps
    in the same time. The networks of `gan` are 10 % slower this way.

    Must be called before TensorFlow's first operation; later it does nothing.

    Example:
        >>> overlap_operations()
    """
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    try:
        tf.config.threading.set_inter_op_parallelism_threads(2)
        tf.config.threading.set_intra_op_parallelism_threads(max(1, (cores or 1) // 2))
    except RuntimeError:  # TensorFlow has begun
        return
