"""The maps of `palettes` as layers, for exported networks: sums and products only.

Matrices are multiplied as sums, since a GPU may round what products of matrices read.
"""

from collections.abc import Sequence

import keras
import numpy as np
from keras import ops

from style_transfer.colors import FLOOR
from style_transfer.feedforward.palettes import StylePalette

SMALLEST = 1e-7  # variance of a style's colors; a gray one has none along two axes
ITERATIONS = 30  # enough for colors along a line in a style of all colors, in float32


def with_palettes(network: keras.Model, palettes: Sequence[StylePalette]) -> keras.Model:
    """Put the change of an image's colors before a network.

    Args:
        network: As of `network.build`, not movable.
        palettes: Of its styles; without any, the network is returned.

    Returns:
        A model with the inputs and the output of `network`.

    Example:
        >>> with_palettes(build(Shape(), "keras"), [palette]).input_names
        ['image', 'style']
    """
    if not palettes:
        return network
    image = keras.Input((None, None, 3), name="image")
    style = keras.Input((len(palettes),), name="style")
    return keras.Model([image, style], network([moved(image, style, palettes), style]))


def moved(
    image: keras.KerasTensor, style: keras.KerasTensor, palettes: Sequence[StylePalette]
) -> keras.KerasTensor:
    """Move the colors of images to those of mixtures of styles.

    With the covariances A of an image and F F^T of a style, the map of `colors.between` is
    F (F^T A F)^(-1/2) F^T, which needs one root. Deviation from `palettes.change`: a variance is
    the mean square, not the sum over the number less one.

    Args:
        image: (N, H, W, 3) in [0, 1].
        style: Weights of the styles, (N, S).
        palettes: Of the styles.

    Returns:
        (N, H, W, 3) in [0, 1].
    """
    mean = ops.mean(image, axis=(1, 2), keepdims=True)  # (N, 1, 1, 3)
    centered = image - mean
    rows = [
        ops.mean(centered * centered[..., row : row + 1], axis=(1, 2), keepdims=True)
        for row in range(3)
    ]
    covariance = ops.concatenate(rows, axis=1)[:, :, 0] + FLOOR * np.eye(3, dtype=np.float32)
    result = 0.0
    for number, palette in enumerate(palettes):
        matrix = _matrix(covariance, palette)  # (N, 3, 3)
        parts = (centered[..., row : row + 1] * matrix[:, None, row : row + 1] for row in range(3))
        changed = ops.clip(sum(parts) + palette.mean.astype(np.float32), 0.0, 1.0)
        weight = style[:, None, None, number : number + 1]  # (N, 1, 1, 1)
        result = result + weight * (image + palette.share * (changed - image))
    return result


def _matrix(covariance: keras.KerasTensor, palette: StylePalette) -> keras.KerasTensor:
    """The linear part of the map, (N, 3, 3)."""
    values, vectors = np.linalg.eigh(palette.covariance)
    kept = values > SMALLEST
    if not kept.any():
        return 0.0 * covariance
    factor = (vectors[:, kept] * np.sqrt(values[kept])).astype(np.float32)[None]  # (1, 3, R)
    turned = factor.transpose(0, 2, 1)
    inverse = inverse_root(_times(_times(turned, covariance), factor))  # (N, R, R)
    return _times(_times(factor, inverse), turned)


def inverse_root(matrix: keras.KerasTensor) -> keras.KerasTensor:
    """Compute the inverse square root of symmetric positive matrices.

    The coupled Newton-Schulz iteration: Higham 2008, Functions of Matrices, equation 6.35.

    Args:
        matrix: (N, R, R).

    Returns:
        (N, R, R).

    Example:
        >>> inverse_root(4.0 * ops.eye(2)[None])[0, 0, 0]  # 0.5
    """
    identity = np.eye(matrix.shape[-1], dtype=np.float32)
    trace = ops.sum(matrix * identity, axis=(1, 2), keepdims=True)
    root, inverse = matrix / trace, 0.0 * matrix + identity
    for _ in range(ITERATIONS):
        factor = _times(inverse, root) * -0.5 + 1.5 * identity
        root, inverse = _times(root, factor), _times(factor, inverse)
    return inverse / ops.sqrt(trace)


def _times(first, second):
    """Products of matrices (N or 1, I, K) and (N or 1, K, J)."""
    parts = (
        ops.multiply(first[:, :, k : k + 1], second[:, k : k + 1]) for k in range(first.shape[-1])
    )
    return sum(parts)
