import dataclasses
import errno
import os
import subprocess
import sys
import warnings
from pathlib import Path
from typing import Annotated, Literal

import pytest
import tyro
from PIL import Image

from common import cli
from common.errors import InputError, InputWarning, WorkerLostError
from tests.command_line import ROOT


@dataclasses.dataclass(frozen=True)
class Part:
    loss: Literal["hinge", "minimax"] = "hinge"
    """The loss."""
    histograms: tyro.conf.Fixed[bool] = False
    rate: tyro.conf.Fixed[float | None] = None
    names: tyro.conf.Fixed[tuple[str, ...]] = ("a",)
    folder: tyro.conf.Fixed[Path | None] = None


@dataclasses.dataclass(frozen=True)
class Config:
    """Does something."""

    seed: int = 0
    """The seed."""
    part: Annotated[Part, tyro.conf.OmitArgPrefixes] = Part()
    box: tyro.conf.Fixed[tuple[int, int]] = (1, 2)


@dataclasses.dataclass(frozen=True)
class Flat:
    out: Path
    """The file."""
    seed: int = 0
    """The seed."""


def parse(*arguments, default=None):
    return cli.parse(Config, "program", arguments, default=default)


def test_flags_and_defaults():
    assert parse() == Config()
    assert parse("--seed", "3", "--loss", "minimax") == Config(3, Part(loss="minimax"))
    assert type(parse()) is Config


def test_set_reaches_every_field():
    found = parse(
        *("--set", "part.histograms=True", "part.rate=1e-3", "part.names=x, y", "part.folder=a/b"),
        *("--set", "box=3,4", "part.loss=minimax"),
    )
    assert found == Config(0, Part("minimax", True, 1e-3, ("x", "y"), Path("a/b")), (3, 4))


def test_set_keeps_what_it_does_not_name():
    default = Config(7, Part(rate=0.5, names=("b", "c")), (8, 9))
    found = parse("--set", "part.histograms=true", default=default)
    assert found == dataclasses.replace(default, part=Part("hinge", True, 0.5, ("b", "c")))
    assert parse("--set", "part.rate=None", "part.names=", default=default).part == Part(
        rate=None, names=()
    )


@pytest.mark.parametrize(
    ("assignment", "message"),
    [
        ("part.histogram=1", "unknown field; did you mean part.histograms"),
        ("histograms=True", "unknown field; did you mean part.histograms?"),
        ("part=1", "part is a group with the fields part.loss, part.histograms"),
        ("zzzz=1", "--set zzzz=1: unknown field"),
        ("part.rate", "expected FIELD=VALUE"),
        ("seed=1.5", "--set seed=1.5: expected an integer"),
        ("seed=", "expected an integer"),
        ("part.histograms=2", "expected True or False"),
        ("part.rate=fast", "expected a number or None"),
        ("part.loss=hing", "expected one of hinge, minimax; did you mean hinge?"),
        ("box=1,2,3", "expected 2 values separated by commas"),
        ("box=1,b", "expected an integer"),
    ],
)
def test_set_refuses_what_does_not_fit(assignment, message):
    with pytest.raises(InputError) as caught:
        parse("--set", assignment)
    assert message in str(caught.value)
    assert len(str(caught.value).splitlines()) == 1


def test_help_shows_set_and_hides_fixed_fields(capsys):
    with pytest.raises(SystemExit) as end:
        parse("--help")
    assert end.value.code == 0
    text = capsys.readouterr().out
    assert "Does something." in text
    assert "--set FIELD=VALUE" in text
    assert "--loss {hinge,minimax}" in text
    assert "histograms" not in text


def test_a_flat_configuration_has_no_set(capsys):
    assert cli.parse(Flat, "program", ["--out", "x.png"]) == Flat(Path("x.png"))
    with pytest.raises(SystemExit):
        cli.parse(Flat, "program", ["--help"])
    assert "--set" not in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "first", "second"),
    [
        (["--loss", "hing"], "hing", "program --help"),
        (["--sead", "3"], "--sead", "--seed INT"),
        (["--seed", "many"], "--seed", "program --help"),
        (["--histograms", "True"], "--histograms: not a flag", "--set part.histograms=VALUE"),
        (["--part.rate", "1"], "--part.rate: not a flag", "--set part.rate=VALUE"),
        (["--box", "1"], "--box: not a flag", "--set box=VALUE"),
    ],
)
def test_bad_arguments_are_told_in_two_lines(arguments, first, second):
    with pytest.raises(InputError) as caught:
        parse(*arguments)
    lines = str(caught.value).splitlines()
    assert len(lines) == 2
    assert first in lines[0]
    assert second in lines[1]
    assert not set(str(caught.value)) & set("│╭╮╰╯─")


