"""A function in a new process: its value, its errors and its end."""

import os
import signal
import subprocess
import sys
import time

import pytest

from common import child_process
from common.errors import InputError

pytestmark = pytest.mark.slow  # every process imports TensorFlow


def double(number):
    return 2 * number, os.getpid()


def refuse(path):
    raise InputError(f"--content {path}: no such file")


def vanish():
    os._exit(7)


def wait(path):
    path.write_text(str(os.getpid()))
    try:
        time.sleep(60)
    except KeyboardInterrupt:
        return "interrupted"


def test_the_value_of_another_process_is_returned():
    value, process = child_process.call(double, 21)
    assert value == 42
    assert process != os.getpid()


def test_its_errors_are_raised_with_their_traceback():
    with pytest.raises(InputError, match="--content x: no such file") as error:
        child_process.call(refuse, "x")
    assert "in refuse" in str(error.value.__cause__)
    with pytest.raises(ChildProcessError, match="exit code 7"):
        child_process.call(vanish)


CALL = """
import sys
from pathlib import Path
from common import child_process
from tests.common.test_child_process import wait
if __name__ == "__main__":
    print(child_process.call(wait, Path(sys.argv[1])))
"""


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL])
def test_signals_reach_it_and_it_ends_with_its_parent(tmp_path, number):
    path = tmp_path / "process"
    script = tmp_path / "call.py"
    script.write_text(CALL)
    parent = subprocess.Popen(
        [sys.executable, script, path],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": os.getcwd()},
    )
    while not path.exists() or not path.read_text():
        time.sleep(0.05)
    child = int(path.read_text())
    parent.send_signal(number)
    out, _ = parent.communicate(timeout=30)
    assert out == ("interrupted\n" if number == signal.SIGINT else "")
    deadline = time.monotonic() + 10
    while is_running(child) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not is_running(child)


def is_running(process):
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    return True
