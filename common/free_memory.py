"""Memory that this process can still use: of the machine and of its control group."""

from collections.abc import Iterator
from pathlib import Path


def available(root: Path = Path("/")) -> int | None:
    """Return how many bytes this process can still use.

    That is what the kernel estimates for the machine (MemAvailable, which counts
    caches that it can drop), or what the limits of the process's control group
    (version 1 or 2, as set by containers and batch systems) leave if that is less.

    Args:
        root: Where /proc and /sys are.

    Returns:
        Bytes; None where the system does not say (no Linux).

    Example:
        >>> available() > 2**30
        True
    """
    found = [*_of_machine(root), *_of_groups(root)]
    return max(0, min(found)) if found else None


def _of_machine(root: Path) -> Iterator[int]:
    for line in _lines(root / "proc/meminfo"):
        if line.startswith("MemAvailable:"):
            yield 1024 * int(line.split()[1])


def _of_groups(root: Path) -> Iterator[int]:
    """Yield what the limits of the process's group and of those above it leave."""
    for line in _lines(root / "proc/self/cgroup"):
        _, controllers, path = line.split(":", 2)
        if not controllers:
            place, names = root / "sys/fs/cgroup", ("memory.max", "memory.current")
        elif "memory" in controllers.split(","):
            place = root / "sys/fs/cgroup/memory"
            names = "memory.limit_in_bytes", "memory.usage_in_bytes"
        else:
            continue
        group = place / path.lstrip("/")
        # a container sees its own group at the top, whatever its path is called outside
        for folder in {group, *(each for each in group.parents if each.is_relative_to(place))}:
            limit, used = (_number(folder / name) for name in names)
            if limit is not None and used is not None:
                yield limit - used + _droppable(folder)


def _droppable(folder: Path) -> int:
    """Return the bytes of a group's file cache that can be dropped at once."""
    for line in _lines(folder / "memory.stat"):
        if line.startswith("inactive_file "):
            return int(line.split()[1])
    return 0


def _number(path: Path) -> int | None:
    """Read a number; None without one, as "max" of version 2 says that there is no limit."""
    text = "".join(_lines(path))
    return int(text) if text.isdecimal() else None


def _lines(path: Path) -> list[str]:
    try:
        return path.read_text().splitlines()
    except OSError:
        return []
