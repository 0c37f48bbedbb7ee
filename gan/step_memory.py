"""Memory that a training step needs, estimated from the networks before the first step."""

import math
from collections.abc import Iterator
from dataclasses import dataclass

import keras
import tensorflow as tf

from common import free_memory
from common.distribution.replicas import Replicas
from common.errors import InputError
from gan.config import Config
from gan.layers.deep_features import DeepFeatures
from gan.model import GAN
from gan.resolution import shown

GIB = 2**30
KEPT = 0.75  # of all outputs are held at the peak; others share memory, or are freed before
SLOTS = 3  # float32 numbers per trained parameter: its gradient and Adam's two moments
FEATURE_BYTES = 500  # of the embedded extractor's activations, for each pixel of an image
FIXED = 0.1 * GIB  # compiled graphs, threads and their work space
RESERVE = 0.9  # of the available memory; the batch size that is proposed fits into it


@dataclass(frozen=True)
class Estimate:
    """Bytes of a training step.

    Attributes:
        fixed: Whatever the batch size is.
        per_image: For each image of the batch.
    """

    fixed: float
    per_image: float

    def total(self, batch_size: int) -> float:
        """Return the bytes of a step.

        Example:
            >>> Estimate(fixed=100.0, per_image=10.0).total(4)
            140.0
        """
        return self.fixed + batch_size * self.per_image

    def largest_batch(self, memory: float) -> int:
        """Return how many images fit into a number of bytes; 0 for none.

        Example:
            >>> Estimate(fixed=100.0, per_image=10.0).largest_batch(145.0)
            4
        """
        return max(0, int((memory - self.fixed) // self.per_image))


def activations(network: keras.Model) -> int | None:
    """Return the bytes of all outputs of a functional model's operations, for one image.

    Args:
        network: A model; models inside it are counted by their own operations.

    Returns:
        Bytes in each operation's own type; None for a model that is no graph of
        layers, or that calls one of them several times.

    Example:
        >>> image = keras.Input((4, 4, 1))
        >>> activations(keras.Model(image, keras.layers.Conv2D(2, 1)(image)))
        128
    """
    if isinstance(network, keras.Sequential):
        operations = network.layers
    elif hasattr(network, "operations"):
        operations = network.operations
    else:
        return None
    found = [_bytes(operation) for operation in operations]
    return None if None in found else sum(found)


def _bytes(operation: keras.Operation) -> int | None:
    if isinstance(operation, keras.layers.InputLayer):
        return 0
    if isinstance(operation, keras.Model):
        return activations(operation)
    try:
        return sum(_sizes(operation))
    except (AttributeError, ValueError):  # it has no output, or several
        return None


def _sizes(operation: keras.Operation) -> Iterator[int]:
    for tensor in keras.tree.flatten(operation.output):
        kind = getattr(operation, "compute_dtype", None) or tensor.dtype
        yield math.prod(side or 1 for side in tensor.shape[1:]) * tf.as_dtype(kind).size


def estimate(gan: GAN) -> Estimate | None:
    """Estimate the memory of a training step beyond what the process holds before it.

    The generator's gradient needs its activations throughout the step; the
    discriminator's needs those of real and of generated images, and a gradient
    penalty those of one more pass and of its gradient.

    `KEPT` and `FIXED` were fitted to the peak resident memory of six steps on a CPU
    less that before them. In GiB, estimated and measured: a DCGAN at 64 pixels, batch 256,
    0.49 and 0.50 (batch 64: 0.21, 0.23; bfloat16: 0.31, 0.35; with R1, batch 128: 0.38,
    0.38); at 128 pixels, batch 64, 0.52 and 0.45 (batch 16: 0.24, 0.24); resnet at 64
    pixels, batch 128, 0.58 and 0.62.

    Args:
        gan: Built.

    Returns:
        The estimate; None for networks that are no graphs of layers.

    Example:
        >>> round(estimate(gan).total(256) / 2**30, 1)
        0.2
    """
    generator, discriminator = activations(gan.generator), activations(gan.discriminator)
    if generator is None or discriminator is None:
        return None
    passes = 2 + (2 if gan.penalty is not None else 0)
    trained = [*gan.trained_by("generator"), *gan.trained_by("discriminator")]
    parameters = sum(math.prod(variable.shape) for variable in trained)
    return Estimate(
        fixed=FIXED + 4.0 * SLOTS * parameters,
        per_image=KEPT * (generator + passes * discriminator)
        + _of_frozen_features(gan.discriminator)
        + _of_reconstruction(gan),
    )


def _of_frozen_features(discriminator: keras.Model) -> float:
    """Bytes inside of a layer that is a whole network; only the generator's gradient needs them."""
    if not any(isinstance(layer, DeepFeatures) for layer in discriminator.layers):
        return 0.0
    height, width = discriminator.inputs[0].shape[1:3]
    return KEPT * FEATURE_BYTES * height * width


def _of_reconstruction(gan: GAN) -> float:
    if not gan.reconstruction:
        return 0.0
    encoder = gan.reconstruction.encoder
    height, width = tf.nest.flatten(gan.generator.output)[-1].shape[1:3]
    features = FEATURE_BYTES * height * width if gan.reconstruction.compare_features else 0
    return KEPT * (activations(encoder) + features)


def check(gan: GAN, config: Config, team: Replicas) -> None:
    """Check before training that a step fits into the memory of this machine.

    Memory of a GPU is not known before it is used; with one nothing is checked.

    Args:
        gan: Built.
        config: `batch_size` is used, and named in the error with the resolution.
        team: Replicas; the batch is split among the processes.

    Raises:
        InputError: It does not fit; the message says which batch size would.
    """
    memory, found = free_memory.available(), estimate(gan)
    if memory is None or found is None or tf.config.list_physical_devices("GPU"):
        return
    workers = len(team.cluster.workers) if team.cluster else 1
    needed = found.total(config.batch_size // workers)
    if needed <= memory:
        return
    fits = workers * found.largest_batch(RESERVE * memory)
    advice = f"--batch-size {fits} would fit" if fits >= 2 else "no batch size would fit"
    size = shown(tf.nest.flatten(gan.generator.output)[-1].shape[1:3])
    raise InputError(
        f"--batch-size {config.batch_size}: a training step at {size} pixels needs about "
        f"{needed / GIB:.1f} GiB, {memory / GIB:.1f} GiB of memory are available\n"
        f"{advice}; a smaller --resolution or --networks.width also needs less"
    )
