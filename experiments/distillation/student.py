"""The compact extractor as a Keras model that learns from a VGG-19."""

from collections.abc import Iterator

import keras
import numpy as np
import tensorflow as tf

from common.extractors.compact import TAPS, student
from experiments.distillation.training import Student, relative_error
from style_transfer.extractors import Extractor

WIDTHS = {"conv1": 48, "conv2": 64, "conv3": 64, "conv4": 128}
Pairs = dict[str, tuple[tf.Tensor, tf.Tensor]]  # layer to activations of student and teacher


def second_moments(narrow: tf.Tensor, wide: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """Compute E[f f^T] and E[f y^T] of activations, with a one appended to f.

    Args:
        narrow: The student's activations f, (B, H, W, C).
        wide: The teacher's activations y, (B, H, W, P T).

    Returns:
        (C + 1, C + 1) and (C + 1, P T), float32.
    """
    narrow = tf.reshape(narrow, (-1, narrow.shape[-1]))  # (N, C)
    narrow = tf.concat([narrow, tf.ones_like(narrow[:, :1])], axis=1)  # (N, C + 1)
    wide = tf.reshape(wide, (-1, wide.shape[-1]))  # (N, P T)
    count = tf.cast(tf.shape(wide)[0], tf.float32)
    return tuple(
        tf.cast(tf.matmul(narrow, other, transpose_a=True), tf.float32) / count
        for other in (narrow, wide)
    )


class CompactStudent(Student):
    """Learns convolutions by gradients, and linear heads by regression.

    The heads solve a linear regression on running averages of second moments,
    renewed at every step (variable projection: Golub and Pereyra 1973).

    Args:
        teacher: Its activations are predicted.
        dtype: Of the student's convolutions.
        side: Pixels of the crops.
    """

    MEMORY = 0.95  # of the running averages, per step
    RIDGE = 1e-4  # in units of the mean square of the student's activations

    def __init__(self, teacher: Extractor, dtype: str, side: int):
        super().__init__()
        self.teacher, self.convolution_dtype = teacher, dtype
        channels = 12
        scale = keras.initializers.HeNormal(seed=0)
        for name, width in WIDTHS.items():
            self.kernels[name] = self.add_weight(
                shape=(3, 3, channels, width), initializer=scale, name=name
            )
            self.kernels[f"{name}/bias"] = self.add_weight(shape=(width,), name=f"{name}_bias")
            channels = width
        self.own, self.cross, self.heads, self.phases = {}, {}, {}, {}
        blank = tf.zeros((1, side, side, 3))
        wide, narrow = teacher(blank), self.narrow(blank)
        for layer, tap in TAPS.items():
            finer = wide[layer].values.shape[1] // narrow[tap].shape[1]
            rows, columns = WIDTHS[tap] + 1, finer**2 * wide[layer].values.shape[-1]
            self.phases[layer] = finer
            for group, shape in (
                (self.own, (rows, rows)),
                (self.cross, (rows, columns)),
                (self.heads, (rows, columns)),
            ):
                group[layer] = self.add_weight(
                    shape=shape, initializer="zeros", trainable=False, name=layer
                )
        self.built = True

    def narrow(self, images: tf.Tensor) -> dict[str, tf.Tensor]:
        """The student's own activations."""
        dtype = self.convolution_dtype
        return student(images, {k: tf.cast(v.value, dtype) for k, v in self.kernels.items()})

    def prepare(self, images: tf.Tensor) -> Pairs:
        """Activations of the student, and of the teacher on the student's grid, by layer."""
        wide, narrow, pairs = self.teacher(images), self.narrow(images), {}
        for layer, tap in TAPS.items():
            values = wide[layer].values
            if self.phases[layer] > 1:
                values = tf.nn.space_to_depth(values, self.phases[layer])
            pairs[layer] = (narrow[tap], values)
        return pairs

    def errors(self, prepared: Pairs) -> dict[str, tf.Tensor]:
        found = {}
        for layer, (narrow, wide) in prepared.items():
            head = tf.cast(self.heads[layer].value, narrow.dtype)
            guess = tf.tensordot(narrow, head[:-1], axes=1) + head[-1]
            found[layer] = relative_error(guess, wide)
        return found

    def after_step(self, prepared: Pairs) -> None:
        """Solve for the heads."""
        for layer, (narrow, wide) in prepared.items():
            fresh = second_moments(narrow, wide)
            for average, value in zip((self.own, self.cross), fresh, strict=True):
                average[layer].assign(
                    self.MEMORY * average[layer].value + (1.0 - self.MEMORY) * value
                )
            own = self.own[layer].value
            rows = own.shape[0]
            ridge = self.RIDGE * tf.linalg.trace(own) / rows * tf.eye(rows)
            self.heads[layer].assign(tf.linalg.solve(own + ridge, self.cross[layer].value))

    def solve_heads(self, source: Iterator[np.ndarray], count: int) -> None:
        """Solve for the heads on `count` batches, during which the student stays as it is."""
        usual = self.MEMORY, self.RIDGE
        self.MEMORY, self.RIDGE = 0.99, 1e-6
        learn = tf.function(lambda images: self.after_step(self.prepare(images)))
        for _ in range(count):
            learn(tf.constant(next(source)))
        self.MEMORY, self.RIDGE = usual

    def arrays(self) -> dict[str, np.ndarray]:
        """The weights as `common.extractors.compact.load` reads them."""
        found = {name: weight.numpy() for name, weight in self.kernels.items()}
        for layer, head in self.heads.items():
            places = self.phases[layer] ** 2
            found[layer] = head.numpy().reshape(head.shape[0], places, -1)
        return found
