"""A command line in a process that can be killed, and the temporary files it has open."""

import contextlib
import os
import signal
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from common import cli
from common.files import TEMPORARY
from experiments.fuzzing.case import PROGRAMS

POLL = 0.0005  # seconds between two looks for a temporary file


class Process:
    """A command line in another process, forked after TensorFlow's import to save time."""

    def __init__(self, program: str, words: Sequence[str], folder: Path):
        """Start the process in `folder`; what it prints goes to log.txt beside the folder."""
        self.started, self.code = time.perf_counter(), None
        self.log = folder.with_suffix(".log")
        sys.stdout.flush()
        sys.stderr.flush()
        self.number = os.fork()
        if self.number:
            return
        code = 1
        try:
            log = os.open(self.log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
            os.dup2(log, 1)
            os.dup2(log, 2)
            os.chdir(folder)
            sys.stdout, sys.stderr = (os.fdopen(number, "w") for number in (1, 2))
            sys.argv = [program, *words]
            cli.run(PROGRAMS[program].main)
        except SystemExit as end:
            code = end.code
        except BaseException as error:
            print(f"{type(error).__name__}: {error}")
        finally:
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(code)

    def ended(self) -> bool:
        """Return whether the process has ended by itself or been killed."""
        if self.code is None:
            number, status = os.waitpid(self.number, os.WNOHANG)
            if number:
                self.code = os.waitstatus_to_exitcode(status)
        return self.code is not None

    def kill(self) -> None:
        """End the process as a power cut would, and wait until it has ended."""
        if self.code is None:
            os.kill(self.number, signal.SIGKILL)
            self.code = os.waitstatus_to_exitcode(os.waitpid(self.number, 0)[1])

    def wait(self, seconds: float, until: Callable[[float], bool] = lambda elapsed: False) -> float:
        """Wait for the end, for `until` or for `seconds`, then kill what is still running.

        Args:
            seconds: Time bound.
            until: Called with the seconds since the start.

        Returns:
            Seconds since the start.
        """
        while not self.ended():
            elapsed = time.perf_counter() - self.started
            if elapsed > seconds or until(elapsed):
                break
            time.sleep(POLL)
        self.kill()
        return time.perf_counter() - self.started


class Temporaries:
    """Counts the temporary files that have been seen below a folder."""

    def __init__(self, folder: Path):
        """Watch `folder`, which may not exist yet."""
        self.folder, self.seen = folder, set()

    def count(self) -> int:
        """Look once and return how many different ones there have been."""
        with contextlib.suppress(OSError):  # what is listed may be gone
            self.seen.update(find_temporaries(self.folder))
        return len(self.seen)


def find_temporaries(folder: Path) -> Iterator[str]:
    """Find the names of unfinished files and folders below a folder."""
    for place, folders, files in os.walk(folder):
        yield from (f"{place}/{name}" for name in (*folders, *files) if name.startswith(TEMPORARY))
