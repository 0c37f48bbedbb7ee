"""Graphs that TensorFlow runs as they were traced."""

import contextlib
from collections.abc import Iterator

import tensorflow as tf

OFF = "disable_meta_optimizer"
SMALL = 2**17  # pixels, 362x362


def is_small(size: tuple[int, int]) -> bool:
    """Return whether an image, (width, height), takes so little memory that time counts more.

    Example:
        >>> is_small((256, 256))
        True
    """
    return size[0] * size[1] <= SMALL


@contextlib.contextmanager
def without_graph_optimizer() -> Iterator[None]:
    """Skip TensorFlow's optimizer of graphs (Grappler) inside a `with` block.

    It takes a second for each graph of a stylization, of which every level has
    two, and makes none of their iterations faster: 65 instead of 77 seconds for a
    stylization at 256 px. But it saves a sixth of the memory, which counts for
    large images: see `is_small`. Plain form: leave it on.

    Example:
        >>> with without_graph_optimizer():
        ...     stylize("photo.jpg", ["painting.jpg"])
    """
    before = tf.config.optimizer.get_experimental_options().get(OFF, False)
    tf.config.optimizer.set_experimental_options({OFF: True})
    try:
        yield
    finally:
        tf.config.optimizer.set_experimental_options({OFF: before})
