"""What all command lines have in common."""

import os
import shlex
import subprocess
import sys
import time

import pytest

from tests.command_line import ROOT, run

FRONTS = [
    *("gan.train", "gan.sample", "gan.evaluate", "gan.anomaly", "gan.directions", "gan.project"),
    *("style_transfer.stylize", "style_transfer.video.__main__"),
]


def test_the_front_modules_do_not_import_tensorflow():
    code = (
        f"import sys, {', '.join(FRONTS)}; "
        "print([name for name in ('tensorflow', 'keras', 'matplotlib') if name in sys.modules])"
    )
    out = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert out.stdout.strip() == "[]", out.stderr


@pytest.mark.parametrize("module", FRONTS)
def test_help_explains_every_flag(module):
    started = time.monotonic()
    code, out, _ = run(module, "--help")
    assert time.monotonic() - started < 2.0
    assert code == 0
    assert "--seed" in out
    assert "required" in out or module != "gan.sample"


SLOW = pytest.mark.slow  # TensorFlow Datasets takes seconds to list its names


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["gan.train", "--loss", "hing"], "hinge"),
        (["gan.train", "--networks", "dcgn"], "did you mean dcgan"),
        (["gan.train", "--preset", "tutoria"], "did you mean tutorial"),
        (["gan.train", "--tick-kimg", "1"], "--set run.tick_kimg=VALUE"),
        (["gan.train", "--bath-size", "8"], "--batch-size"),
        (["gan.train", "--batch-size", "many"], "--batch-size"),
        (
            ["gan.train", "--resolution", "33"],
            "--resolution 33: dcgan cannot make it; expected one of 16, 20",
        ),
        (
            ["gan.train", "--dataset", "/no/such/folder"],
            "--dataset /no/such/folder: no such folder",
        ),
        pytest.param(["gan.train", "--dataset", "minst"], "did you mean mnist", marks=SLOW),
        (["gan.train", "--resume", "/no/such/run"], "--resume /no/such/run: not a run"),
        (["gan.train", "--run-dir", "/dev/null/run"], "--run-dir /dev/null/run"),
        (
            ["gan.sample", "--run", "/no/such/run", "--out", "x.png"],
            "--run /no/such/run: not a run",
        ),
        (["gan.sample", "--run", "x"], "expected one of --out"),
        (["gan.sample"], "--run"),
    ],
)
def test_bad_input_is_reported_in_two_lines(arguments, message, tmp_path):
    if arguments[0] == "gan.train":
        arguments = [*arguments, "--cache-dir", tmp_path]
    code, _, err = run(*arguments)
    assert code == 2
    assert message in err
    assert len(err.strip().splitlines()) <= 2, err


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (["STYLE=my painting.jpg", "CONTENT=a b.jpg"], [["a b.jpg"], ["my painting.jpg"]]),
        (["STYLES=a.jpg b.jpg", "CONTENT=x.jpg"], [["x.jpg"], ["a.jpg", "b.jpg"]]),
    ],
)
def test_make_passes_names_with_spaces(given, expected):
    command = ["make", "--dry-run", "--always-make", "stylize", *given]
    outside = {"PATH": os.environ["PATH"]}  # without what a `make test` hands down
    out = subprocess.check_output(command, cwd=ROOT, text=True, env=outside)
    line = next(line for line in out.replace("\\\n", " ").splitlines() if "stylize" in line)
    words = shlex.split(line)
    content, style = words.index("--content"), words.index("--style")
    assert [words[content + 1 : style], words[style + 1 :]] == expected
