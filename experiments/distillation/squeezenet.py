"""SqueezeNet 1.1 as a teacher, and the smoothed network that learns from it."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import tensorflow as tf

from common import npz
from common.extractors import deep
from common.fast.cells import CENTER
from experiments.distillation.training import Student, relative_error
from style_transfer.vgg import IMAGENET_MEAN

PARTS = {"squeeze": "squeeze1x1", "expand1": "expand1x1", "expand3": "expand3x3"}
BLUR = np.array([0.25, 0.5, 0.25], np.float32)  # binomial, of the first convolution's kernels
GAIN = 1.6  # a maximum of nine activations over an average, about
CHANNELS = 0.5  # weight of the error in units of each channel's own mean square


def read(path: Path) -> dict[str, np.ndarray]:
    """Read SqueezeNet's weights in the form of `features`.

    Args:
        path: An .npz with `conv1` and `fireN_squeeze1x1`, `fireN_expand1x1` and
            `fireN_expand3x3` for N from 2 to 8, each with `.weight` (kh, kw, in,
            out) and `.bias`, for images in blue, green, red and [0, 255] less
            ImageNet's mean.

    Returns:
        "conv1" for images in red, green, blue and [0, 1], and the modules as
        `common.extractors.deep.fire` takes them.

    Raises:
        InputError: The file is missing or lacks an array.
    """
    stored, arrays = npz.read(path), {}
    names = {"conv1": "conv1"} | {
        f"fire{number}/{part}": f"fire{number}_{theirs}"
        for number in range(2, deep.LAST + 1)
        for part, theirs in PARTS.items()
    }
    for name, theirs in names.items():
        arrays[name] = npz.take(path, stored, f"{theirs}.weight", (None,) * 4)
        arrays[f"{name}/bias"] = npz.take(path, stored, f"{theirs}.bias", (None,))
    kernel = 255.0 * arrays["conv1"][:, :, ::-1]
    arrays["conv1"] = kernel
    arrays["conv1/bias"] = arrays["conv1/bias"] - kernel.sum((0, 1)).T @ _mean()
    return arrays


def features(image: tf.Tensor, weights: Mapping[str, tf.Tensor]) -> dict[str, tf.Tensor]:
    """Compute SqueezeNet 1.1: Iandola et al. 2016, table 1, in its version 1.1.

    Deviation: borders are repeated, at one end of each axis, so that the layers
    have a half, a quarter, an eighth and a sixteenth of the image's size, and that
    their places lie within three pixels of the student's.

    Args:
        image: (B, H, W, 3) in [0, 1]; sides divisible by 16.
        weights: From `read`.

    Returns:
        {module: activations}.
    """
    values = tf.pad(image, [[0, 0], [0, 1], [0, 1], [0, 0]], "SYMMETRIC")
    values = tf.nn.conv2d(values, weights["conv1"], 2, "VALID") + weights["conv1/bias"]
    values, found = tf.nn.relu(values), {}
    for number in range(2, deep.LAST + 1):
        if number in deep.POOLED:
            ends = [1, 0] if number == deep.POOLED[1] else [0, 1]
            values = tf.pad(values, [[0, 0], ends, ends, [0, 0]], "SYMMETRIC")
            values = tf.nn.max_pool2d(values, 3, 2, "VALID")
        values = found[f"fire{number}"] = deep.fire(values, weights, f"fire{number}")
    return found


def first_guess(teacher: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Make the student's initial weights from the teacher's.

    The first convolution's kernels are blurred and laid out for blocks of 2x2
    pixels; modules behind a pooling take account of its lower values.

    Args:
        teacher: From `read`.
    """
    arrays = {name: values.copy() for name, values in teacher.items() if "conv1" not in name}
    for number in deep.POOLED:
        arrays[f"fire{number}/squeeze"] *= GAIN
    kernel = teacher["conv1"]
    pixels = np.zeros((6, 6, *kernel.shape[2:]), np.float32)  # from 2 pixels before a block on
    for row, down in enumerate(BLUR):
        for column, across in enumerate(BLUR):
            pixels[1 + row : 4 + row, 1 + column : 4 + column] += down * across * kernel
    blocks = pixels.reshape(3, 2, 3, 2, *kernel.shape[2:]).transpose(0, 2, 1, 3, 4, 5)
    arrays["stem"] = blocks.reshape(3, 3, 12, -1)
    arrays["stem/bias"] = teacher["conv1/bias"] + CENTER * kernel.sum((0, 1, 2))
    return arrays


class DeepStudent(Student):
    """Learns SqueezeNet's modules, starting from its weights.

    Args:
        teacher: From `read`.
    """

    def __init__(self, teacher: Mapping[str, np.ndarray]):
        super().__init__()
        self.teacher = {name: tf.constant(values) for name, values in teacher.items()}
        for name, values in first_guess(teacher).items():
            weight = self.add_weight(shape=values.shape, name=name.replace("/", "_"))
            weight.assign(values)
            self.kernels[name] = weight
        self.built = True

    def prepare(self, images: tf.Tensor) -> dict[str, tuple[tf.Tensor, tf.Tensor]]:
        """Activations of the student and of the teacher, by module."""
        own = deep.student(images, {name: weight.value for name, weight in self.kernels.items()})
        wanted = features(images, self.teacher)
        return {name: (own[name], wanted[name]) for name in wanted}

    def errors(self, prepared: dict[str, tuple[tf.Tensor, tf.Tensor]]) -> dict[str, tf.Tensor]:
        return {name: relative_error(*pair) for name, pair in prepared.items()}

    def loss_of(self, prepared: dict[str, tuple[tf.Tensor, tf.Tensor]]) -> tf.Tensor:
        """Add an error that counts every channel equally, as quiet channels matter for style."""
        return tf.add_n(
            list(self.errors(prepared).values())
            + [CHANNELS * channel_error(*pair) for pair in prepared.values()]
        )

    def arrays(self) -> dict[str, np.ndarray]:
        """The weights as `common.extractors.deep.load` reads them."""
        return {name: weight.numpy() for name, weight in self.kernels.items()}


def channel_error(found: tf.Tensor, wanted: tf.Tensor) -> tf.Tensor:
    """Compute the mean over channels of the error relative to the channel's mean square.

    A tenth of the mean square of all channels is added to each, so that dead ones
    do not count.

    Args:
        found: (B, H, W, C).
        wanted: The same shape.

    Returns:
        A scalar.
    """
    error = tf.reduce_mean(tf.square(found - wanted), axis=(0, 1, 2))  # (C,)
    size = tf.reduce_mean(tf.square(wanted), axis=(0, 1, 2))
    return tf.reduce_mean(error / (size + 0.1 * tf.reduce_mean(size)))


def _mean() -> np.ndarray:
    """ImageNet's mean, red, green, blue in [0, 1]."""
    return IMAGENET_MEAN[::-1] / 255.0
