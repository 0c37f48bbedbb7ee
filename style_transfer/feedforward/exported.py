"""Test of an exported network: loaded in a new process without this code, and compared."""

from pathlib import Path

import keras
import numpy as np
import tensorflow as tf

from common.errors import InputError
from common.exporting import isolated
from common.exporting.formats import FORMATS

INPUTS = ("image", "style")  # of the network
SIZES = ((64, 96), (128, 64))  # (height, width) of the images to paint
TOLERANCE = 1e-4  # of values in [0, 1]: a 39th of the step between two gray levels


def largest_difference(network: keras.Model, path: Path, name: str) -> float:
    """Paint images of two sizes with a network and with its export, and compare them.

    Args:
        network: The model that was exported.
        path: Its export.
        name: Format of the export, one of `FORMATS`.

    Returns:
        The largest absolute difference of a value in [0, 1].

    Raises:
        InputError: The export cannot be loaded, or paints images of another shape.

    Example:
        >>> largest_difference(network, Path("network.onnx"), "onnx")
        5.4e-07
    """
    random, differences = np.random.default_rng(0), []
    code = FORMATS[name].code(str(path.absolute()), INPUTS, model="network")
    for size in SIZES:
        images = random.random((1, *size, 3), np.float32)
        styles = random.random((1, network.inputs[1].shape[-1]), np.float32)
        styles /= styles.sum()
        with tf.device("CPU:0"):
            expected = np.asarray(network([images, styles], training=False))
        found = isolated.run(code, {"images": images, "styles": styles}, name)
        if found.shape != expected.shape or not np.isfinite(found).all():
            raise InputError(
                f"--format {name}: the exported network makes {found.dtype} {found.shape}; "
                f"expected finite {expected.dtype} {expected.shape}\nnothing was written"
            )
        differences.append(float(np.abs(found - expected).max()))
    return max(differences)


def check(network: keras.Model, path: Path, name: str) -> float:
    """Compare a network with its export.

    Returns:
        The largest difference: see `largest_difference`.

    Raises:
        InputError: It exceeds `TOLERANCE`, or the export cannot be loaded.
    """
    difference = largest_difference(network, path, name)
    if difference > TOLERANCE:
        raise InputError(
            f"--format {name}: the exported network differs by {difference:.2g}, expected at most "
            f"{TOLERANCE:g}\nnothing was written"
        )
    return difference
