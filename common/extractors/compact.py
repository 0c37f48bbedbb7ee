"""The embedded extractor: a small student of VGG-19 with linear heads.

`experiments/distill_extractor.py` trains it; `weights/CARD.md` describes its data
and accuracy.
"""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import NamedTuple

import numpy as np
import tensorflow as tf

from common import npz
from common.distribution import devices
from common.fast.activations import relu
from common.fast.cells import cells, max_pool
from common.fast.moments import product
from common.losses.feature_map import Moments, moments

WEIGHTS = Path(__file__).parent / "weights" / "compact.npz"
TILE = 32  # bfloat16 numbers in a row of the processor's matrix tiles
TAPS = {  # layer of the teacher -> layer of the student that its head reads
    "relu1_1": "conv1",
    "relu1_2": "conv2",
    "relu2_1": "conv2",
    "relu2_2": "conv3",
    "relu3_1": "conv4",
}


class Features(NamedTuple):
    """The activations of one layer, directly or through a linear head.

    Attributes:
        values: (B, H, W, C).
        own_moments: Moments of `values`, computed once for all heads that read them.
        head: (C + 1, P, T) float32, or None if `values` are the layer's channels.
            The teacher's T channels are [f, 1] @ head[:, p]. P is above 1 if the
            teacher's layer is finer: p counts the P places of the teacher within
            one place of `values`.
        weights: (1, H, W) float32, of every place in `own_moments`; None if equal.
    """

    values: tf.Tensor
    own_moments: Moments
    head: tf.Tensor | None = None
    weights: tf.Tensor | None = None

    @property
    def places(self) -> tuple[int, int]:
        """Height and width of `values`."""
        return tuple(self.values.shape[1:3])

    def moments(self) -> Moments:
        """Compute the moments of the teacher's channels without the wide activations.

        With G = E[[f, 1] [f, 1]^T], the teacher's second moment is the mean of
        head[:, p]^T G head[:, p] over p.

        Returns:
            mean (B, T) and second moment (B, T, T).
        """
        if self.head is None:
            return self.own_moments
        rows, phases, width = self.head.shape
        mean, second = self.own_moments  # (B, C), (B, C, C)
        longer = tf.concat([mean, tf.ones_like(mean[:, :1])], axis=1)  # (B, C + 1)
        second = tf.concat([second, mean[:, None]], axis=1)  # (B, C + 1, C)
        second = tf.concat([second, longer[:, :, None]], axis=2)  # (B, C + 1, C + 1)
        side_by_side = tf.reshape(self.head, (rows, phases * width))
        half = product(second, side_by_side)  # G head, (B, C + 1, P T)
        half = tf.reshape(half, (-1, rows * phases, width))
        one_below_other = tf.reshape(self.head, (rows * phases, width))
        means = tf.reshape(longer @ side_by_side, (-1, phases, width))
        return Moments(
            tf.reduce_mean(means, axis=1), _transposed_times(one_below_other, half) / phases
        )

    def expanded(self) -> tf.Tensor:
        """Compute the teacher's activations, (B, H, W, P T)."""
        if self.head is None:
            return self.values
        matrix = tf.cast(tf.reshape(self.head, (self.head.shape[0], -1)), self.values.dtype)
        return tf.nn.bias_add(
            tf.nn.conv2d(self.values, matrix[None, None, :-1], 1, "VALID"), matrix[-1]
        )


def student(image: tf.Tensor, weights: Mapping[str, tf.Tensor]) -> dict[str, tf.Tensor]:
    """Compute the student's own channels: three layers at half the image's size, one at a quarter.

    Blocks of 2x2 pixels first become one place of twelve channels, so that even
    the finest layer is wide and small: the same arithmetic in half the time on a
    processor. The first convolution sees the border repeated.

    Args:
        image: (B, H, W, 3) float32 in [0, 1]; sides of 3 or more.
        weights: conv1 to conv4 (3, 3, in, out), and conv1/bias to conv4/bias.

    Returns:
        {layer: activations (B, H/2, W/2, C), of conv4 (B, H/4, W/4, C)}.
    """
    values = cells(image, weights["conv1"].dtype)  # (B, H/2 + 2, W/2 + 2, 12)
    conv1 = convolve(values, weights, "conv1", "VALID")  # (B, H/2, W/2, C1)
    conv2 = convolve(conv1, weights, "conv2")
    conv3 = convolve(conv2, weights, "conv3")
    conv4 = convolve(max_pool(conv3), weights, "conv4")  # (B, H/4, W/4, C4)
    return {"conv1": conv1, "conv2": conv2, "conv3": conv3, "conv4": conv4}


