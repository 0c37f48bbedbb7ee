"""What the machine computes natively, and by which kind of graph."""

import os
from pathlib import Path
from typing import Literal

from common import cli

Precision = Literal["auto", "float32", "bfloat16", "float16"]
Compile = Literal["auto", "on", "off"]
BFLOAT16_FLAGS = {"avx512_bf16", "amx_bf16", "bf16"}  # x86, x86 tiles, Arm
BFLOAT16_GPU, FLOAT16_GPU = (8, 0), (7, 0)  # compute capabilities: Ampere and Volta
DRIVERS = (Path("/dev/nvidiactl"), Path("/proc/driver/nvidia"), Path("/dev/dxg"))  # last: WSL's


def resolve_precision(precision: Precision, float16: bool = False) -> str:
    """Names the arithmetic; auto is bfloat16 where the processor or the GPUs multiply it natively.

    A processor is known by its flags, without importing TensorFlow; where they
    cannot be read (no Linux), float32.

    Args:
        float16: whether the caller scales its losses; if so, auto is float16 on
            GPUs that have it and not bfloat16.
    """
    if precision != "auto":
        return precision
    if has_driver() and (capability := _least_capability()) is not None:
        return of_gpu(capability, float16)
    return of_processor()


def of_gpu(capability: tuple[int, int], float16: bool) -> str:
    """What auto is on a GPU of this compute capability."""
    if capability >= BFLOAT16_GPU:
        return "bfloat16"
    return "float16" if float16 and capability >= FLOAT16_GPU else "float32"


def of_processor() -> str:
    """What auto is without a GPU."""
    try:
        text = Path("/proc/cpuinfo").read_text()
    except OSError:
        return "float32"
    lines = (line for line in text.splitlines() if line.startswith(("flags", "Features")))
    flags = set(next(lines, "").split())
    return "bfloat16" if flags & BFLOAT16_FLAGS else "float32"


def has_driver() -> bool:
    """Whether this process might see a GPU; if not, TensorFlow need not be asked."""
    hidden = os.environ.get("CUDA_VISIBLE_DEVICES", "0").strip() in ("", "-1")
    return not hidden and any(path.exists() for path in DRIVERS)


def _least_capability() -> tuple[int, int] | None:
    """The compute capability of the weakest GPU that TensorFlow uses; None without any."""
    cli.import_tensorflow()
    import tensorflow as tf

    details = map(tf.config.experimental.get_device_details, tf.config.list_physical_devices("GPU"))
    return min((each.get("compute_capability", (0, 0)) for each in details), default=None)


def keras_policy(precision: str) -> str:
    """Keras's name of the policy: variables stay float32, convolutions run in `precision`."""
    return precision if precision == "float32" else f"mixed_{precision}"


def resolve_compile(wanted: Compile) -> bool:
    """Whether XLA compiles the step; auto: on a GPU, as it made the GAN 1.5 times slower on a CPU.

    Asks TensorFlow, which must have been imported.
    """
    if wanted != "auto":
        return wanted == "on"
    import tensorflow as tf

    return bool(tf.config.list_physical_devices("GPU"))
