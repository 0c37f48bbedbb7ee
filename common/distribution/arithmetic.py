"""A measurement of which arithmetic makes a training step faster on this processor."""

import itertools
import time
from collections.abc import Callable

import numpy as np
import tensorflow as tf

from common.fast.convolution import convolve, convolve_transposed

BATCH, SIDE, WIDTHS = 128, 16, (32, 64, 128)  # of the default GAN; half its batch
ROUNDS = 4
DTYPES = ("float32", "bfloat16")


def milliseconds() -> dict[str, float]:
    """Measure a small network's forward and backward pass in float32 and in bfloat16.

    The network has the shapes of the default GAN: two strided convolutions and
    their transposes. Processor flags do not tell: with the same flags bfloat16
    took 0.65 times as long as float32 on one processor and 1.4 times on another.

    Returns:
        The shortest of `ROUNDS` passes of each, by name of the type.
    """
    random = np.random.default_rng(0)  # no global random state is used
    images = random.standard_normal((BATCH, SIDE, SIDE, WIDTHS[0]), np.float32)
    shapes = [(4, 4, *pair) for pair in itertools.pairwise(WIDTHS)]
    kernels = [0.05 * random.standard_normal(shape, np.float32) for shape in shapes]
    steps = {dtype: _step(dtype, tf.constant(images), kernels) for dtype in DTYPES}
    for step in steps.values():
        step()  # traced and warm
    rounds = [{dtype: _time(step) for dtype, step in steps.items()} for _ in range(ROUNDS)]
    return {dtype: min(times[dtype] for times in rounds) for dtype in DTYPES}


def _step(dtype: str, images: tf.Tensor, arrays: list[np.ndarray]) -> Callable[[], None]:
    kernels = [tf.constant(array) for array in (*arrays, *arrays)]

    @tf.function
    def gradients() -> list[tf.Tensor]:
        with tf.GradientTape() as tape:
            tape.watch(kernels)
            first, second, third, fourth = (tf.cast(kernel, dtype) for kernel in kernels)
            x = tf.cast(images, dtype)  # (B, 16, 16, 32)
            x = tf.nn.leaky_relu(convolve(x, first, 2, "SAME"))  # (B, 8, 8, 64)
            x = tf.nn.leaky_relu(convolve(x, second, 2, "SAME"))  # (B, 4, 4, 128)
            x = tf.nn.relu(convolve_transposed(x, fourth, (SIDE // 2, SIDE // 2), 2, "SAME"))
            x = convolve_transposed(x, third, (SIDE, SIDE), 2, "SAME")  # (B, 16, 16, 32)
            loss = tf.reduce_mean(tf.cast(x, tf.float32) ** 2)
        return tape.gradient(loss, kernels)

    return lambda: [gradient.numpy() for gradient in gradients()]


def _time(step: Callable[[], None]) -> float:
    started = time.perf_counter()
    step()
    return 1000.0 * (time.perf_counter() - started)
