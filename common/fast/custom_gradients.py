"""Functions with a gradient of the caller, and the memory of graphs with custom gradients."""

import contextlib
import gc
from collections.abc import Callable, Iterator, Sequence

import tensorflow as tf
from tensorflow.python.framework import ops  # no public name exists

PREFIX = "CustomGradient-"


def with_gradient(
    function: Callable[[tf.Tensor], Sequence[tf.Tensor]], gradient: Callable[..., tf.Tensor]
) -> Callable[[tf.Tensor], Sequence[tf.Tensor]]:
    """Give a function a gradient.

    Args:
        function: From a tensor to several; a tape does not record what it does.
        gradient: From that tensor and the gradients of all results to its gradient.

    Example:
        >>> double = with_gradient(lambda x: [2.0 * x], lambda x, upstream: 2.0 * upstream)
    """

    @tf.custom_gradient
    def run(argument: tf.Tensor) -> tuple[list[tf.Tensor], Callable[..., tf.Tensor]]:
        frozen = tf.stop_gradient(argument)  # or an eager tape records the operations, too
        return list(function(frozen)), lambda *upstream: gradient(frozen, *upstream)

    return run


@contextlib.contextmanager
def released_graphs() -> Iterator[None]:
    """Free the graphs traced inside a `with` block when it ends.

    `tf.custom_gradient` registers a function for every call that is traced, for
    the life of the process, and that function holds the whole graph. A process
    that traces a graph for each image grows by tens of MiB an image. Gradients
    through graphs traced inside the block cannot be built after it.
    """
    registry = ops.gradient_registry._registry
    before = set(registry)
    try:
        yield
    finally:
        for name in set(registry) - before:
            if name.startswith(PREFIX):
                del registry[name]
        gc.collect()  # graphs are cycles
