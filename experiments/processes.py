"""Processes for runs and measurements, so that one leaves nothing behind for the next."""

import contextlib
import importlib
import os
import re
import resource
import sys
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from multiprocessing import get_context
from pathlib import Path
from typing import TypeVar

from tqdm import tqdm

from common import cli

T = TypeVar("T")
TOGETHER = 24  # tasks before processes are replaced, which frees their memory


@contextlib.contextmanager
def quietly() -> Iterator[None]:
    """Discard what is printed: a process among others has no terminal to itself."""
    with (
        open(os.devnull, "w") as nowhere,
        contextlib.redirect_stdout(nowhere),
        contextlib.redirect_stderr(nowhere),
    ):
        yield


def over(function: Callable[[T], None], tasks: Sequence[T], jobs: int) -> None:
    """Call a function with every task in other processes, with a progress bar.

    Args:
        function: A function at the top level of a module.
        tasks: Its arguments, each of which can be pickled.
        jobs: Processes at the same time. With more than one, TensorFlow has a
            single thread in each.

    Raises:
        KeyboardInterrupt: Ctrl-C was pressed; tasks that have begun end first.
    """
    begin = _use_one_thread if jobs > 1 else None
    with tqdm(total=len(tasks), desc="runs", smoothing=0.02, disable=not tasks) as bar:
        for start in range(0, len(tasks), TOGETHER):
            with ProcessPoolExecutor(
                jobs, mp_context=get_context("spawn"), initializer=begin
            ) as pool:
                waiting = [pool.submit(function, task) for task in tasks[start : start + TOGETHER]]
                try:
                    for done in as_completed(waiting):
                        done.result()
                        bar.update()
                except BaseException:
                    pool.shutdown(cancel_futures=True)
                    raise


def _use_one_thread() -> None:
    cli.import_tensorflow()
    import tensorflow as tf

    tf.config.threading.set_intra_op_parallelism_threads(1)
    tf.config.threading.set_inter_op_parallelism_threads(1)


def alone(function: str, *arguments: object) -> dict[str, object]:
    """Call a function in a process by itself and add that process's peak memory.

    Args:
        function: Its name with that of its module, which may import TensorFlow.
            It returns a mapping.
        arguments: Its arguments, each of which can be pickled.

    Returns:
        The function's values and "peak_megabytes".

    Example:
        >>> alone("experiments.bench.steps.pipeline", "default")
    """
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        return pool.submit(_with_memory, function, *arguments).result()


def _with_memory(function: str, *arguments: object) -> dict[str, object]:
    cli.import_tensorflow()
    with quietly():
        module, _, name = function.rpartition(".")
        values = getattr(importlib.import_module(module), name)(*arguments)
    return {**values, "peak_megabytes": round(peak_megabytes())}


def peak_megabytes() -> float:
    """Return the highest resident memory of this process, in MB.

    Linux counts a parent's memory into the `ru_maxrss` of a process that it
    starts, so that /proc is asked first.

    Example:
        >>> peak_megabytes() > 5
        True
    """
    try:
        status = Path("/proc/self/status").read_text()
        return int(re.search(r"VmHWM:\s+(\d+)", status)[1]) / 2**10
    except (OSError, TypeError):
        unit = 2**20 if sys.platform == "darwin" else 2**10
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / unit
