"""Weights in .npz files, read and checked without TensorFlow."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from common.errors import InputError


def read(path: Path) -> dict[str, np.ndarray]:
    """Read all arrays of an .npz file.

    Raises:
        InputError: The file is missing, is no .npz, or is damaged.

    Example:
        >>> read(Path("weights.npz"))["conv1/kernel"].shape
        (3, 3, 3, 64)
    """
    try:
        stored = np.load(path)
        if not isinstance(stored, np.lib.npyio.NpzFile):
            raise ValueError("a single array")
        with stored:
            arrays = dict(stored)
        if any(isinstance(array, bytes) for array in arrays.values()):
            raise ValueError("a member is not an array")
        return arrays
    except FileNotFoundError:
        raise InputError(f"{path}: no such file") from None
    except Exception as error:  # NumPy's reader of damaged headers raises almost anything
        raise InputError(f"{path}: not an .npz file of weights ({error})") from None


def take(path: Path, arrays: Mapping[str, np.ndarray], name: str, shape: tuple) -> np.ndarray:
    """Return an array after checking its shape.

    Args:
        path: The file that the arrays were read from, for error messages.
        arrays: Arrays by name.
        name: Which one.
        shape: The expected shape; None stands for any size.

    Raises:
        InputError: The array is missing or has another shape.
    """
    if name not in arrays:
        raise InputError(f"{path}: weights that do not fit: no {name!r}")
    found = arrays[name].shape
    fits = len(found) == len(shape) and all(
        want in (None, have) for have, want in zip(found, shape, strict=True)
    )
    if not fits:
        raise InputError(
            f"{path}: weights that do not fit: {name!r} has shape {found}, expected "
            f"({', '.join('any' if want is None else str(want) for want in shape)})"
        )
    return arrays[name]
