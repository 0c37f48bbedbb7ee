import json

import keras
import numpy as np
import pytest

from common import checkpoints, runs
from common.errors import InputError
from common.files import atomic_path, write_json


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


def test_create_refuses_a_folder_with_a_run(tmp_path):
    folder = runs.create(tmp_path / "run", "name")
    runs.write_config(folder, {"seed": 1}, data={}, machine={})
    with pytest.raises(InputError, match=r"(?s)holds a run already.*--resume"):
        runs.create(folder, "name")


def test_read_config_names_a_folder_that_is_no_run(tmp_path):
    with pytest.raises(InputError, match="not a run"):
        runs.read_config(tmp_path, "--run")
    (tmp_path / runs.CONFIG).write_text("{")
    with pytest.raises(InputError, match="not valid JSON"):
        runs.read_config(tmp_path, "--run")
    for other in ("[]", '{"model_type": "another program\'s"}'):
        (tmp_path / runs.CONFIG).write_text(other)
        with pytest.raises(InputError, match="not a run"):
            runs.read_config(tmp_path, "--run")


def test_runs_of_the_same_second_get_folders_of_their_own(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(runs.time, "strftime", lambda form: "now")
    assert [str(runs.create(None, "glyphs")) for _ in range(2)] == [
        "runs/glyphs-now",
        "runs/glyphs-now-2",
    ]


def test_differences_name_nested_fields():
    old = {"seed": 1, "data": {"dataset": "a", "horizontal_flip": False}, "same": [1]}
    new = {"seed": 2, "data": {"dataset": "b", "horizontal_flip": False}, "same": [1]}
    assert runs.differences(old, new) == ["data.dataset: a -> b", "seed: 1 -> 2"]


def test_rewind_drops_later_and_torn_lines(tmp_path):
    for images in (10, 20, 30):
        runs.append_metrics(tmp_path, {"images": images})
    with (tmp_path / runs.METRICS).open("a") as log:
        log.write('{"images": 2')
    runs.rewind_metrics(tmp_path, 20)
    lines = (tmp_path / runs.METRICS).read_text().splitlines()
    assert [json.loads(line)["images"] for line in lines] == [10, 20]


def test_update_summary_merges(tmp_path):
    runs.update_summary(tmp_path, status="finished", images=3)
    runs.update_summary(tmp_path, images=4)
    assert json.loads((tmp_path / runs.SUMMARY).read_text()) == {"status": "finished", "images": 4}


def variables(*values):
    return [keras.Variable(value, name=f"v{index}") for index, value in enumerate(values)]


def test_a_checkpoint_brings_back_every_value_and_the_state(tmp_path):
    kept = checkpoints.Checkpoints(tmp_path)
    saved = variables(np.float32([1.5, -2.0]), np.int64(7))
    kept.save("last", 100, saved, {"elapsed": 1.25})
    arrays, state = kept.load("last")
    fresh = variables(np.zeros(2, np.float32), np.int64(0))
    checkpoints.assign(fresh, arrays)
    assert [np.asarray(v).tolist() for v in fresh] == [[1.5, -2.0], 7]
    assert state == {"elapsed": 1.25}


def test_only_the_newest_checkpoints_are_kept(tmp_path):
    kept = checkpoints.Checkpoints(tmp_path, keep=2)
    for images in (100, 2000, 300):
        kept.save("last", images, variables(np.float32(images)), {})
    assert len(kept.paths("last")) == 2
    assert kept.paths("best") == []


@pytest.mark.parametrize("damage", ["truncated", "flipped", "empty"])
def test_a_torn_checkpoint_is_never_loaded(tmp_path, damage):
    kept = checkpoints.Checkpoints(tmp_path)
    kept.save("last", 100, variables(np.float32(1.0)), {})
    newest = kept.save("last", 200, variables(np.float32(2.0)), {})
    data = bytearray(newest.read_bytes())
    if damage == "flipped":
        data[len(data) // 2] ^= 1
    newest.write_bytes({"truncated": data[:-10], "flipped": data, "empty": b""}[damage])
    arrays, _ = kept.load("last")
    assert [float(value) for value in arrays.values()] == [1.0]
    kept.paths("last")[1].write_bytes(b"torn")
    with pytest.raises(InputError, match="torn checkpoint"):
        kept.load("last")


def test_the_best_outlives_the_last_it_was_made_from(tmp_path):
    kept = checkpoints.Checkpoints(tmp_path, keep=1)
    kept.promote(kept.save("last", 100, variables(np.float32(1.0)), {}))
    kept.save("last", 200, variables(np.float32(2.0)), {})
    assert [float(value) for value in kept.load("best")[0].values()] == [1.0]
    kept.promote(kept.save("last", 300, variables(np.float32(3.0)), {}))
    assert [float(value) for value in kept.load("best")[0].values()] == [3.0]
    assert len(kept.paths("best")) == len(kept.paths("last")) == 1


def test_assign_names_what_does_not_fit():
    arrays = {"0000 v0": np.zeros((2, 2))}
    with pytest.raises(InputError, match=r"'v0' has shape \(2, 2\), expected \(3,\)"):
        checkpoints.assign(variables(np.zeros(3, np.float32)), arrays)
    with pytest.raises(InputError, match="holds no 'v1'"):
        checkpoints.assign(variables(np.zeros((2, 2), np.float32), np.float32(0)), arrays)


def test_write_json_is_readable(tmp_path):
    write_json(tmp_path / "a.json", {"a": [1, None]})
    assert json.loads((tmp_path / "a.json").read_text()) == {"a": [1, None]}
