"""Run one case in this process and check what it printed, wrote, changed and took."""

import contextlib
import io
import os
import re
import signal
import sys
import time
import traceback
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from unittest import mock

from common import cli
from common.errors import printable
from experiments.fuzzing.case import PROGRAMS, Case
from experiments.fuzzing.output import Snapshot, check_files, snapshot
from experiments.processes import peak_megabytes

CODES = (0, 1, 2, 3, 130)
LINES = 2  # of an error message
ENCODINGS = ("utf-8", "ascii", "latin-1")  # of the terminal
ROOT = Path(__file__).resolve().parent.parent.parent


class Reached(BaseException):
    """A case that is not heavy has come to the import of TensorFlow."""


class Hang(BaseException):
    """A case has run past its time."""


@dataclass(frozen=True)
class Bounds:
    """What a case may take."""

    seconds: float
    megabytes: float


@dataclass(frozen=True)
class Outcome:
    """What came of a case.

    Attributes:
        code: Exit code; None after an exception.
        out: Printed to the standard output.
        err: Printed to the standard error.
        problems: What is wrong, one line each; empty for a good case.
        trace: Traceback of the exception, if any.
        seconds: Time taken.
        megabytes: Growth of the memory at its peak.
    """

    code: int | None
    out: str
    err: str
    problems: tuple[str, ...]
    trace: str
    seconds: float
    megabytes: float


def observe(case: Case, folder: Path, bounds: Bounds) -> Outcome:
    """Run a case in its folder and check everything that the campaign promises.

    Args:
        case: The case; its files lie in `folder`.
        folder: Becomes the working directory.
        bounds: What it may take.
    """
    before, files = _reset_peak(), snapshot(folder)
    started = time.perf_counter()
    encoding = ENCODINGS[len(case.arguments) % len(ENCODINGS)]
    out, err = (io.TextIOWrapper(io.BytesIO(), encoding) for _ in range(2))
    code, trace, problems = None, "", []
    try:
        with _surroundings(case, folder, bounds.seconds, out, err):
            cli.run(_main(case))
    except SystemExit as end:
        code = end.code
    except Hang:
        problems.append(f"hang: not finished after {bounds.seconds:g} s")
        trace = traceback.format_exc()
    except BaseException as error:
        if isinstance(error, KeyboardInterrupt):
            raise
        trace = traceback.format_exc()
        problems.append(f"traceback: {type(error).__name__} in {_place(error)}")
    seconds, megabytes = time.perf_counter() - started, peak_megabytes() - before
    said_out, said_err = (_text(stream, encoding) for stream in (out, err))
    if code is not None and (code not in CODES or (code == 1 and not case.heavy)):
        problems.append(f"exit code {code}")
    if code == 2:
        problems += check_message(said_err, case, files)
    if "Traceback" in said_err:
        problems.append("traceback: printed")
    if megabytes > bounds.megabytes:
        problems.append(f"memory: {megabytes:.0f} MB more at its peak")
    problems += check_files(files, snapshot(folder), folder, case.writable, said_out + said_err)
    return Outcome(code, said_out, said_err, tuple(problems), trace, seconds, megabytes)


def _main(case: Case) -> Callable[[], int | None]:
    program = PROGRAMS[case.program]

    def main() -> int | None:
        try:
            if case.call is None:
                return program.main()
            case.call()
        except Reached:
            if case.follow is not None:
                case.follow(case.arguments)
        return 0

    return main


@contextlib.contextmanager
def _surroundings(
    case: Case, folder: Path, seconds: float, out: io.TextIOWrapper, err: io.TextIOWrapper
) -> Iterator[None]:
    """Give a case its words, folder, variables, terminal and time, and no network."""

    def stop(*_: object) -> None:
        raise Hang

    def reach() -> None:
        raise Reached

    def no_network(*_: object) -> None:
        raise OSError("no network in a campaign")

    here = Path.cwd()
    with contextlib.ExitStack() as stack:
        enter = stack.enter_context
        enter(mock.patch.object(sys, "argv", [case.program, *case.arguments]))
        enter(mock.patch.dict(os.environ, case.environment))
        enter(mock.patch("socket.socket.connect", no_network))
        enter(mock.patch("socket.getaddrinfo", no_network))
        if not case.heavy:
            enter(mock.patch.object(cli, "import_tensorflow", reach))
        os.chdir(folder)
        stack.callback(os.chdir, here)
        enter(contextlib.redirect_stdout(out))
        enter(contextlib.redirect_stderr(err))
        stack.callback(signal.signal, signal.SIGALRM, signal.signal(signal.SIGALRM, stop))
        stack.callback(signal.setitimer, signal.ITIMER_REAL, 0)
        signal.setitimer(signal.ITIMER_REAL, seconds)
        yield


def _text(stream: io.TextIOWrapper, encoding: str) -> str:
    stream.flush()
    return stream.buffer.getvalue().decode(encoding, "replace")


def _place(error: BaseException) -> str:
    """Return the innermost line of this project that an exception passed through."""
    frames = traceback.extract_tb(error.__traceback__)
    ours = [frame for frame in frames if Path(frame.filename).is_relative_to(ROOT)]
    ours = [frame for frame in ours if "/.venv/" not in frame.filename] or frames[-1:]
    if not ours:
        return "?"
    return f"{Path(ours[-1].filename).relative_to(ROOT)}:{ours[-1].lineno}"


def check_message(err: str, case: Case, files: Snapshot) -> list[str]:
    """Check that an error is one or two lines and names a flag, a file or a word that was given.

    Args:
        err: What was printed to the standard error.
        case: The case.
        files: The files of its folder.

    Returns:
        What is wrong, one line each.
    """
    lines = err.splitlines()
    starts = [number for number, line in enumerate(lines) if line.startswith("error: ")]
    if not starts:
        return ["message: exit code 2 without an error"]
    message = lines[starts[-1] :]
    if len(message) > LINES:
        return [f"message: {len(message)} lines"]
    text = _escaped("\n".join(message))
    given = [part for word in case.arguments for part in word.split("=", 1)]
    given += [*case.environment, *(Path(path).name for path in files)]
    named = re.search(r"--\w|styles|array|image|no such file|out of memory", text) or any(
        len(word) > 1 and form(word) in text
        for word in given
        for form in (_escaped, lambda word: _escaped(printable(word)))
    )
    return [] if named else ["message: names neither a flag nor a file"]


def _escaped(text: str) -> str:
    return text.encode("ascii", "backslashreplace").decode()


def _reset_peak() -> float:
    """Forget the highest memory so far, on Linux, and return the present one in MB."""
    with contextlib.suppress(OSError):
        Path("/proc/self/clear_refs").write_text("5")
    return peak_megabytes()
