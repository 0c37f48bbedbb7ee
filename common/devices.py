"""What the machine computes natively."""

from pathlib import Path
from typing import Literal

Precision = Literal["auto", "float32", "bfloat16"]
BFLOAT16_FLAGS = {"avx512_bf16", "amx_bf16", "bf16"}  # x86, x86 tiles, Arm


def resolve_precision(precision: Precision) -> str:
    """Names the arithmetic; auto is bfloat16 where the processor multiplies it natively.

    Read from the processor's flags, without importing TensorFlow; where they
    cannot be read (no Linux), float32.
    """
    if precision != "auto":
        return precision
    try:
        text = Path("/proc/cpuinfo").read_text()
    except OSError:
        return "float32"
    lines = (line for line in text.splitlines() if line.startswith(("flags", "Features")))
    flags = set(next(lines, "").split())
    return "bfloat16" if flags & BFLOAT16_FLAGS else "float32"


def keras_policy(precision: str) -> str:
    """Keras's name of the policy: variables stay float32, convolutions run in `precision`."""
    return {"float32": "float32", "bfloat16": "mixed_bfloat16"}[precision]