def exit_of(error):
    def main():
        raise error

    with pytest.raises(SystemExit) as end:
        cli.run(main)
    return end.value.code


@pytest.mark.parametrize(
    ("error", "code", "message"),
    [
        (InputError("--flag 3: bad"), 2, "error: --flag 3: bad\n"),
        (WorkerLostError("worker 1 is lost"), 3, "error: worker 1 is lost\n"),
        (MemoryError("64 GiB"), 2, "error: out of memory (64 GiB)\n"),
        (PermissionError(errno.EACCES, "denied", "a.png"), 2, "error: a.png: denied\n"),
        (OSError(errno.ENOSPC, "full", "b.png"), 2, "error: disk full: b.png\nfree some space"),
        (KeyboardInterrupt(), 130, "\ninterrupted\n"),
    ],
)
def test_errors_of_the_user_end_in_one_or_two_lines(error, code, message, capsys):
    assert exit_of(error) == code
    assert capsys.readouterr().err.startswith(message)


def test_other_errors_are_raised():
    with pytest.raises(ZeroDivisionError):
        cli.run(lambda: 1 / 0)


@pytest.mark.parametrize("encoding", ["ascii", "utf-8"])
def test_names_that_the_terminal_cannot_show_are_escaped(encoding):
    code = (
        "from common import cli; from common.errors import InputError\n"
        "def main():\n"
        "    print('caf\\udce9 \\u20ac')\n"
        "    raise InputError('caf\\udce9 \\u20ac: no such file')\n"
        "cli.run(main)"
    )
    environment = os.environ | {"PYTHONIOENCODING": encoding}
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, env=environment, capture_output=True
    )
    assert done.returncode == 2, done.stderr
    assert done.stdout.startswith(b"caf\\udce9 ")
    assert done.stderr.startswith(b"error: caf\\udce9 ")
    assert b"Traceback" not in done.stderr


def test_a_warning_is_one_line(capsys, monkeypatch):
    monkeypatch.setattr(warnings, "showwarning", warnings.showwarning)
    pillow = str(Path("site-packages", "PIL", "Image.py"))

    def main():
        for message, kind, file in (
            ("a\nb.png: dark", InputWarning, "decoding.py"),
            ("a long\n    message", RuntimeWarning, "x.py"),
            ("Corrupt EXIF data", UserWarning, pillow),
        ):
            warnings.showwarning(kind(message), kind, file, 1)

    with warnings.catch_warnings(), pytest.raises(SystemExit):
        cli.run(main)
    assert capsys.readouterr().err.splitlines() == [
        "warning: a\\nb.png: dark",
        "warning: RuntimeWarning: a long message",
    ]


def test_an_image_with_damaged_exif_is_read_without_a_word(tmp_path):
    path = tmp_path / "damaged.jpg"
    Image.new("RGB", (20, 20)).save(path, exif=b"Exif\0\0II*\0\x08\0\0\0\x05\0\x12\x01\x03\0")
    code = (
        "import sys; from common import cli; from common.images import as_image\n"
        "cli.run(lambda: print(as_image(sys.argv[1]).size))"
    )
    command = [sys.executable, "-c", code, path]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert (done.stdout, done.stderr, done.returncode) == ("(20, 20)\n", "", 0)
    with pytest.warns(UserWarning, match="EXIF"):  # Pillow does have something to say
        Image.open(path).getexif()


def test_arguments_with_line_breaks_and_control_characters_are_escaped(monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["program", "--out=x/a\nb\x1b.png"])
    assert exit_of(InputError("--out x/a\nb\x1b.png: a folder\nname another")) == 2
    assert capsys.readouterr().err == "error: --out x/a\\nb\\x1b.png: a folder\nname another\n"


def test_a_reader_that_ends_early_is_no_traceback():
    code = "from common import cli\ncli.run(lambda: [print('x' * 99) for _ in range(9999)])"
    with subprocess.Popen(
        [sys.executable, "-c", code], cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        process.stdout.readline()
        process.stdout.close()
        assert process.stderr.read() == b""
        assert process.wait() == 1


def test_end_at_once_returns_the_code_of_main():
    assert cli.end_at_once(lambda: 5) == 5


def test_end_at_once_exits_without_cleanup():
    code = (
        "import atexit; from common import cli; from common.errors import InputError\n"
        "atexit.register(print, 'cleanup')\n"
        "def main(): raise InputError('bad')\n"
        "cli.end_at_once(main)"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True)
    assert (done.returncode, done.stdout, done.stderr) == (2, b"", b"error: bad\n")
