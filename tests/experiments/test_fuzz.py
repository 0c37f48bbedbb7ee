import io
import json
import os
import sys
import time

import numpy as np
import pytest
from PIL import Image

from common import cli
from common.bounds import settings
from common.errors import InputError
from common.files import TEMPORARY, atomic_path
from experiments import fuzz
from experiments.fuzzing import flags, folders, images, output
from experiments.fuzzing.case import PROGRAMS, Case
from experiments.fuzzing.watch import Bounds, check_message, observe
from gan.config import Config

BOUNDS = Bounds(seconds=5.0, megabytes=2000.0)


def call(function, folder, **fields):
    """Observe a function in place of a command line."""
    case = Case("made up", "gan.train", ["--flag", "value"], call=function, **fields)
    return observe(case, folder, BOUNDS)


def fail(error):
    raise error


def test_a_good_case_has_no_problem(tmp_path):
    found = call(lambda: print("caf\u00e9"), tmp_path)
    assert (found.code, found.problems, found.trace) == (0, (), "")
    assert "caf" in found.out
    refused = call(lambda: fail(InputError("--flag value: expected 3\ntry 3")), tmp_path)
    assert (refused.code, refused.problems) == (2, ())


def test_exceptions_and_unknown_exit_codes_are_problems(tmp_path):
    found = call(lambda: {}["x"], tmp_path)
    assert found.code is None
    assert found.problems[0].startswith("traceback: KeyError in tests/experiments/test_fuzz.py:")
    assert "KeyError" in found.trace
    assert call(lambda: sys.exit(7), tmp_path).problems == ("exit code 7",)
    assert call(lambda: sys.exit(1), tmp_path).problems == ("exit code 1",)
    assert call(lambda: sys.exit(1), tmp_path, heavy=True).problems == ()
    assert call(lambda: print("Traceback (most recent call last)", file=sys.stderr), tmp_path
                ).problems == ("traceback: printed",)  # fmt: skip


def test_a_hang_and_a_flood_of_memory_are_problems(tmp_path):
    case = Case("made up", "gan.train", [], call=lambda: time.sleep(60))
    started = time.perf_counter()
    assert observe(case, tmp_path, Bounds(0.2, 1e4)).problems == ("hang: not finished after 0.2 s",)
    assert time.perf_counter() - started < 5
    case = Case("made up", "gan.train", [], call=lambda: np.ones(40 * 2**20, np.uint8).sum())
    problem = observe(case, tmp_path, Bounds(5.0, 20.0)).problems[0]
    assert problem.startswith("memory: ")


@pytest.mark.parametrize(
    ("message", "problem"),
    [
        ("error: --size 3: expected more", []),
        ("error: photo.png: broken image", []),
        ("error: caf\\udce9.png: broken image", []),
        ("error: two\\nlines: no such", []),
        ("warning: dark\nerror: value: expected a flag\ndo this", []),
        ("error: --size\n1\n2", ["message: 3 lines"]),
        ("error: something is wrong", ["message: names neither a flag nor a file"]),
        ("", ["message: exit code 2 without an error"]),
    ],
)
def test_messages_are_short_and_name_what_is_wrong(message, problem):
    case = Case("made up", "gan.train", ["--flag=value"])
    files = dict.fromkeys(("below/photo.png", "caf\udce9.png", "two\nlines"), (0, 0, 0))
    assert check_message(message, case, files) == problem


