"""Which arithmetic and which kind of graph suit the machine."""

import functools
import hashlib
import json
import os
import sys
from importlib import metadata
from pathlib import Path
from typing import Literal

from common import cli
from common.distribution import cluster
from common.files import write_json

Precision = Literal["auto", "float32", "bfloat16", "float16"]
Compile = Literal["auto", "on", "off"]
BFLOAT16_FLAGS = {"avx512_bf16", "amx_bf16", "bf16"}  # x86, x86 tiles, Arm
BFLOAT16_GPU, FLOAT16_GPU = (8, 0), (7, 0)  # compute capabilities: Ampere and Volta
DRIVERS = (Path("/dev/nvidiactl"), Path("/proc/driver/nvidia"), Path("/dev/dxg"))  # last: WSL's
CPU_INFO = Path("/proc/cpuinfo")
CACHE = Path(__file__).resolve().parent.parent.parent / ".cache"
MEASURED, CHOICES = "precision.json", ("float32", "bfloat16")


def resolve_precision(
    precision: Precision, float16: bool = False, cache: Path | None = None
) -> str:
    """Choose the arithmetic of convolutions and matrix products.

    `auto` goes by the compute capability on a GPU. A processor without bfloat16
    instructions computes in float32. On one that has them, both types are
    measured once, in less than a second, and the choice is kept in the cache
    folder, so that runs can be repeated. Workers of a cluster must agree, so
    there the instructions decide.

    Args:
        precision: "auto", or the answer.
        float16: Whether the caller scales its losses; if so, auto is float16 on
            GPUs that have it but not bfloat16.
        cache: The cache folder; None is the project's.

    Returns:
        "float32", "bfloat16" or "float16".

    Example:
        >>> keras.config.set_dtype_policy(keras_policy(resolve_precision("auto")))
    """
    if precision != "auto":
        return precision
    if has_driver() and (capability := _least_capability()) is not None:
        return of_gpu(capability, float16)
    by_flags = of_processor()
    if by_flags == "float32" or cluster.find("auto"):
        return by_flags
    return _measured((cache or CACHE) / MEASURED)


def of_gpu(capability: tuple[int, int], float16: bool) -> str:
    """Return what auto is on a GPU of this compute capability; see `resolve_precision`."""
    if capability >= BFLOAT16_GPU:
        return "bfloat16"
    return "float16" if float16 and capability >= FLOAT16_GPU else "float32"


def of_processor() -> str:
    """Return "bfloat16" if the processor has instructions for it, otherwise "float32"."""
    return "bfloat16" if _processor()[1] & BFLOAT16_FLAGS else "float32"


def has_matrix_tiles() -> bool:
    """Return whether the processor has Intel's tile instructions for bfloat16 (AMX).

    With them a convolution is fastest if its channels fill whole tiles; without, channels of
    zeros only cost time.
    """
    return "amx_bf16" in _processor()[1]


def _processor() -> tuple[str, frozenset[str]]:
    """Return the model and the flags of the processor, both empty where Linux does not tell."""
    try:
        text = CPU_INFO.read_text()
    except OSError:
        return "", frozenset()
    fields = {}
    for line in text.splitlines():
        name, _, value = line.partition(":")
        fields.setdefault(name.strip(), value.strip())
    flags = frozenset((fields.get("flags") or fields.get("Features") or "").split())
    names = ("model name", "cpu family", "model", "stepping", "CPU part")
    return " ".join(fields[name] for name in names if name in fields), flags


@functools.cache
def _measured(path: Path) -> str:
    """Read this processor's choice from a file, or measure it and write it there."""
    model, flags = _processor()
    digest = hashlib.blake2b(" ".join(sorted(flags)).encode(), digest_size=4).hexdigest()
    key = f"{model}, {digest}, {os.cpu_count()} cores, TensorFlow {metadata.version('tensorflow')}"
    known = _read(path)
    if key not in known:
        cli.import_tensorflow()
        from common.distribution import arithmetic

        times = arithmetic.milliseconds()
        best = min(times, key=times.__getitem__)
        shown = ", ".join(f"{name} {value:.1f} ms" for name, value in times.items())
        print(f"--precision auto: {best} on this processor ({shown})", file=sys.stderr)
        known |= {key: {"precision": best, "milliseconds": times}}
        try:
            write_json(path, known)
        except OSError as error:
            print(f"--precision auto: not kept in {path} ({error.strerror})", file=sys.stderr)
    return known[key]["precision"]


def _read(path: Path) -> dict[str, dict]:
    """Read the choices that are valid; a damaged file holds none."""
    try:
        known = json.loads(path.read_text())
        return {
            key: one for key, one in known.items() if one["precision"] in ("float32", "bfloat16")
        }
    except (OSError, ValueError, TypeError, AttributeError, KeyError):
        return {}


def has_driver() -> bool:
    """Return whether this process might see a GPU; if not, TensorFlow need not be asked."""
    hidden = os.environ.get("CUDA_VISIBLE_DEVICES", "0").strip() in ("", "-1")
    return not hidden and any(path.exists() for path in DRIVERS)


def _least_capability() -> tuple[int, int] | None:
    """Return the compute capability of the weakest GPU that TensorFlow uses, or None."""
    cli.import_tensorflow()
    import tensorflow as tf

    details = map(tf.config.experimental.get_device_details, tf.config.list_physical_devices("GPU"))
    return min((each.get("compute_capability", (0, 0)) for each in details), default=None)


def keras_policy(precision: str) -> str:
    """Return Keras's name of the policy with float32 variables that computes in `precision`."""
    return precision if precision == "float32" else f"mixed_{precision}"


def resolve_compile(wanted: Compile) -> bool:
    """Return whether XLA compiles the step; TensorFlow must have been imported.

    Args:
        wanted: auto is on for a GPU only: XLA made the GAN's step 1.5 times
            slower on a CPU.
    """
    if wanted != "auto":
        return wanted == "on"
    import tensorflow as tf

    return bool(tf.config.list_physical_devices("GPU"))