def convolve(
    values: tf.Tensor, weights: Mapping[str, tf.Tensor], name: str, padding: str = "SAME"
) -> tf.Tensor:
    """Apply one convolution with its bias and a ReLU.

    Args:
        values: (B, H, W, C).
        weights: NAME (3, 3, C, D) and NAME/bias (D,). With NAME/mix (1, 1, D, E)
            the kernel has low rank: the convolution leads to few channels, and
            this matrix from them to all.
        name: Of the layer.
        padding: "SAME" or "VALID".

    Returns:
        (B, H, W, D), or E channels.
    """
    values = tf.nn.conv2d(values, weights[name], 1, padding)
    if f"{name}/mix" in weights:
        values = tf.nn.conv2d(values, weights[f"{name}/mix"], 1, "VALID")
    return relu(tf.nn.bias_add(values, weights[f"{name}/bias"]))


def in_whole_tiles(arrays: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Widen the layers by channels of zeros to multiples of `TILE`; the results are equal.

    In bfloat16 on a processor with matrix tiles, a convolution of 48 channels takes twice as
    long as one of 64; on one without, three quarters of its time.

    Args:
        arrays: Weights and heads by name, as `load` reads them.
    """
    arrays = dict(arrays)
    names = sorted(set(TAPS.values()))
    for name, after in zip(names, [*names[1:], None], strict=True):
        have = arrays[name].shape[-1]
        more = -have % TILE
        arrays[name] = np.pad(arrays[name], [(0, 0)] * 3 + [(0, more)])
        arrays[f"{name}/bias"] = np.pad(arrays[f"{name}/bias"], (0, more))
        if after:
            arrays[after] = np.pad(arrays[after], [(0, 0)] * 2 + [(0, more), (0, 0)])
        for layer, tap in TAPS.items():
            if tap == name:  # before the constant's row, the last
                arrays[layer] = np.insert(arrays[layer], [have] * more, 0.0, axis=0)
    return arrays


def convolutions(path: Path, stored: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Take the student's convolutions from the arrays of a file.

    Args:
        path: Shown in messages.
        stored: As `load` reads them.

    Returns:
        {"conv1": (3, 3, 12, C), "conv1/bias": (C,), ...}.

    Raises:
        InputError: The file holds other arrays.
    """
    arrays: dict[str, np.ndarray] = {}
    channels = 12
    for name in sorted(set(TAPS.values())):
        arrays[name] = npz.take(path, stored, name, (3, 3, channels, None))
        channels = arrays[name].shape[-1]
        arrays[f"{name}/bias"] = npz.take(path, stored, f"{name}/bias", (channels,))
    return arrays


def load(
    path: Path = WEIGHTS, dtype: str = "float32"
) -> Callable[[tf.Tensor], dict[str, Features]]:
    """Load the student with frozen weights.

    Args:
        path: An .npz with conv1, conv1/bias, ... and a head (C + 1, P, T) under
            the name of every layer in `TAPS`.
        dtype: Type of the convolutions; the heads stay float32.

    Returns:
        A function from images (B, H, W, 3) in [0, 1] to {layer: Features}.

    Raises:
        InputError: The file is missing or holds other arrays.

    Example:
        >>> load()(tf.zeros((1, 64, 64, 3)))["relu2_1"].moments().second.shape
        TensorShape([1, 128, 128])
    """
    stored = npz.read(path)
    arrays = convolutions(path, stored)
    for layer, tap in TAPS.items():
        rows = arrays[tap].shape[-1] + 1
        arrays[layer] = npz.take(path, stored, layer, (rows, None, None))
    if dtype == "bfloat16" and devices.has_matrix_tiles():
        arrays = in_whole_tiles(arrays)
    heads = {layer: tf.constant(arrays.pop(layer), tf.float32) for layer in TAPS}
    weights = {name: tf.constant(array, dtype) for name, array in arrays.items()}

    def extract(image: tf.Tensor) -> dict[str, Features]:
        values = student(image, weights)
        own = {tap: moments(activations) for tap, activations in values.items()}
        return {layer: Features(values[tap], own[tap], heads[layer]) for layer, tap in TAPS.items()}

    return extract


def _transposed_times(matrix: tf.Tensor, stack: tf.Tensor) -> tf.Tensor:
    """Multiply every matrix (J, K) of a stack (B, J, K) from the left by a transposed (J, I)."""
    if stack.shape[0] == 1:
        return tf.matmul(matrix, stack[0], transpose_a=True)[None]
    return tf.matmul(matrix[None], stack, transpose_a=True)
