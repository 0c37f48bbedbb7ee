"""Graphs in less time, for small images, and in less memory, for large ones."""

import contextlib
from collections.abc import Callable, Iterator
from typing import Any

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


def in_a_graph_if_large(function: Callable[[tf.Tensor], Any], image: tf.Tensor) -> Any:
    """Call a function of an image; if it is large, as a graph that is run once.

    A graph frees every intermediate result after its last use, and computes none
    that the result does not need. Plain form: `function(image)`.

    Args:
        function: Returns tensors, or a nest of them.
        image: (B, H, W, C).

    Returns:
        What the function returns.

    Example:
        >>> in_a_graph_if_large(tf.reduce_mean, tf.ones((1, 1024, 1024, 3))).numpy()
        1.0
    """
    if is_small(image.shape[1:3]):
        return function(image)
    return tf.function(function, autograph=False)(image)
