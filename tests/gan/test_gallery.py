"""The command line of the gallery."""

import dataclasses
import json
import re
import shutil

import pytest

from common import runs
from common.errors import InputError
from gan import gallery
from tests.command_line import run


def config(finished, cache, tmp_path, **changes):
    out = tmp_path / "page.html"
    return dataclasses.replace(gallery.Config(run=finished[0], out=out, cache_dir=cache), **changes)


def test_a_run_becomes_one_page(finished, cache, tmp_path, capsys):
    (tmp_path / "page.html").write_text("old")
    folder = finished[0]
    code = gallery.main(
        ["--run", str(folder), "--out", str(tmp_path / "page.html"), "--cache-dir", str(cache)]
    )
    out = capsys.readouterr().out
    assert code == 0
    assert "page.html exists and will be replaced" in out
    assert re.search(r"page: .*page.html \(\d\.\d MB\); open it in a browser", out)
    text = (tmp_path / "page.html").read_text()
    for expected in ("finished", "2 classes", "of 128 training images", "Sliced Wasserstein"):
        assert expected in text, expected
    assert text.count('alt="training image 1"') == 12
    assert len(list(tmp_path.iterdir())) == 1


def test_a_run_whose_images_are_gone_has_a_page_without_them(finished, tmp_path, capsys):
    copy = shutil.copytree(finished[0], tmp_path / "run")
    about = json.loads((copy / "config.json").read_text())
    about["config"]["data"]["dataset"] = str(tmp_path / "gone/")
    (copy / "config.json").write_text(json.dumps(about))
    gallery.write(gallery.Config(run=copy, cache_dir=tmp_path / "cache"))
    assert "without the nearest training images: " in capsys.readouterr().out
    assert "Not shown: " in (copy / "gallery.html").read_text()


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"seed": -1}, "--seed: expected at least 0"),
        ({"out": "page.png"}, r"--out .*page.png: expected a name that ends in .html"),
        ({"out": "folder.html"}, r"--out .*folder.html: a folder"),
        ({"out": "file/page.html"}, "--out .*page.html: cannot be written, .*file is no folder"),
        ({"run": "missing"}, "--run .*missing: not a run"),
        ({"run": "stylized"}, "--run .*stylized: expected a run of gan.train, found another"),
    ],
)
def test_what_cannot_be_shown_is_refused_before_tensorflow(
    finished, cache, tmp_path, changes, message
):
    (tmp_path / "folder.html").mkdir()
    (tmp_path / "file").touch()
    runs.write_config(tmp_path / "stylized", {"content": None}, data={}, machine={})
    paths = {k: tmp_path / v if isinstance(v, str) else v for k, v in changes.items()}
    with pytest.raises(InputError, match=message):
        gallery.check(config(finished, cache, tmp_path, **paths))


@pytest.mark.slow
def test_errors_have_two_lines_and_leave_no_file(tmp_path):
    code, out, err = run("gan.gallery", "--run", tmp_path, "--out", tmp_path / "page.html")
    assert (code, out) == (2, "")
    assert err == f"error: --run {tmp_path}: not a run (it has no config.json)\n"
    assert not (tmp_path / "page.html").exists()
