"""Command lines from dataclasses: arguments, short errors, a quiet TensorFlow."""

import contextlib
import errno
import functools
import io
import os
import sys
import traceback
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NoReturn, TypeVar

import tyro

from common.errors import InputError, WorkerLostError

T = TypeVar("T")
LOST = 3  # the exit code when another worker has gone
BORDER = "│╭╮╰╯─ "


def parse(
    config: type[T], program: str, arguments: Sequence[str] | None, default: T | None = None
) -> T:
    """Parses arguments into a frozen dataclass; flags are its fields, help its docstrings.

    Raises:
        InputError: an argument that does not fit, in one or two lines.
        SystemExit: --help was asked for.
    """
    complaint = io.StringIO()
    try:
        with contextlib.redirect_stderr(complaint):
            given = {} if default is None else {"default": default}
            return tyro.cli(config, prog=program, args=arguments, **given)
    except SystemExit as end:
        if not end.code:
            raise
    raise InputError(_unframe(complaint.getvalue())) from None


def _unframe(box: str) -> str:
    """Tyro's framed complaint as a line for what is wrong and a line for what is right."""
    sections, lines = [], []
    for line in box.splitlines()[1:]:  # the first is a title
        text = line.strip(BORDER)
        if text:
            lines.append(text)
        else:  # a rule, or the end
            sections.append(" ".join(lines))
            lines = []
    if not sections:  # a terminal without these letters is drawn other frames
        return box.strip()
    wrong, *others = sections
    hint = next((text for text in others if text.startswith("Perhaps")), others[-1])
    return f"{wrong}\n{hint}" if hint else wrong


def run(main: Callable[[], int | None]) -> NoReturn:
    """Runs a command line's main function and exits: 2 for bad input, in one or two lines."""
    try:
        sys.exit(main() or 0)
    except InputError as error:
        sys.exit(_complain(str(error)))
    except WorkerLostError as error:
        _complain(str(error))
        sys.exit(LOST)
    except OSError as error:
        if not is_disk_full(error):
            if error.filename is None:
                raise
            sys.exit(_complain(f"{error.filename}: {error.strerror}"))
        sys.exit(
            _complain(
                f"disk full: {error.filename or error}\nfree some space, then go on with --resume"
            )
        )
    except KeyboardInterrupt:
        print("\ninterrupted", file=sys.stderr)
        sys.exit(130)


def end_at_once(main: Callable[[], int]) -> int:
    """`run` for a process that others wait for: one that fails is gone the next moment.

    At an ordinary exit TensorFlow may wait for the others in turn.
    """
    try:
        return main()
    except BaseException as error:
        code = 1
        try:
            run(functools.partial(_raise, error))
        except SystemExit as end:
            code = int(end.code or 0)
        except BaseException:
            traceback.print_exc()
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


def _raise(error: BaseException) -> NoReturn:
    raise error


def is_disk_full(error: OSError) -> bool:
    """Whether an OSError means that the disk, or the user's share of it, is full."""
    return error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


def python_to_type() -> str:
    """This interpreter as one would type it here: the shortest path that works."""
    python, here = Path(sys.executable), Path.cwd()
    return str(python.relative_to(here) if python.is_relative_to(here) else python)


def _complain(message: str) -> int:
    print(f"error: {message}", file=sys.stderr)
    return 2


def import_tensorflow() -> None:
    """Imports TensorFlow without its start-up lines.

    Some come from C++ before any log level is read, so the file descriptor
    itself is turned away meanwhile; Python's exceptions are not lost by that.
    """
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    sys.stderr.flush()
    kept = os.dup(2)
    with open(os.devnull, "wb") as nowhere:
        os.dup2(nowhere.fileno(), 2)
    try:
        import tensorflow as tf

        tf.config.list_physical_devices()  # looks for CUDA, and says so
        tf.get_logger().setLevel("ERROR")  # else every new size of picture is a warning
    finally:
        os.dup2(kept, 2)
        os.close(kept)
