"""Command lines from dataclasses: arguments, short errors, a quiet TensorFlow."""

import contextlib
import dataclasses
import functools
import io
import os
import re
import sys
import traceback
import warnings
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Annotated, Any, NoReturn, TypeVar, get_type_hints

import tyro

from common import overrides
from common.errors import InputError, InputWarning, WorkerLostError, printable
from common.files import is_disk_full

T = TypeVar("T")
LOST = 3  # the exit code when another worker is lost
FRAME = "│╭╮╰╯─ "
SET_HELP = """Set any field of the configuration by its dotted path, also those without a flag.
Values of a tuple are separated by commas."""


def parse(
    config: type[T], program: str, arguments: Sequence[str] | None, default: T | None = None
) -> T:
    """Parse arguments into a frozen dataclass; flags are its fields, help its docstrings.

    A dataclass with nested ones gets one more flag, `--set FIELD=VALUE [...]`,
    which also reaches the fields that `tyro.conf.Fixed` hides.

    Args:
        config: The dataclass.
        program: How the command is typed, for the help text.
        arguments: Words of the command line; None takes those of this process.
        default: Values of the fields that no argument sets.

    Raises:
        InputError: An argument does not fit, in one or two lines.
        SystemExit: --help was asked for.

    Example:
        >>> parse(Config, "python -m gan.train", ["--seed", "1", "--set", "run.histograms=True"])
    """
    names = [field.name for field in dataclasses.fields(config)]
    known = overrides.paths(config)
    nested = any("." in path for path in known)
    parsed = _parse_flags(_with_set(config) if nested else config, program, arguments, default)
    if not nested:
        return parsed
    values = config(**{name: getattr(parsed, name) for name in names})
    return overrides.apply(values, [each for group in parsed.set for each in group])


def _with_set(config: type[T]) -> type[T]:
    about = tyro.conf.arg(help=SET_HELP, metavar="FIELD=VALUE [FIELD=VALUE ...]")
    kind = Annotated[tyro.conf.UseAppendAction[tuple[tuple[str, ...], ...]], about]
    extended = dataclasses.make_dataclass(
        config.__name__, [("set", kind, ())], bases=(config,), frozen=True
    )
    extended.__doc__ = config.__doc__
    return extended


def _parse_flags(config: type, program: str, arguments: Sequence[str] | None, default: object):
    given = {}
    if default is not None:
        fields = dataclasses.fields(default)
        given["default"] = config(**{field.name: getattr(default, field.name) for field in fields})
    complaint = io.StringIO()
    try:
        with contextlib.redirect_stderr(complaint):
            return tyro.cli(
                config, prog=program, args=arguments, config=(tyro.conf.SuppressFixed,), **given
            )
    except SystemExit as end:
        if not end.code:
            raise
    raise InputError(_two_lines(complaint.getvalue(), config)) from None


def _two_lines(box: str, config: type) -> str:
    """Reduce tyro's framed error to one line for what is wrong and one for what to do."""
    rows = [line.strip(FRAME) for line in box.splitlines()[1:]]  # the first is a title
    sections = " ".join(row if row.strip("-") else "\n" for row in rows).split("\n")
    wrong, *others = [text.strip() for text in sections if text.strip()] or [box.strip()]
    flag = re.search(r"--[\w.-]+", wrong)
    field = flag[0].strip("-").replace("-", "_").rpartition(".")[2] if flag else ""
    hidden = [path for path in _hidden(config) if path.rpartition(".")[2] == field]
    if hidden:
        return f"{flag[0]}: not a flag\nset this field with --set {hidden[0]}=VALUE"
    hint = next((text for text in others if text.startswith("Perhaps")), "".join(others[-1:]))
    return f"{wrong}\n{hint}" if hint else wrong


