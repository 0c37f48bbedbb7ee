"""The processes that train one model together, found without importing TensorFlow.

They are named by TF_CONFIG, in the format of TensorFlow's documentation, or
derived from the variables that Slurm's `srun` sets.
"""

import json
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from common.errors import InputError

Strategy = Literal["auto", "single", "mirrored", "multiworker"]
EXAMPLE = (
    '{"cluster": {"worker": ["one:12345", "two:12345"]}, "task": {"type": "worker", "index": 0}}'
)
FIRST_PORT, PORTS = 20000, 20000  # of a Slurm job: below those that Linux gives to clients


@dataclass(frozen=True)
class Cluster:
    """The workers of a run.

    Attributes:
        workers: The address of each, as host:port.
        index: Which of them this process is; 0 is the chief.
    """

    workers: tuple[str, ...]
    index: int


def find(strategy: Strategy, environment: Mapping[str, str] = os.environ) -> Cluster | None:
    """Find the cluster that `strategy` and the environment ask for.

    Args:
        strategy: "single" and "mirrored" never use a cluster, "multiworker"
            requires one.
        environment: Variables of this process.

    Returns:
        None for this process alone.

    Raises:
        InputError: TF_CONFIG is malformed, or there is no cluster although one
            is required.

    Example:
        >>> find("auto", {"TF_CONFIG": EXAMPLE})
        Cluster(workers=('one:12345', 'two:12345'), index=0)
    """
    if strategy in ("single", "mirrored"):
        return None
    found = _of_tensorflow(environment) or _of_slurm(environment)
    if strategy == "multiworker" and found is None:
        raise InputError(
            "--strategy multiworker: found neither TF_CONFIG nor a job step of Slurm's\n"
            f"start it with srun, or set TF_CONFIG on every worker, such as {EXAMPLE}"
        )
    return found if found and len(found.workers) > 1 else None


def check_batch_size(batch_size: int, parts: int, what: str) -> None:
    """Raise InputError unless a batch can be split into equal parts.

    Args:
        batch_size: Images per batch.
        parts: Into how many parts.
        what: The plural of what they are, such as "workers".
    """
    if batch_size % parts:
        below = batch_size - batch_size % parts
        fitting = " or ".join(str(size) for size in (below, below + parts) if size)
        raise InputError(
            f"--batch-size: expected a multiple of the {parts} {what}, got {batch_size}; "
            f"try {fitting}, or --strategy single"
        )


def _of_tensorflow(environment: Mapping[str, str]) -> Cluster | None:
    text = environment.get("TF_CONFIG", "")
    if not text.strip():
        return None
    try:
        given: Any = json.loads(text)
    except ValueError as error:
        raise InputError(f"TF_CONFIG: not valid JSON ({error})\nexpected {EXAMPLE}") from None
    try:
        jobs = {job: list(map(str, hosts)) for job, hosts in given.get("cluster", {}).items()}
        kind, index = str(given["task"]["type"]), int(given["task"]["index"])
        chiefs, workers = jobs.pop("chief", []), jobs.pop("worker", [])
        place = index + (len(chiefs) if kind == "worker" else 0)
    except (AttributeError, KeyError, TypeError, ValueError):
        raise InputError(f"TF_CONFIG: expected {EXAMPLE}\ngot {text[:200]}") from None
    if jobs or kind not in ("chief", "worker"):
        other = ", ".join(jobs) or kind
        raise InputError(f"TF_CONFIG: expected workers and at most a chief, got {other}")
    addresses = (*chiefs, *workers)
    if len(chiefs) > 1 or not 0 <= place < len(addresses) or (kind == "chief" and not chiefs):
        raise InputError(
            f"TF_CONFIG: there is no {kind} {index} among {len(chiefs)} chiefs and "
            f"{len(workers)} workers"
        )
    if bad := [address for address in addresses if not re.fullmatch(r".+:\d+", address)]:
        raise InputError(f"TF_CONFIG: expected addresses as host:port, got {bad[0]!r}")
    return Cluster(addresses, place)


def _of_slurm(environment: Mapping[str, str]) -> Cluster | None:
    """Find the tasks of a job step; a batch script itself is not one."""
    try:
        names = _hosts(environment["SLURM_STEP_NODELIST"])
        tasks = _tasks(environment["SLURM_STEP_TASKS_PER_NODE"])
        index, job = int(environment["SLURM_PROCID"]), int(environment["SLURM_JOB_ID"])
    except KeyError:
        return None
    port = FIRST_PORT + job % PORTS
    addresses = tuple(
        f"{name}:{port + local}"
        for name, count in zip(names, tasks, strict=True)
        for local in range(count)
    )
    return Cluster(addresses, index)


def _hosts(text: str) -> list[str]:
    """Expand Slurm's short form of names: "a[1-2,07],b" is a1, a2, a07, b."""
    names = []
    for stem, ranges, tail in re.findall(r"([^,\[]+)(?:\[([^\]]*)\])?([^,\[]*)", text):
        if not ranges:
            names.append(stem + tail)
        for part in filter(None, ranges.split(",")):
            first, _, last = part.partition("-")
            numbers = range(int(first), int(last or first) + 1)
            names += [f"{stem}{number:0{len(first)}d}{tail}" for number in numbers]
    return names


def _tasks(text: str) -> list[int]:
    """Expand Slurm's short form of counts: "2(x3),1" is 2, 2, 2, 1."""
    return [
        int(count)
        for count, times in re.findall(r"(\d+)(?:\(x(\d+)\))?", text)
        for _ in range(int(times or 1))
    ]
