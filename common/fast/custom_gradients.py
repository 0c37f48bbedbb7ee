"""Memory of graphs with custom gradients."""

import contextlib
import gc
from collections.abc import Iterator

from tensorflow.python.framework import ops  # no public name exists

PREFIX = "CustomGradient-"


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
