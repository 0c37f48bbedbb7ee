"""Formulas that hold for NumPy arrays and for tensors, and random numbers of both kinds.

Importable without TensorFlow.
"""

import math
import numbers
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

Array = Any
"""A NumPy array or a tensor."""
Seed = Any
"""An integer or a `numpy.random.Generator` draws NumPy arrays; a `keras.random.SeedGenerator`
draws tensors of the same distribution, also within a `tf.function`."""


def library(values: Array) -> Any:
    """Return NumPy for its arrays, and `keras.ops`, which is differentiable, for tensors.

    Example:
        >>> library(np.zeros(3)).square(3.0)
        9.0
    """
    if isinstance(values, np.ndarray):
        return np
    from keras import ops

    return ops


class Random(NamedTuple):
    """A source of random numbers, of NumPy or of Keras.

    Attributes:
        library: NumPy or `keras.ops`.
        normal: Maps a shape and a standard deviation to normal numbers, float32.
        uniform: Maps a shape to uniform numbers in (-1, 1).
        below: Maps a count and a bound to whole numbers from 0 to below the bound.
        erfinv: The inverse of the error function; float32.
    """

    library: Any
    normal: Callable[[tuple, float], Array]
    uniform: Callable[[tuple], Array]
    below: Callable[[int, int], Array]
    erfinv: Callable[[Array], Array]


def random(seed: Seed) -> Random:
    """Return the source of random numbers that belongs to a seed.

    Args:
        seed: An integer, a NumPy generator or a Keras seed generator.

    Example:
        >>> random(0).normal((16, 64), 1.0).dtype
        dtype('float32')
    """
    if isinstance(seed, numbers.Integral):
        seed = np.random.default_rng(seed)
    if isinstance(seed, np.random.Generator):
        return Random(
            np,
            lambda shape, deviation: seed.normal(0.0, deviation, shape).astype(np.float32),
            lambda shape: seed.uniform(-1.0, 1.0, shape),
            lambda count, high: seed.integers(high, size=count),
            _erfinv,
        )
    from keras import ops
    from keras import random as keras_random

    return Random(
        ops,
        lambda shape, deviation: keras_random.normal(shape, stddev=deviation, seed=seed),
        lambda shape: keras_random.uniform(shape, -1.0, 1.0, seed=seed),
        lambda count, high: keras_random.randint((count,), 0, high, seed=seed),
        ops.erfinv,
    )


def _erfinv(values: np.ndarray) -> np.ndarray:
    from scipy import special  # takes a third of a second

    return special.erfinv(values).astype(np.float32)


def stateless(seed: Seed) -> Array:
    """Convert a seed to the two integers that TensorFlow Probability calls a stateless seed.

    Example:
        >>> stateless(3)
        array([0, 3], dtype=int32)
    """
    if isinstance(seed, numbers.Integral):
        return np.array([0, seed], np.int32)
    if isinstance(seed, np.random.Generator):
        return seed.integers(2**31, size=2).astype(np.int32)
    from keras import ops

    return ops.cast(seed.next(), "int32")


def log_normal(values: Array, deviation: float) -> Array:
    """Compute the log density of independent normal numbers of mean 0.

    Args:
        values: float32 (..., Z).
        deviation: Their standard deviation.

    Returns:
        (...), summed over the last axis.

    Example:
        >>> log_normal(np.zeros((1, 2)), 1.0)
        array([-1.83787707])
    """
    constant = values.shape[-1] * math.log(deviation * math.sqrt(2.0 * math.pi))
    squares = library(values).square(values / deviation)
    return -library(values).sum(squares, axis=-1) / 2.0 - constant


def great_circle(start: np.ndarray, end: np.ndarray, shares: np.ndarray) -> np.ndarray:
    """Interpolate between two vectors along the great circle of their directions.

    A normal vector of Z dimensions lies near a sphere of radius sqrt(Z), which a
    straight line would leave (White 2016, section 2.1).

    Args:
        start: float (Z,).
        end: float (Z,). Parallel to `start`, the path is a straight line.
        shares: Places on the path, 0 (start) to 1 (end), (S,).

    Returns:
        (S, Z).

    Example:
        >>> great_circle(np.array([1.0, 0.0]), np.array([0.0, 1.0]), np.array([0.5]))
        array([[0.70710678, 0.70710678]])
    """
    shares = np.asarray(shares)[:, None]
    norms = np.linalg.norm(start) * np.linalg.norm(end)
    angle = np.arccos(np.clip(start @ end / norms, -1.0, 1.0)) if norms else 0.0
    if np.sin(angle) < 1e-6:  # the great circle is a line, or undefined
        return (1.0 - shares) * start + shares * end
    return (np.sin((1.0 - shares) * angle) * start + np.sin(shares * angle) * end) / np.sin(angle)
