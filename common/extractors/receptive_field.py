"""What an extractor's places see of an image, from the sizes of its kernels."""

from collections.abc import Iterable
from typing import NamedTuple


class ReceptiveField(NamedTuple):
    """Grid and reach of a network's coarsest layer.

    Attributes:
        stride: Pixels between neighboring places.
        radius: Pixels beyond its own `stride` x `stride` pixels, to each side, that
            a place can see.
    """

    stride: int
    radius: int


def receptive_field(operations: Iterable[tuple[int, int]]) -> ReceptiveField:
    """Compute the receptive field of convolutions and poolings in a chain.

    Padding is "SAME"; all sides are multiples of the stride. With several branches,
    give the one with the largest kernels.

    Args:
        operations: (kernel, stride) of each, from the image on. Blocks of 2x2
            pixels that become channels are (2, 2).

    Example:
        >>> receptive_field([(3, 1), (3, 1), (2, 2), (3, 1)])  # relu2_1 of a VGG
        ReceptiveField(stride=2, radius=4)
    """
    total, radius = 1, 0
    for kernel, stride in operations:
        radius += max(0, -(-(kernel - stride) // 2)) * total
        total *= stride
    return ReceptiveField(total, radius)
