"""Images to features and back: the embedded extractor's last layer, and a decoder.

`experiments/train_decoder.py` trains the decoder; `DECODER_CARD.md` beside the weights
describes its data and accuracy.
"""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import tensorflow as tf

from common import npz
from common.extractors import compact
from common.fast.activations import relu
from common.fast.cells import CENTER, max_pool, plain_cells, repeat_border
from common.fast.resize_convolution import resize_convolve

WEIGHTS = compact.WEIGHTS.with_name("decoder.npz")
STRIDE = 4  # pixels of an image's side for each place of its code
MARGIN = 32  # pixels beyond a place that the encoder and the decoder see together
CHANNELS = 128  # of a code
SHAPES = {  # convolution of the decoder -> channels in and out
    "mix1": (CHANNELS, 128),
    "mix2": (128, 128),
    "half": (128, 64),
    "smooth": (64, 48),
    "full": (48, 24),
    "paint": (24, 3),
}
DOUBLING = ("half", "full")

Weights = Mapping[str, tf.Tensor]


def encoder_weights(path: Path = compact.WEIGHTS) -> dict[str, np.ndarray]:
    """Read the convolutions of the embedded extractor.

    Args:
        path: An .npz as `common.extractors.compact.load` takes it.

    Raises:
        InputError: The file is missing or holds other arrays.
    """
    return compact.convolutions(path, npz.read(path))


def decoder_weights(path: Path = WEIGHTS) -> dict[str, np.ndarray]:
    """Read the decoder, and the mean and the scale of the codes' channels.

    Args:
        path: An .npz with the arrays that `encode` and `decode` take.

    Raises:
        InputError: The file is missing or holds other arrays.
    """
    stored = npz.read(path)
    arrays = {name: npz.take(path, stored, name, (CHANNELS,)) for name in ("mean", "scale")}
    for name, shape in SHAPES.items():
        arrays[name] = npz.take(path, stored, name, (3, 3, *shape))
        arrays[f"{name}/bias"] = npz.take(path, stored, f"{name}/bias", shape[1:])
    return arrays


def load() -> dict[str, tf.Tensor]:
    """Load the embedded encoder and decoder as float32 constants.

    Example:
        >>> weights = load()
        >>> decode(encode(image, weights), weights)  # (B, H, W, 3), about the image
    """
    arrays = {**encoder_weights(), **decoder_weights()}
    return {name: tf.constant(array, tf.float32) for name, array in arrays.items()}


def features(image: tf.Tensor, weights: Weights) -> dict[str, tf.Tensor]:
    """Compute the extractor's layers, the last before its ReLU.

    Without it, a layer is about Gaussian and holds more of the image. Deviation from
    `common.extractors.compact.student`: every convolution sees the border repeated, so
    that the borders have the statistics of the rest.

    Args:
        image: (B, H, W, 3) float32 in [0, 1]; sides of multiples of `STRIDE`.
        weights: As of `encoder_weights`.

    Returns:
        conv1 to conv3 (B, H/2, W/2, C), and conv4 (B, H/4, W/4, `CHANNELS`).
    """
    found, values = {}, plain_cells(image, weights["conv1"].dtype)
    for name in ("conv1", "conv2", "conv3"):
        values = values if name == "conv1" else repeat_border(values)
        values = found[name] = relu(_convolve(values, weights, name))
    found["conv4"] = _convolve(repeat_border(max_pool(values)), weights, "conv4")
    return found


def encode(image: tf.Tensor, weights: Weights) -> tf.Tensor:
    """Compute the code of images: channels of about mean 0 and variance 1.

    Args:
        image: (B, H, W, 3) float32 in [0, 1]; sides of multiples of `STRIDE`.
        weights: As of `load`.

    Returns:
        (B, H/4, W/4, `CHANNELS`) float32.
    """
    return standard(features(image, weights)["conv4"], weights)


def standard(values: tf.Tensor, weights: Weights) -> tf.Tensor:
    """Bring the extractor's last layer to the mean and the scale of codes, in float32."""
    return (tf.cast(values, tf.float32) - weights["mean"]) / weights["scale"]


def decode(code: tf.Tensor, weights: Weights) -> tf.Tensor:
    """Compute the images of codes.

    Convolutions with ReLU, no normalization: it would take the moments out of the
    code, which are the style. Resized maps and convolutions instead of unconstrained
    transposed ones: a flat code gives a flat image, no checkerboard (Odena et al. 2016).

    Args:
        code: (B, h, w, `CHANNELS`).
        weights: NAME (3, 3, in, out) and NAME/bias of every name in `SHAPES`.

    Returns:
        (B, 4 h, 4 w, 3) float32, about in [0, 1]: not clipped.
    """
    values = tf.cast(code, weights["mix1"].dtype)
    for name in SHAPES:
        if name in DOUBLING:
            values = resize_convolve(values, weights[name], weights[f"{name}/bias"])
        else:
            values = _convolve(repeat_border(values), weights, name)
        if name != "paint":
            values = relu(values)
    return tf.cast(values, tf.float32) + CENTER


def _convolve(values: tf.Tensor, weights: Weights, name: str) -> tf.Tensor:
    values = tf.nn.conv2d(values, weights[name], 1, "VALID")
    return tf.nn.bias_add(values, weights[f"{name}/bias"])
