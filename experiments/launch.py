"""One training run in several processes on this machine, each with a share of every batch.

    python -m experiments.launch --workers 2 -- --dataset glyphs --max-minutes 2
    python -m experiments.launch --workers 2 -- --resume runs/NAME

What follows `--` goes to `python -m gan.train`. The chief's output is shown; of
another worker only what it said last, if it ends badly, which ends them all.
Meant for trying out a run of several machines on one: on a processor the
workers share the cores, and the job is slower than a single process.
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

GRACE = 40.0  # seconds for the others to end by themselves, once one has ended badly
LOOK = 0.2  # seconds between two looks


@dataclass(frozen=True)
class LaunchConfig:
    """Starts `python -m gan.train` several times; its arguments follow after `--`."""

    workers: int = 2
    """Processes."""


def free_ports(count: int) -> list[int]:
    """Ports of the loopback that nobody listens on now."""
    with contextlib.ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for each in sockets:
            each.bind(("127.0.0.1", 0))
        return [each.getsockname()[1] for each in sockets]


def start(index: int, ports: Sequence[int], arguments: Sequence[str], log) -> subprocess.Popen:
    """One worker; `log` takes what it says, None shows it."""
    told = {
        "cluster": {"worker": [f"127.0.0.1:{port}" for port in ports]},
        "task": {"type": "worker", "index": index},
    }
    return subprocess.Popen(
        [sys.executable, "-m", "gan.train", *arguments],
        env={**os.environ, "TF_CONFIG": json.dumps(told)},
        stdout=log,
        stderr=log,
        start_new_session=True,  # a terminal's Ctrl-C reaches this process, which hands it on once
    )


def launch(workers: int, arguments: Sequence[str]) -> int:
    """Runs all to their end; the code of the first that ended badly, or the chief's."""
    with tempfile.TemporaryDirectory() as folder:
        logs = [Path(folder) / f"{index}" for index in range(workers)]
        ports = free_ports(workers)
        processes = []
        for index in reversed(range(workers)):
            with logs[index].open("wb") as log:
                processes.insert(0, start(index, ports, arguments, log if index else None))
        handlers = {
            number: signal.signal(number, lambda number, _: _tell(processes, number))
            for number in (signal.SIGINT, signal.SIGTERM)
        }
        try:
            _wait(processes)
        finally:
            _tell(processes, signal.SIGKILL)
            for number, handler in handlers.items():
                signal.signal(number, handler)
        return _report(processes, logs)


def _wait(processes: Sequence[subprocess.Popen]) -> None:
    """Until all have ended, or one did so badly and the others' grace is over."""
    failed = None
    while any(process.poll() is None for process in processes):
        time.sleep(LOOK)
        if failed is None and any(process.poll() for process in processes):
            failed = time.monotonic()
        if failed is not None and time.monotonic() - failed > GRACE:
            return


def _tell(processes: Sequence[subprocess.Popen], number: int) -> None:
    for process in processes:
        if process.poll() is None:
            process.send_signal(number)
        if number == signal.SIGKILL:
            process.wait()


def _report(processes: Sequence[subprocess.Popen], logs: Sequence[Path]) -> int:
    """Says which worker ended badly by itself, and its last words."""
    codes = [process.returncode for process in processes]
    guilty = [at for at, code in enumerate(codes) if code not in (0, cli.LOST)]
    if not guilty or len(set(codes)) == 1:  # all agreed, and the chief has said why
        return codes[0]
    first = guilty[0]
    code = codes[first]
    how = f"by {signal.Signals(-code).name}" if code < 0 else f"with code {code}"
    words = logs[first].read_text(errors="replace").strip().splitlines()[-2:] if code > 0 else []
    print(f"error: worker {first} of {len(codes)} ended {how}", *words, sep="\n", file=sys.stderr)
    return code if code > 0 else 128 - code


def main() -> int:
    words = sys.argv[1:]
    cut = words.index("--") if "--" in words else len(words)
    config = cli.parse(LaunchConfig, "python -m experiments.launch", words[:cut])
    if config.workers < 2:
        raise InputError(f"--workers: expected at least 2, got {config.workers}")
    return launch(config.workers, words[cut + 1 :])


if __name__ == "__main__":
    cli.run(main)
