"""Run one training in several processes on this machine, each with a share of every batch.

    python -m experiments.launch --workers 2 -- --dataset glyphs --max-minutes 2
    python -m experiments.launch --workers 2 -- --resume runs/NAME

Arguments after `--` are passed to `python -m gan.train`. The output of the chief
(worker 0) is shown; of another worker only its last lines, if it fails. One
failure ends all workers. This tries out a cluster on one machine: on a CPU the
workers share the cores, and training is slower than in a single process.
"""

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from common import cli
from common.errors import InputError

GRACE = 40.0  # seconds for the others to end by themselves after one has failed
INTERVAL = 0.2  # seconds between two checks


@dataclass(frozen=True)
class LaunchConfig:
    """Start `python -m gan.train` in several processes; its arguments follow `--`."""

    workers: int = 2
    """Number of processes, at least 2."""


def free_ports(count: int) -> list[int]:
    """Find ports of the loopback interface that are free now."""
    with contextlib.ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for each in sockets:
            each.bind(("127.0.0.1", 0))
        return [each.getsockname()[1] for each in sockets]


def start(index: int, ports: Sequence[int], arguments: Sequence[str], log) -> subprocess.Popen:
    """Start one worker.

    Args:
        index: Number of the worker; 0 is the chief.
        ports: Ports of all workers.
        arguments: Arguments of `gan.train`.
        log: File for the worker's output; None shows it.
    """
    cluster = {
        "cluster": {"worker": [f"127.0.0.1:{port}" for port in ports]},
        "task": {"type": "worker", "index": index},
    }
    return subprocess.Popen(
        [sys.executable, "-m", "gan.train", *arguments],
        env={**os.environ, "TF_CONFIG": json.dumps(cluster)},
        stdout=log,
        stderr=log,
        start_new_session=True,  # a terminal's Ctrl-C reaches this process, which passes it on once
    )


def launch(workers: int, arguments: Sequence[str]) -> int:
    """Run all workers to their end.

    Args:
        workers: Number of processes.
        arguments: Arguments of `gan.train`.

    Returns:
        The exit code of the first worker that failed, or the chief's.
    """
    with tempfile.TemporaryDirectory() as folder:
        logs = [Path(folder) / f"{index}" for index in range(workers)]
        ports = free_ports(workers)
        processes = []
        for index in reversed(range(workers)):
            with logs[index].open("wb") as log:
                processes.insert(0, start(index, ports, arguments, log if index else None))
        handlers = {
            number: signal.signal(number, lambda number, _: _signal(processes, number))
            for number in (signal.SIGINT, signal.SIGTERM)
        }
        try:
            _wait(processes)
        finally:
            _signal(processes, signal.SIGKILL)
            for number, handler in handlers.items():
                signal.signal(number, handler)
        return _report(processes, logs)


def _wait(processes: Sequence[subprocess.Popen]) -> None:
    """Wait until all have ended, or until `GRACE` seconds after one has failed."""
    failed = None
    while any(process.poll() is None for process in processes):
        time.sleep(INTERVAL)
        if failed is None and any(process.poll() for process in processes):
            failed = time.monotonic()
        if failed is not None and time.monotonic() - failed > GRACE:
            return


def _signal(processes: Sequence[subprocess.Popen], number: int) -> None:
    for process in processes:
        if process.poll() is None:
            process.send_signal(number)
        if number == signal.SIGKILL:
            process.wait()


def _report(processes: Sequence[subprocess.Popen], logs: Sequence[Path]) -> int:
    """Print which worker failed by itself, and its last lines."""
    codes = [process.returncode for process in processes]
    failed = [at for at, code in enumerate(codes) if code not in (0, cli.LOST)]
    if not failed or len(set(codes)) == 1:  # if all failed, the chief has printed why
        return codes[0]
    first = failed[0]
    code = codes[first]
    how = f"by {signal.Signals(-code).name}" if code < 0 else f"with code {code}"
    lines = logs[first].read_text(errors="replace").strip().splitlines()[-2:] if code > 0 else []
    print(f"error: worker {first} of {len(codes)} ended {how}", *lines, sep="\n", file=sys.stderr)
    return code if code > 0 else 128 - code


def main() -> int:
    """Parse the arguments before `--` and launch the workers."""
    words = sys.argv[1:]
    cut = words.index("--") if "--" in words else len(words)
    config = cli.parse(LaunchConfig, "python -m experiments.launch", words[:cut])
    if config.workers < 2:
        raise InputError(f"--workers {config.workers}: expected at least 2")
    return launch(config.workers, words[cut + 1 :])


if __name__ == "__main__":
    cli.run(main)
