"""Whether the processor multiplies bfloat16 matrices in tiles."""

from pathlib import Path

CPUINFO = Path("/proc/cpuinfo")


def has_matrix_tiles(cpuinfo: Path = CPUINFO) -> bool:
    """Return whether Linux names the tile instructions for bfloat16 (AMX) of a processor.

    With them a convolution takes as long as one whose channels fill whole tiles; without,
    channels of zeros only cost time. False on other systems.

    Example:
        >>> has_matrix_tiles(Path("no such file"))
        False
    """
    try:
        return "amx_bf16" in cpuinfo.read_text().split()
    except OSError:
        return False
