"""Maps of the position, from which a network makes texture where a photo is flat.

A convolutional network paints a flat region flat, or with a grid: nothing tells one pixel
from the next. Texture Networks (Ulyanov et al. 2016) add noise for that; here it is sine
waves of the position with random directions and lengths, as the periodic dimensions of
PSGAN (Bergmann et al. 2017, section 3). Unlike noise they are a function of the position,
so tiles fit together, an image always has the same painting, and any program can compute
them. Deviation from PSGAN: the wave vectors are constants instead of functions of a latent
vector, and a random position of the corner takes the place of random phases in training.
"""

import keras
import numpy as np
from keras import ops

LENGTHS = 16.0, 96.0  # pixels, evenly in the logarithm
SEED = 0  # of the constants
START = 103.0, 241.0  # pixels; at 0 all waves would have the same phase
CORNERS = 4096  # pixels; random corners are below this


def vectors(count: int) -> np.ndarray:
    """Return the wave vectors in radians per pixel, float32 (2, count): along rows and columns.

    Example:
        >>> vectors(3).shape
        (2, 3)
    """
    shares = np.random.default_rng(SEED).random((count, 2)).T
    lengths = LENGTHS[0] * (LENGTHS[1] / LENGTHS[0]) ** shares[0]
    directions = np.stack([np.cos(np.pi * shares[1]), np.sin(np.pi * shares[1])])
    return (2 * np.pi / lengths * directions).astype(np.float32)


def corner_of(seed: int) -> np.ndarray:
    """Return where the waves of an image begin, row and column, float32 (2,); 0 for seed 0.

    Example:
        >>> corner_of(0)
        array([0., 0.], dtype=float32)
    """
    if seed == 0:
        return np.zeros(2, np.float32)
    return np.random.default_rng(seed).integers(CORNERS, size=2).astype(np.float32)


def waves(
    values: keras.KerasTensor, stride: int, count: int, corner: keras.KerasTensor | None = None
) -> keras.KerasTensor:
    """Compute the waves at every place of a feature map.

    Args:
        values: Feature map, (B, H, W, C); only its shape matters.
        stride: Pixels of an image's side for each place of the map.
        count: Number of waves, K.
        corner: Row and column (B, 2) in pixels that the first place has in the whole image,
            to which `START` is added; by default 0.

    Returns:
        float32 (B, H, W, K) in [-1, 1].

    Example:
        >>> waves(ops.zeros((1, 4, 6, 8)), 8, 16).shape
        TensorShape([1, 4, 6, 16])
    """
    ones = ops.ones_like(ops.cast(values[..., :1], "float32"))
    phase = 0.0
    for axis, vector in enumerate(vectors(count)):  # a product of matrices is inexact on a GPU
        position = START[axis] + stride * (ops.cumsum(ones, axis=axis + 1) - 1.0)  # (B, H, W, 1)
        if corner is not None:
            position = position + corner[:, None, None, axis : axis + 1]
        phase = phase + position * vector  # (B, H, W, K)
    return ops.sin(phase)
