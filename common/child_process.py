"""A function in a new process with TensorFlow, whose end returns all its memory."""

import contextlib
import os
import pickle
import signal
import threading
import traceback
from collections.abc import Callable, Iterator
from multiprocessing import get_context, parent_process
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from typing import TypeVar

from common import cli

T = TypeVar("T")
SIGNALS = (signal.SIGINT, signal.SIGTERM)


def call(function: Callable[..., T], *arguments: object) -> T:
    """Call a function in a new process and wait for its value.

    SIGINT and SIGTERM are passed on to that process, which decides what to do. It
    ends when this process does, even if that is killed.

    Args:
        function: A function at the top level of a module.
        arguments: Its arguments, each of which can be pickled, as its value can.

    Returns:
        What the function returns.

    Raises:
        ChildProcessError: The process ended without a value, as after a lack of memory;
            or the cause of the exception below, with its traceback.
        BaseException: Whatever the function raises.

    Example:
        >>> call(max, 2, 3)
        3
    """
    context = get_context("spawn")
    receiver, sender = context.Pipe(duplex=False)
    work = pickle.dumps((function, arguments))
    process = context.Process(target=_child, args=(sender, work), daemon=True)
    with _passed_on(process):
        process.start()
        sender.close()  # so that the end of the process ends `recv`
        try:
            value, error, trace = receiver.recv()
        except EOFError:
            process.join()
            raise ChildProcessError(
                f"the process that worked ended with exit code {process.exitcode}"
            ) from None
        process.join()
    if error is not None:
        raise error from ChildProcessError(trace)
    return value


def _child(sender: Connection, work: bytes) -> None:
    if hasattr(os, "setpgrp"):
        os.setpgrp()  # Ctrl-C comes from the parent, once
    threading.Thread(target=_end_with_parent, daemon=True).start()
    cli.prepare_output()
    cli.import_tensorflow()  # before the function's module does it, with its messages
    try:
        function, arguments = pickle.loads(work)
        found = (function(*arguments), None, "")
    except BaseException as error:
        found = (None, error, traceback.format_exc())
    sender.send(found)


def _end_with_parent() -> None:
    parent_process().join()
    os._exit(1)


@contextlib.contextmanager
def _passed_on(process: BaseProcess) -> Iterator[None]:
    """Pass signals on to a process, if this is the thread that may handle them."""

    def pass_on(number: int, _: object) -> None:
        if process.pid is not None:
            with contextlib.suppress(ProcessLookupError):
                os.kill(process.pid, number)

    try:
        previous = {number: signal.signal(number, pass_on) for number in SIGNALS}
    except ValueError:
        previous = {}  # not the main thread
    try:
        yield
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)
