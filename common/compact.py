"""The embedded extractor: a small student of VGG-19, and how its features are read.

experiments/distill_extractor.py trains it; weights/CARD.md says with what, and
how well it learned.
"""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import NamedTuple

import tensorflow as tf

from common import npz
from common.losses import Moments, moments

WEIGHTS = Path(__file__).parent / "weights" / "compact.npz"
TAPS = {  # layer of the teacher -> layer of the student that its head reads
    "relu1_1": "conv1",
    "relu1_2": "conv2",
    "relu2_1": "conv2",
    "relu2_2": "conv3",
    "relu3_1": "conv4",
}


class Features(NamedTuple):
    """The activations of one layer, and how to read them.

    Attributes:
        values: (B, H, W, C).
        own_moments: those of `values`, computed once for all heads that read them.
        head: (C + 1, P, T) float32, or None if the values speak for themselves.
            The teacher's T channels are [f, 1] @ head[:, p]. P is above 1 where
            the teacher's layer is finer: then p counts the P places of the
            teacher that lie within one place of `values`.
    """

    values: tf.Tensor
    own_moments: Moments
    head: tf.Tensor | None = None

    def moments(self) -> Moments:
        """The moments of the teacher's channels; the wide activations are never computed.

        With G = E[[f, 1] [f, 1]^T], the teacher's second moment is the mean of
        head[:, p]^T G head[:, p] over p.
        """
        if self.head is None:
            return self.own_moments
        rows, phases, width = self.head.shape
        mean, second = self.own_moments
        longer = tf.concat([mean, tf.ones((1,))], axis=0)[None, :]  # (1, C + 1)
        second = tf.concat([second, mean[None, :]], axis=0)  # (C + 1, C)
        second = tf.concat([second, tf.transpose(longer)], axis=1)  # (C + 1, C + 1)
        side_by_side = tf.reshape(self.head, (rows, phases * width))
        half = tf.reshape(second @ side_by_side, (rows * phases, width))  # G head
        one_below_other = tf.reshape(self.head, (rows * phases, width))
        means = tf.reshape(longer @ side_by_side, (phases, width))
        return Moments(
            tf.reduce_mean(means, axis=0),
            tf.matmul(one_below_other, half, transpose_a=True) / phases,
        )

    def expanded(self) -> tf.Tensor:
        """The teacher's activations, (B, H, W, P T)."""
        if self.head is None:
            return self.values
        matrix = tf.cast(tf.reshape(self.head, (self.head.shape[0], -1)), self.values.dtype)
        return tf.nn.bias_add(
            tf.nn.conv2d(self.values, matrix[None, None, :-1], 1, "VALID"), matrix[-1]
        )

    def minus(self, other: "Features") -> "Features":
        """The difference of two pictures' activations; the head's constant drops out."""
        values = self.values - other.values
        head = self.head
        if head is not None:
            head = tf.concat([head[:-1], tf.zeros_like(head[-1:])], axis=0)
        return Features(values, moments(values), head)


def student(image: tf.Tensor, weights: Mapping[str, tf.Tensor]) -> dict[str, tf.Tensor]:
    """The student's own channels: three layers at half the picture's size, one at a quarter.

    Four pixels first become one place of twelve channels, so that even the
    finest layer is wide and small: the same arithmetic, and a processor does it
    in half the time. The first convolution sees the border repeated.

    Args:
        image: (B, H, W, 3) float32 in [0, 1].
        weights: conv1 to conv4 (3, 3, in, out), and conv1/bias to conv4/bias.
    """
    dtype = weights["conv1"].dtype
    cells = tf.nn.space_to_depth(tf.cast(_to_even(image) - 0.45, dtype), 2)  # (B, H/2, W/2, 12)
    conv1 = convolve(repeat_border(cells), weights, "conv1", "VALID")  # (B, H/2, W/2, C1)
    conv2 = convolve(conv1, weights, "conv2")
    conv3 = convolve(conv2, weights, "conv3")
    conv4 = convolve(tf.nn.max_pool2d(conv3, 2, 2, "SAME"), weights, "conv4")  # (B, H/4, W/4, C4)
    return {"conv1": conv1, "conv2": conv2, "conv3": conv3, "conv4": conv4}


def convolve(
    values: tf.Tensor, weights: Mapping[str, tf.Tensor], name: str, padding: str = "SAME"
) -> tf.Tensor:
    """One convolution of `weights` with its bias and a ReLU."""
    values = tf.nn.conv2d(values, weights[name], 1, padding)
    return tf.nn.relu(tf.nn.bias_add(values, weights[f"{name}/bias"]))


def repeat_border(values: tf.Tensor) -> tf.Tensor:
    """(B, H, W, C) with its outermost pixels repeated once: (B, H + 2, W + 2, C)."""
    return tf.pad(values, [[0, 0], [1, 1], [1, 1], [0, 0]], "SYMMETRIC")


def _to_even(image: tf.Tensor) -> tf.Tensor:
    """Repeats the last row or column of an odd side."""
    _, height, width, _ = image.shape
    return tf.pad(image, [[0, 0], [0, height % 2], [0, width % 2], [0, 0]], "SYMMETRIC")


def load(
    path: Path = WEIGHTS, dtype: str = "float32"
) -> Callable[[tf.Tensor], dict[str, Features]]:
    """The student with frozen weights: pictures (B, H, W, 3) in [0, 1] to {layer: Features}.

    Args:
        path: an .npz with conv1, conv1/bias, ... and a head (C + 1, P, T) under
            the name of every layer in `TAPS`.
        dtype: of the convolutions; the heads stay float32.

    Raises:
        InputError: the file holds no such weights.
    """
    arrays = npz.read(path)
    weights, channels = {}, 12
    for name in sorted(set(TAPS.values())):
        kernel = npz.take(path, arrays, name, (3, 3, channels, None))
        channels = kernel.shape[-1]
        bias = npz.take(path, arrays, f"{name}/bias", (channels,))
        weights |= {name: tf.constant(kernel, dtype), f"{name}/bias": tf.constant(bias, dtype)}
    heads = {}
    for layer, tap in TAPS.items():
        rows = weights[tap].shape[-1] + 1
        heads[layer] = tf.constant(npz.take(path, arrays, layer, (rows, None, None)), tf.float32)

    def extract(image: tf.Tensor) -> dict[str, Features]:
        values = student(image, weights)
        own = {tap: moments(activations) for tap, activations in values.items()}
        return {layer: Features(values[tap], own[tap], heads[layer]) for layer, tap in TAPS.items()}

    return extract