def _hidden(config: type) -> Iterator[str]:
    """Yield the dotted paths of the fields that `tyro.conf.Fixed` hides."""
    plain, annotated = (get_type_hints(config, include_extras=extras) for extras in (False, True))
    for field in dataclasses.fields(config):
        fixed = tyro.conf.Fixed in getattr(annotated[field.name], "__metadata__", ())
        nested = dataclasses.is_dataclass(plain[field.name])
        below = (overrides.paths if fixed else _hidden)(plain[field.name]) if nested else ()
        yield from (f"{field.name}.{path}" for path in below)
        if fixed and not nested:
            yield field.name


def run(main: Callable[[], int | None]) -> NoReturn:
    """Run a command line's main function and exit.

    Args:
        main: Returns the exit code, None for 0.

    Raises:
        SystemExit: Always. The exit code is 2 for bad input, a full disk and a
            lack of memory, each reported in one or two lines; 3 when another worker
            is lost; 130 after Ctrl-C.
    """
    prepare_output()
    try:
        sys.exit(main() or 0)
    except InputError as error:
        sys.exit(_complain(str(error)))
    except WorkerLostError as error:
        _complain(str(error))
        sys.exit(LOST)
    except MemoryError as error:
        sys.exit(_complain(f"out of memory{f' ({error})' if str(error) else ''}"))
    except BrokenPipeError:  # the reader of our output, such as `head`, has ended
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        sys.exit(1)
    except OSError as error:
        if is_disk_full(error):
            name = error.filename or error
            advice = "free some space, then repeat the command, or continue its run with --resume"
            sys.exit(_complain(f"disk full: {name}\n{advice}"))
        if error.filename is None:
            raise
        sys.exit(_complain(f"{error.filename}: {error.strerror}"))
    except KeyboardInterrupt:
        print("\ninterrupted", file=sys.stderr)
        sys.exit(130)


def prepare_output() -> None:
    """Let names of any characters be printed, and warnings take one line each."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    warnings.showwarning = _show_warning


def _show_warning(message: Warning | str, category: type[Warning], file: str, *_: Any) -> None:
    """Print a warning in one line, without the line of code that Python would add.

    Pillow's own are left out: they tell of metadata that it could not read, and
    an image that cannot be read is an error.
    """
    if Path(file).parent.name == "PIL":
        return
    kind = "" if issubclass(category, InputWarning) else f"{category.__name__}: "
    text = str(message) if not kind else " ".join(str(message).split())
    print(f"warning: {kind}{printable(text)}", file=sys.stderr)


def end_at_once(main: Callable[[], int]) -> int:
    """Call `main`; after an exception, report it as `run` does and exit without cleanup.

    For a process that others wait for: at an ordinary exit TensorFlow may wait
    for the others in turn.

    Args:
        main: Returns the exit code.

    Returns:
        The exit code of `main`.
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


def python_to_type() -> str:
    """Return the command that starts this interpreter here: the shortest path that works."""
    python, here = Path(sys.executable), Path.cwd()
    return str(python.relative_to(here) if python.is_relative_to(here) else python)


def _complain(message: str) -> int:
    """Print an error; an argument that would break its lines is escaped."""
    parts = {part for word in sys.argv[1:] for part in re.split("[/=]", word)}
    for part in sorted(parts, key=len, reverse=True):
        if printable(part) != part:
            message = message.replace(part, printable(part))
    print(f"error: {message}", file=sys.stderr)
    return 2


def import_tensorflow() -> None:
    """Import TensorFlow without its start-up messages.

    C++ writes some of them before it reads any log level, so the file
    descriptor of the standard error is redirected during the import. Python's
    exceptions are not affected.
    """
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    sys.stderr.flush()
    kept = os.dup(2)
    with open(os.devnull, "wb") as nowhere:
        os.dup2(nowhere.fileno(), 2)
    try:
        import tensorflow as tf

        tf.config.list_physical_devices()  # searches for CUDA and reports it
        tf.get_logger().setLevel("ERROR")  # otherwise every new image size is a warning
    finally:
        os.dup2(kept, 2)
        os.close(kept)
