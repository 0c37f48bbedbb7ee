"""The maps of `palettes` as layers, for exported networks: sums and products only."""

from collections.abc import Sequence

import keras
import numpy as np
from keras import ops

from style_transfer.feedforward.palettes import StylePalette

IDENTITY = np.eye(3, dtype=np.float32)
FLOOR = 1e-5  # added to variances, as in `colors.between`
TINY = 1e-9  # or a gray style, whose matrix has no rank, would divide by 0
ITERATIONS = 20  # enough where a variance is a 100,000th of the largest


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
    return keras.Model([image, style], network([recolored(image, style, palettes), style]))


def recolored(
    image: keras.KerasTensor, style: keras.KerasTensor, palettes: Sequence[StylePalette]
) -> keras.KerasTensor:
    """Move the colors of images to those of mixtures of styles.

    Deviation from `palettes.change`: a variance is the mean square, not the sum over the number
    less one.

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
    covariance = ops.concatenate(rows, axis=1)[:, :, 0]  # (N, 3, 3)
    root, inverse = roots(covariance + FLOOR * IDENTITY)
    result = 0.0
    for number, palette in enumerate(palettes):
        target = palette.covariance.astype(np.float32)
        middle, _ = roots(root @ target @ root + TINY * IDENTITY)
        matrix = inverse @ middle @ inverse
        goal = palette.mean.astype(np.float32)
        moved = sum(
            centered[..., row : row + 1] * matrix[:, None, row : row + 1] for row in range(3)
        )
        moved = ops.clip(moved + goal, 0.0, 1.0)
        weight = style[:, None, None, number : number + 1]  # (N, 1, 1, 1)
        result = result + weight * (image + palette.share * (moved - image))
    return result


def roots(matrix: keras.KerasTensor) -> tuple[keras.KerasTensor, keras.KerasTensor]:
    """Compute the square root of symmetric positive matrices, and its inverse.

    The coupled Newton-Schulz iteration: Higham 2008, Functions of Matrices, equation 6.35.

    Args:
        matrix: (N, 3, 3).

    Returns:
        Two of (N, 3, 3).

    Example:
        >>> roots(4.0 * ops.eye(3)[None])[0][0, 0, 0]  # 2, the root of 4
    """
    size = ops.sum(matrix * IDENTITY, axis=(1, 2), keepdims=True)  # the trace
    root, inverse = matrix / size, 0.0 * matrix + IDENTITY
    for _ in range(ITERATIONS):
        factor = (inverse @ root) * -0.5 + 1.5 * IDENTITY
        root, inverse = root @ factor, factor @ inverse
    return root * ops.sqrt(size), inverse / ops.sqrt(size)
