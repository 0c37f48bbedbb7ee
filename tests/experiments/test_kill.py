import json
import os
import signal
import time

import numpy as np
import pytest

from common.checkpoints import Checkpoints
from common.errors import InputError
from common.files import TEMPORARY
from experiments import kill
from experiments.killing import subjects
from experiments.killing.process import Process, Temporaries
from experiments.killing.subjects import Subject, remains, torn, weights_differ
from tests.command_line import run


class Value:
    """What a checkpoint needs to know of a variable."""

    def __init__(self, path, value):
        self.path, self.value = path, np.float32(value)

    def __array__(self, dtype=None, copy=None):
        return np.asarray(self.value)


@pytest.fixture
def program(monkeypatch):
    """Replace a command line's main function."""

    def replace(main):
        monkeypatch.setattr("gan.sample.main", main)
        return "gan.sample"

    return replace


def test_a_process_ends_by_itself_or_is_killed(tmp_path, program):
    folder = tmp_path / "folder"
    folder.mkdir()
    process = Process(program(lambda: print(os.getcwd())), [], folder)
    process.wait(20.0)
    assert process.code == 0
    assert process.log.read_text().strip() == str(folder)

    process = Process(program(lambda: time.sleep(60)), [], folder)
    started = time.perf_counter()
    process.wait(20.0, until=lambda elapsed: elapsed > 0.2)
    assert process.code == -signal.SIGKILL
    assert time.perf_counter() - started < 10

    def fail():
        raise InputError("--flag: wrong")

    process = Process(program(fail), [], folder)
    process.wait(20.0)
    assert (process.code, process.log.read_text()) == (2, "error: --flag: wrong\n")


def test_temporary_files_are_counted_once(tmp_path):
    watch = Temporaries(tmp_path)
    assert watch.count() == 0
    (tmp_path / "below").mkdir()
    path = tmp_path / "below" / f"{TEMPORARY}1.png"
    path.write_bytes(b"")
    assert watch.count() == watch.count() == 1
    path.rename(tmp_path / f"{TEMPORARY}2.png")
    assert watch.count() == 2
    assert len(remains(tmp_path)) == 1


def test_files_that_are_not_whole_are_found(tmp_path):
    path = Checkpoints(tmp_path).save("last", 8, [Value("a", 1.0)], {})
    (tmp_path / "metrics.jsonl").write_text('{"images": 8}\n{"ima')  # the last line may be torn
    (tmp_path / f"{TEMPORARY}x.json").write_text("{")
    (tmp_path / "summary.json").write_text("{}")
    assert torn(tmp_path) == []
    (tmp_path / "summary.json").write_text("{")
    path.write_bytes(path.read_bytes()[:-1])
    assert torn(tmp_path) == [
        f"checkpoints/{path.name}: torn checkpoint",
        "summary.json: half-written: JSONDecodeError",
    ]


def test_weights_are_compared_bit_by_bit(tmp_path):
    def save(name, value, speed=1.0, loss=0.5):
        folder = tmp_path / name
        Checkpoints(folder).save("last", 8, [Value("a", value)], {"elapsed": speed})
        row = {"images": 8, "loss/generator": loss, "speed/images_per_second": speed}
        (folder / "metrics.jsonl").write_text(json.dumps(row) + "\n")
        return folder

    whole = save("whole", 1.0)
    assert weights_differ(save("same", 1.0, speed=2.0), whole) == []
    assert weights_differ(save("near", np.nextafter(np.float32(1), 2)), whole) == [
        "weights differ: 0000 a"
    ]
    assert weights_differ(save("log", 1.0, loss=0.25), whole) == [
        "metrics.jsonl differs: loss/generator 0.25, expected 0.5"
    ]


def copy_slowly(atomic):
    """A command that writes one file in the working directory, atomically or not."""

    def main():
        path = f"{TEMPORARY}x" if atomic else "x"
        with open(path, "wb") as file:
            for part in range(20):
                file.write(bytes([part]))
                file.flush()
                time.sleep(0.02)
        os.rename(path, "x")

    return main


def subject(program):
    def compare(folder, whole):
        path = folder / "x"
        same = not path.exists() or path.read_bytes() == (whole / "x").read_bytes()
        return [] if same else ["x differs"]

    return Subject(program, lambda folder: None, lambda folder: [], compare, compare)


@pytest.mark.slow
@pytest.mark.parametrize("atomic", [True, False])
def test_a_campaign_finds_what_is_not_written_atomically(tmp_path, program, atomic):
    current = kill.Campaign(subject(program(copy_slowly(atomic))), tmp_path, 20.0)
    rng = np.random.default_rng(0)
    for _ in range(60):  # a kill may come too late
        current.kill_once(rng)
        if current.counts["killed"] >= 3 and (atomic or current.report()["problems"]):
            break
    assert current.counts["killed"] >= 3
    assert (current.report()["problems"] == {}) is atomic


def test_a_command_that_fails_without_a_kill_ends_the_campaign(tmp_path, program):
    def fail():
        raise InputError("--flag: wrong")

    with pytest.raises(RuntimeError, match="--flag: wrong"):
        kill.Campaign(subject(program(fail)), tmp_path, 20.0)


@pytest.mark.parametrize("arguments", [["--times", "0"], ["--only", "x"], ["--seconds", "0"]])
def test_bad_arguments_are_refused(arguments, monkeypatch):
    monkeypatch.setattr(kill, "Campaign", lambda *arguments: pytest.fail("started"))
    with pytest.raises(InputError, match=arguments[0]):
        kill.main(arguments)


def test_the_commands_that_are_killed():
    assert list(subjects.subjects(None)) == ["train", "grow", "evaluate", "stylize"]


@pytest.mark.slow
def test_a_kill_of_each_command_loses_nothing(tmp_path):
    """In a separate process: a fork of one in which TensorFlow has run may hang."""
    report = tmp_path / "report.json"
    code, out, err = run(
        "experiments.kill", "--times", "1", "--seed", "1", "--out", report, timeout=600
    )
    assert code == 0, out + err
    found = json.loads(report.read_text())
    assert set(found) == {"train", "grow", "evaluate", "stylize"}
    for about in found.values():
        assert about["problems"] == {}
        assert sum(about["counts"].values()) >= 1
