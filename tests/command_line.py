"""Run the project's command lines in a subprocess."""

import contextlib
import importlib
import io
import subprocess
import sys
from pathlib import Path

import numpy as np

from common.checkpoints import Checkpoints

ROOT = Path(__file__).resolve().parent.parent


def start(*arguments, **options):
    """Start `python -m *arguments` in the project's folder."""
    return subprocess.Popen(
        [sys.executable, "-m", *map(str, arguments)],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        **options,
    )


def run(*arguments, timeout=240, **options):
    """Return the exit code, standard output and standard error of `start`."""
    process = start(*arguments, **options)
    out, err = process.communicate(timeout=timeout)
    return process.returncode, out, err


def run_here(module, *arguments):
    """Return what `run` returns of a command line that runs in this process."""
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        code = importlib.import_module(module).main(list(map(str, arguments)))
    return code, out.getvalue(), err.getvalue()


def sample_evaluate_and_export(folder, out, cache):
    """Use a run's generator in three commands, and return the shape of its images."""
    code, _, err = run_here("gan.sample", "--run", folder, "--npz", out / "s.npz")
    assert code == 0, err
    code, _, err = run(
        "gan.evaluate", "--run", folder, "--count", "24", "--features", "compact",
        "--checkpoint", "best", "--cache-dir", cache,
    )  # fmt: skip
    assert code == 0, err
    code, said, err = run_here("gan.export", "--run", folder, "--out", out / "g.keras")
    assert (code, "images agree" in said) == (0, True), err
    with np.load(out / "s.npz") as archive:
        return archive["images"].shape[1:]


def arrays_of(folder):
    """Return the arrays of a run's last checkpoint by name."""
    return Checkpoints(folder).load("last")[0]
