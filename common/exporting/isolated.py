"""Code that loads an export, run in a new process that cannot import this project."""

import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from common.errors import InputError

MINUTES = 10  # after which a process that loads an export is stopped
BEFORE = """\
import importlib.util
import numpy as np

for package in ("gan", "common", "style_transfer"):
    if importlib.util.find_spec(package):
        raise SystemExit(f"the package {package} can be imported here")
globals().update(np.load("inputs.npz"))
"""
AFTER = """
np.save("images.npy", np.asarray(images))
"""


def run(code: str, arrays: Mapping[str, np.ndarray], name: str) -> np.ndarray:
    """Run code that loads an export and computes `images`, on the CPU.

    On a GPU, convolutions round their inputs to fewer bits.

    Args:
        code: As `Format.code` returns it.
        arrays: Its inputs by name.
        name: Format of the export, for error messages.

    Returns:
        The array `images`.

    Raises:
        InputError: The code fails, or takes more than `MINUTES`.

    Example:
        >>> run("images = latents + 1", {"latents": np.zeros(2)}, "keras")
        array([1., 1.])
    """
    hidden = {"CUDA_VISIBLE_DEVICES": "-1", "TF_CPP_MIN_LOG_LEVEL": "3"}
    with tempfile.TemporaryDirectory() as folder:
        np.savez(Path(folder, "inputs.npz"), **arrays)
        # isolated: neither this folder nor PYTHONPATH is searched for modules
        try:
            process = subprocess.run(
                [sys.executable, "-I", "-c", BEFORE + code + AFTER],
                cwd=folder,
                env={**os.environ, **hidden},
                capture_output=True,
                text=True,
                timeout=60 * MINUTES,
                check=False,
            )
        except subprocess.TimeoutExpired:
            raise InputError(
                f"--format {name}: loading and testing the export took more than {MINUTES:g} "
                "minutes; nothing was written"
            ) from None
        if process.returncode:
            lines = [line for line in process.stderr.splitlines() if line.strip()]
            raise InputError(
                f"--format {name}: the export cannot be loaded without this code\n"
                f"{' '.join((lines or ['no message'])[-1].split())[:300]}"
            )
        return np.load(Path(folder, "images.npy"))
