"""Test of an exported generator: loaded in a new process without this code, and compared."""

from pathlib import Path

import keras
import numpy as np
import tensorflow as tf

from common.errors import InputError
from common.exporting import isolated
from common.exporting.formats import FORMATS
from gan.generate import draw_latents, labels_in_turn
from gan.generator_file import inputs
from gan.reconstruction.memory import has_memory

COUNT = 64  # images
TOLERANCE = 1e-5  # of values in [-1, 1]: 1/784 of the step between two gray levels
MEMORY_TOLERANCE = 1e-3  # with a memory of codes, whose choice between two amplifies rounding


def largest_difference(generator: keras.Model, path: Path, name: str, classes: int = 0) -> float:
    """Generate images with a model and with its export, and compare them.

    The export is loaded in a new process that cannot import this code. Both compute
    on the CPU in float32: on a GPU, convolutions round their inputs to fewer bits.

    Args:
        generator: The model that was exported.
        path: Its export.
        name: Format of the export, one of `FORMATS`.
        classes: Number of classes of a conditional generator.

    Returns:
        The largest absolute difference of a value in [-1, 1] among `COUNT` images.

    Raises:
        InputError: The export cannot be loaded, or makes images of another shape.

    Example:
        >>> largest_difference(generator, Path("generator.onnx"), "onnx")
        2.4e-08
    """
    latents = draw_latents(COUNT, generator.inputs[0].shape[-1], seed=0)
    labels = labels_in_turn(COUNT, classes)
    with tf.device("CPU:0"):
        given = [latents, labels] if classes else latents
        expected = np.asarray(generator(given, training=False))
    code = FORMATS[name].code(str(path.absolute()), inputs(classes > 0))
    found = isolated.run(code, {"latents": latents, "labels": labels}, name)
    if found.shape != expected.shape or not np.isfinite(found).all():
        raise InputError(
            f"--format {name}: the exported generator makes {found.dtype} {found.shape}; expected "
            f"finite {expected.dtype} {expected.shape}\nnothing was written"
        )
    return float(np.abs(found - expected).max())


def check(generator: keras.Model, path: Path, name: str, classes: int = 0) -> float:
    """Compare a model with its export.

    Args:
        generator: The model that was exported.
        path: Its export.
        name: Format of the export.
        classes: Number of classes of a conditional generator.

    Returns:
        The largest difference: see `largest_difference`.

    Raises:
        InputError: It exceeds `TOLERANCE`, or `MEMORY_TOLERANCE`, or the export cannot
            be loaded.
    """
    difference = largest_difference(generator, path, name, classes)
    most = MEMORY_TOLERANCE if has_memory(generator) else TOLERANCE
    if difference > most:
        raise InputError(
            f"--format {name}: the exported generator differs by {difference:.2g}, expected at "
            f"most {most:g}\nnothing was written"
        )
    return difference
