import json
import math
import os
from pathlib import Path

import pytest

from common.errors import InputError
from common.files import (
    atomic_folder,
    atomic_path,
    check_outputs,
    locked,
    remove_temporaries,
    to_json,
    with_suffix,
    write_bytes,
    write_json,
)


def test_atomic_path_leaves_the_old_file_when_writing_fails(tmp_path):
    path = tmp_path / "file.txt"
    path.write_text("old")

    def fail_halfway():
        with atomic_path(path) as temporary:
            temporary.write_text("half")
            raise OSError("disk")

    with pytest.raises(OSError, match="disk"):
        fail_halfway()
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_folder_appears_whole_or_not_at_all_and_replaces_none(tmp_path):
    folder = tmp_path / "a" / "model"

    def fail_halfway():
        with atomic_folder(folder) as temporary:
            (temporary / "x").write_text("half")
            raise OSError("full")

    with pytest.raises(OSError, match="full"):
        fail_halfway()
    assert list(folder.parent.iterdir()) == []
    with atomic_folder(folder) as temporary:
        (temporary / "x").write_text("whole")
        assert not folder.exists()
    assert (folder / "x").read_text() == "whole"
    assert folder.stat().st_mode & 0o700 == 0o700
    with pytest.raises(InputError, match="exists already"), atomic_folder(folder):
        pass
    assert [path.name for path in folder.parent.iterdir()] == ["model"]


def test_atomic_path_makes_folders_and_keeps_the_suffix(tmp_path):
    with atomic_path(tmp_path / "a" / "b.png") as temporary:
        assert temporary.suffix == ".png"
        temporary.write_bytes(b"new")
    assert (tmp_path / "a" / "b.png").read_bytes() == b"new"


def test_write_json_is_readable(tmp_path):
    write_json(tmp_path / "a.json", {"a": [1, None]})
    assert json.loads((tmp_path / "a.json").read_text()) == {"a": [1, None]}


def test_json_never_holds_a_number_that_json_does_not_have(tmp_path):
    value = {"a": math.nan, "b": [1.5, -math.inf, (math.inf, True)], "c": {"d": 2, "e": "NaN"}}
    expected = {"a": None, "b": [1.5, None, [None, True]], "c": {"d": 2, "e": "NaN"}}
    write_json(tmp_path / "a.json", value)
    text = (tmp_path / "a.json").read_text()
    assert json.loads(text, parse_constant=pytest.fail) == expected
    assert json.loads(to_json(value)) == expected
    assert "\n" not in to_json(value)


def test_a_file_that_exists_is_replaced_after_saying_so(tmp_path, capsys):
    (tmp_path / "old.png").write_bytes(b"")
    (tmp_path / "link.png").symlink_to("nowhere")
    names = {"--out": "new.png", "--npz": "old.png", "--animation": "link.png"}
    check_outputs({flag: tmp_path / name for flag, name in names.items()} | {"--folder": None})
    said = capsys.readouterr().out.splitlines()
    replaced = [tmp_path / name for name in ("old.png", "link.png")]
    assert said == [f"{path} exists and will be replaced" for path in replaced]


def test_outputs_are_neither_inputs_nor_each_other(tmp_path):
    path, linked = tmp_path / "a.png", tmp_path / "linked.png"
    path.write_bytes(b"")
    linked.symlink_to(path)
    os.mkfifo(tmp_path / "pipe")
    twin = tmp_path / ".." / tmp_path.name / "new.png"
    for outputs, message in (
        ({"--out": tmp_path / "new.png", "--npz": twin}, "is also the file of --out"),
        ({"--out": linked}, "would overwrite an input"),
        ({"--out": tmp_path}, "a folder"),
        ({"--out": tmp_path / "pipe"}, "a pipe or device"),
        ({"--out": Path("/dev/null")}, "a pipe or device"),
    ):
        with pytest.raises(InputError, match=message):
            check_outputs(outputs, [path, None])


def test_temporaries_of_a_killed_process_are_removed(tmp_path):
    (tmp_path / "a").mkdir()
    for name in (".tmp-1.png", "a/.tmp-2.npz", "kept.png"):
        (tmp_path / name).write_bytes(b"")
    remove_temporaries(tmp_path)
    assert [path.name for path in tmp_path.rglob("*.*")] == ["kept.png"]


def test_a_file_that_is_being_written_is_no_leftover(tmp_path):
    (tmp_path / ".tmp-killed.png").write_bytes(b"half")
    (tmp_path / "below").mkdir()
    (tmp_path / "below" / ".tmp-killed.png").write_bytes(b"half")
    with atomic_path(tmp_path / "a.png") as temporary:
        temporary.write_bytes(b"whole")
        remove_temporaries(tmp_path, deep=False)
        assert {path.name for path in tmp_path.iterdir()} == {temporary.name, "below"}
        remove_temporaries(tmp_path)
        assert temporary.exists()
    assert [path.name for path in tmp_path.rglob("*") if path.is_file()] == ["a.png"]


def test_folders_of_killed_processes_are_removed(tmp_path):
    for name in ("killed", "new", "in use"):
        (tmp_path / f".tmp-{name}").mkdir()
        (tmp_path / f".tmp-{name}" / "x").write_bytes(b"half")
        if name != "new":
            os.utime(tmp_path / f".tmp-{name}", (0, 0))
    with locked(tmp_path / ".tmp-in use"):
        remove_temporaries(tmp_path, deep=False)
    assert {path.name for path in tmp_path.iterdir()} == {".tmp-new", ".tmp-in use"}


def test_a_suffix_needs_a_name():
    assert with_suffix("--npz", Path("a/b.c"), ".npz") == Path("a/b.npz")
    assert with_suffix("--npz", None, ".npz") is None
    with pytest.raises(InputError, match=r"--npz .: expected the name of a file"):
        with_suffix("--npz", Path(""), ".npz")


def test_files_are_as_readable_as_any_other(tmp_path):
    mask = os.umask(0o022)
    try:
        write_bytes(tmp_path / "a", b"x")
    finally:
        os.umask(mask)
    assert (tmp_path / "a").stat().st_mode & 0o777 == 0o644
