"""The deep layers of the embedded extractor: a smoothed SqueezeNet.

`experiments/distill_deep.py` trains it; `weights/DEEP_CARD.md` describes its data
and accuracy.
"""

from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
import tensorflow as tf

from common import npz
from common.extractors.compact import Features
from common.fast.blur_pool import blur_pool
from common.fast.cells import cells
from common.losses.feature_map import moments

WEIGHTS = Path(__file__).parent / "weights" / "deep.npz"
TAPS = ("fire4", "fire5", "fire6", "fire8")
POOLED = (2, 4, 6)  # fire modules that read half the size of the one before
LAST = 8
OPERATIONS = (  # kernel and stride, from the image on
    *((2, 2), (3, 1)),
    *((4, 2), (3, 1), (3, 1)),
    *((4, 2), (3, 1), (3, 1)),
    *((4, 2), (3, 1), (3, 1), (3, 1)),
)
PARTS = {"squeeze": 1, "expand1": 1, "expand3": 3}  # convolution -> size of its kernel


def fire(values: tf.Tensor, weights: Mapping[str, tf.Tensor], name: str) -> tf.Tensor:
    """Compute a fire module: Iandola et al. 2016, SqueezeNet, section 3.2.

    A 1x1 convolution to few channels, then a 1x1 and a 3x3 convolution side by side.

    Args:
        values: (B, H, W, C).
        weights: NAME/squeeze (1, 1, C, S), NAME/expand1 (1, 1, S, E), NAME/expand3
            (3, 3, S, E), each with its NAME/PART/bias.
        name: Of the module.

    Returns:
        (B, H, W, 2 E).
    """

    def convolve(values: tf.Tensor, part: str) -> tf.Tensor:
        key = f"{name}/{part}"
        return tf.nn.bias_add(tf.nn.conv2d(values, weights[key], 1, "SAME"), weights[f"{key}/bias"])

    squeezed = tf.nn.relu(convolve(values, "squeeze"))
    expanded = [convolve(squeezed, "expand1"), convolve(squeezed, "expand3")]
    return tf.nn.relu(tf.concat(expanded, axis=-1))


def student(image: tf.Tensor, weights: Mapping[str, tf.Tensor]) -> dict[str, tf.Tensor]:
    """Compute SqueezeNet 1.1 to fire8, with averages in place of maxima.

    Deviations from SqueezeNet, so that the gradient reaches every pixel evenly and
    stylized images have no grain: the first convolution reads 6x6 pixels instead of
    3x3 at the same stride of 2, and every 3x3 maximum is a smooth 4x4 average.

    Args:
        image: (B, H, W, 3) float32 in [0, 1].
        weights: "stem" (3, 3, 12, 64), a convolution of blocks of 2x2 pixels, with
            "stem/bias", and those of `fire`, for "fire2" to "fire8".

    Returns:
        {layer: activations}, "stem" (B, H/2, W/2, 64), "fire2" (B, H/4, W/4, 128) to
        "fire8" (B, H/16, W/16, 512). Sides are rounded up.
    """
    values = cells(image, weights["stem"].dtype)  # (B, H/2 + 2, W/2 + 2, 12)
    values = tf.nn.conv2d(values, weights["stem"], 1, "VALID")  # (B, H/2, W/2, 64)
    values = tf.nn.relu(tf.nn.bias_add(values, weights["stem/bias"]))
    features = {"stem": values}
    for number in range(2, LAST + 1):
        if number in POOLED:
            values = blur_pool(values)
        values = features[f"fire{number}"] = fire(values, weights, f"fire{number}")
    return features


def read(path: Path = WEIGHTS) -> dict[str, np.ndarray]:
    """Read and check the weights.

    Args:
        path: An .npz with the arrays that `student` takes.

    Raises:
        InputError: The file is missing or holds other arrays.
    """
    stored = npz.read(path)
    arrays = {"stem": npz.take(path, stored, "stem", (3, 3, 12, None))}
    channels = arrays["stem"].shape[-1]
    arrays["stem/bias"] = npz.take(path, stored, "stem/bias", (channels,))
    for number in range(2, LAST + 1):
        width = channels  # of what the module reads; the squeezed width of what it expands
        for part, side in PARTS.items():
            key = f"fire{number}/{part}"
            arrays[key] = npz.take(path, stored, key, (side, side, width, None))
            found = arrays[key].shape[-1]
            arrays[f"{key}/bias"] = npz.take(path, stored, f"{key}/bias", (found,))
            width = found if part == "squeeze" else width
        channels = arrays[f"fire{number}/expand1"].shape[-1] + found
    return arrays


def load(
    path: Path = WEIGHTS, dtype: str = "float32"
) -> Callable[[tf.Tensor], dict[str, Features]]:
    """Load the deep layers with frozen weights.

    Args:
        path: An .npz that `read` takes.
        dtype: Type of the convolutions.

    Returns:
        A function from images (B, H, W, 3) in [0, 1] to {layer: Features}.

    Raises:
        InputError: The file is missing or holds other arrays.

    Example:
        >>> load()(tf.zeros((1, 64, 64, 3)))["fire4"].moments().second.shape
        TensorShape([1, 256, 256])
    """
    weights = {name: tf.constant(array, dtype) for name, array in read(path).items()}

    def extract(image: tf.Tensor) -> dict[str, Features]:
        values = student(image, weights)
        return {layer: Features(values[layer], moments(values[layer])) for layer in TAPS}

    return extract