def test_files_of_the_input_stay_as_they_are(tmp_path):
    for name in ("changed.png", "removed.png", "replaced.png", "run/log.txt", "same.png"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(b"old")

    def change():
        (tmp_path / "changed.png").write_bytes(b"new")
        (tmp_path / "removed.png").unlink()
        (tmp_path / "run" / "log.txt").write_bytes(b"new")
        print("replaced.png will be replaced")
        with atomic_path(tmp_path / "replaced.png") as temporary:
            Image.new("RGB", (2, 2)).save(temporary)

    found = call(change, tmp_path, writable=("run/",)).problems
    assert sorted(found) == ["overwritten: .png of the input", "removed: .png of the input"]


@pytest.mark.parametrize(
    ("name", "data", "problem"),
    [
        ("a.json", b"{}", []),
        ("a.json", b"{", ["half-written: JSONDecodeError"]),
        ("a.json", b'{"a": NaN}', ["not finite: NaN"]),
        ("a.jsonl", b'{"a": 1}\n{"a": -Infinity}\n', ["not finite: -Infinity"]),
        ("a.png", b"\x89PNG", ["half-written: UnidentifiedImageError"]),
        ("a.txt", b"\xff", ["half-written: UnicodeDecodeError"]),
        ("a.npz", b"PK\x03\x04", ["half-written: BadZipFile"]),
        ("a.bin", b"anything", []),
    ],
)
def test_written_files_are_whole_and_finite(tmp_path, name, data, problem):
    (tmp_path / name).write_bytes(data)
    assert output.check_whole(tmp_path / name) == problem


def test_arrays_and_images_that_are_written_are_read_whole(tmp_path):
    np.savez(tmp_path / "a.npz", fine=np.ones(3), bad=np.float32([0, np.inf]))
    assert output.check_whole(tmp_path / "a.npz") == ["not finite: bad"]
    Image.effect_noise((60, 60), 50).save(tmp_path / "a.png")
    assert output.check_whole(tmp_path / "a.png") == []
    (tmp_path / "a.png").write_bytes((tmp_path / "a.png").read_bytes()[:-900])
    assert output.check_whole(tmp_path / "a.png") == ["half-written: OSError"]


def test_a_temporary_file_that_is_left_is_a_problem(tmp_path):
    found = call(lambda: (tmp_path / f"{TEMPORARY}x.png").write_bytes(b""), tmp_path)
    assert found.problems == ("half-written: a temporary file is left",)


def test_the_same_seed_makes_the_same_files_at_any_time():
    first, second = ([images.file(np.random.default_rng([5, n])) for n in range(30)] for _ in "ab")
    assert first == second


def test_color_profiles_do_not_hold_the_time():
    made = []
    for _ in range(2):
        made.append([images._profile(np.random.default_rng(n)) for n in range(12)])
        time.sleep(1.1)
    assert made[0] == made[1]


@pytest.mark.slow
def test_image_files_are_of_every_kind():
    found = [images.file(np.random.default_rng([1, number]), plain=0.1) for number in range(400)]
    readable, modes = 0, set()
    for _, data in found:
        try:
            with Image.open(io.BytesIO(data)) as image:
                image.load()
                modes.add(image.mode)
                readable += 1
        except Exception:  # damaged on purpose
            continue
    assert {"1", "L", "LA", "P", "RGB", "RGBA", "CMYK", "F", "I;16"} <= modes
    assert 100 < readable < 380
    assert b"" in [data for _, data in found]
    assert len({suffix for suffix, _ in found}) > 15


def test_values_of_every_flag_are_drawn(tmp_path):
    rng = np.random.default_rng(0)
    for setting in settings(Config()):
        for _ in range(20):
            words = flags.words(rng, setting, ["photo.png"])
            assert words[0].split(" ")[0] in (
                setting.flag.split(" ")[0],
                f"--no-{setting.flag[2:]}",
            )
            assert all(isinstance(word, str) for word in words)
            text = words[1] if setting.flag.startswith("--set ") else ""
            assert "=" in text or not text or text in setting.flag


def test_folders_have_links_loops_and_odd_names(tmp_path):
    names = []
    for number in range(40):
        place = tmp_path / str(number)
        place.mkdir()
        folders.dataset(np.random.default_rng([2, number]), place / "data")
        names += (place / "data").rglob("*")
    assert any(path.is_symlink() for path in names)
    assert any(path.is_fifo() for path in names)
    assert any(os.fsencode(path).decode("utf-8", "replace").count("\ufffd") for path in names)
    assert any(path.name.startswith("-") for path in names)


def test_damage_changes_a_run(tmp_path):
    def make(folder):
        (folder / "checkpoints").mkdir(parents=True)
        (folder / "config.json").write_text(json.dumps({"config": {"seed": 1}, "data": {}}))
        (folder / "metrics.jsonl").write_text("{}\n")
        state = np.frombuffer(b"{}", np.uint8)
        np.savez(folder / "checkpoints" / f"last-{1:012d}-{0:016x}.npz", a=np.ones(3), state=state)

    for number in range(40):
        make(tmp_path / str(number))
        before = output.snapshot(tmp_path / str(number))
        folders.damage(np.random.default_rng([3, number]), tmp_path / str(number))
        assert output.snapshot(tmp_path / str(number)) != before


def test_every_command_line_is_fuzzed():
    assert set(PROGRAMS) >= {"gan.train", "gan.sample", "gan.evaluate", "style_transfer.stylize"}


@pytest.mark.parametrize("arguments", [["--cases", "0"], ["--heavy", "2"], ["--sed", "1"]])
def test_bad_arguments_are_refused(arguments):
    with pytest.raises(InputError, match="--"):
        fuzz.main(arguments)


def test_a_failure_is_reported_with_its_seed_and_a_short_command(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(fuzz.World, "make", lambda folder: None)

    def make(rng, world, folder, heavy):
        words = ["--seed", "1", "--odd", str(rng.integers(100)), "--content", "x", "y"]

        def main():
            if "--content" in sys.argv:
                raise ZeroDivisionError
            return 0

        monkeypatch.setattr(PROGRAMS["gan.train"], "main", main)
        return Case("made up", "gan.train", words)

    monkeypatch.setattr(fuzz.kinds, "make", make)
    out = tmp_path / "report.json"
    assert fuzz.main(["--cases", "5", "--first", "7", "--seed", "3", "--out", str(out)]) == 1
    report = json.loads(out.read_text())
    assert (report["cases"], report["failed"], report["seed"]) == (5, 5, 3)
    ((problem, about),) = report["failures"].items()
    assert problem.startswith("gan.train: traceback: ZeroDivisionError")
    assert about["count"] == 5
    assert about["examples"][0]["case"] == 7
    assert about["examples"][0]["command"] == ["gan.train", "--content", "x", "y"]
    assert "--seed 3 --first 7 --cases 1" in capsys.readouterr().out
    assert not out.with_suffix(".crash").exists()


@pytest.mark.slow
def test_a_hundred_cases_break_nothing(tmp_path):
    cli.import_tensorflow()
    options = fuzz.Options(cases=100, seed=20, heavy=0.05, out=tmp_path / "report.json")
    report = fuzz.campaign(options)
    assert report["cases"] == 100
    assert report["failures"] == {}
