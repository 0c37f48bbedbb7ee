import json
import math
import os

import pytest

from common.errors import InputError
from common.files import (
    atomic_path,
    refuse_existing,
    remove_temporaries,
    to_json,
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


def test_an_existing_file_is_refused(tmp_path):
    refuse_existing("--out", tmp_path / "new.png")
    (tmp_path / "old.png").write_bytes(b"")
    (tmp_path / "link.png").symlink_to("nowhere")
    for name in ("old.png", "link.png"):
        with pytest.raises(InputError) as caught:
            refuse_existing("--out", tmp_path / name)
        first, second = str(caught.value).splitlines()
        assert first == f"--out {tmp_path / name}: exists already"
        assert "name another file" in second


def test_temporaries_of_a_killed_process_are_removed(tmp_path):
    (tmp_path / "a").mkdir()
    for name in (".tmp-1.png", "a/.tmp-2.npz", "kept.png"):
        (tmp_path / name).write_bytes(b"")
    remove_temporaries(tmp_path)
    assert [path.name for path in tmp_path.rglob("*.*")] == ["kept.png"]


def test_files_are_as_readable_as_any_other(tmp_path):
    mask = os.umask(0o022)
    try:
        write_bytes(tmp_path / "a", b"x")
    finally:
        os.umask(mask)
    assert (tmp_path / "a").stat().st_mode & 0o777 == 0o644
