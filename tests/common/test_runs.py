import json
from pathlib import Path

import pytest

from common import runs
from common.errors import InputError


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


def test_a_folder_that_cannot_be_made_says_which_flag_to_use(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "runs").write_text("a file where the default folder should be")
    with pytest.raises(InputError, match="name a folder with --run-dir"):
        runs.create(None, "glyphs")
    with pytest.raises(InputError, match="is no folder to write in"):
        runs.create(tmp_path / "runs" / "mine", "glyphs")


def test_metrics_that_are_not_finite_are_null(tmp_path):
    runs.append_metrics(tmp_path, {"images": 10, "loss": float("nan")})
    line = (tmp_path / runs.METRICS).read_text()
    assert line == '{"images": 10, "loss": null}\n'
    runs.rewind_metrics(tmp_path, 10)
    assert (tmp_path / runs.METRICS).read_text() == line


def test_a_summary_that_is_no_json_is_started_anew(tmp_path):
    (tmp_path / runs.SUMMARY).write_text('{"status"')
    runs.update_summary(tmp_path, status="finished")
    assert json.loads((tmp_path / runs.SUMMARY).read_text()) == {"status": "finished"}


def test_plain_values_survive_json():
    value = {"folder": Path("a/b"), "sizes": (1, (2,)), "none": None}
    assert runs.plain(value) == json.loads(json.dumps(runs.plain(value)))
    assert runs.plain(value) == {"folder": "a/b", "sizes": [1, [2]], "none": None}
