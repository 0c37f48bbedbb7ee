"""Whether the processor multiplies bfloat16 matrices in tiles."""

from pathlib import Path

CPUINFO = Path("/proc/cpuinfo")


def has_matrix_tiles(cpuinfo: Path = CPUINFO) -> bool:
    """Return whether the processor has Intel's tile instructions for bfloat16 (AMX).

    With them a convolution is fastest if its channels fill whole tiles; without, channels of
    zeros only cost time. Linux tells; elsewhere False.

    Example:
        >>> has_matrix_tiles(Path("no such file"))
        False
    """
    try:
        return "amx_bf16" in cpuinfo.read_text().split()
    except OSError:
        return False
