from types import SimpleNamespace

import numpy as np
import pytest

from common.errors import InputError
from style_transfer.feedforward import contents, scenes


def test_unreadable_photos_are_skipped_with_their_reason(files, tmp_path, capsys):
    for path in (files / "photos").iterdir():
        (tmp_path / path.name).write_bytes(path.read_bytes())
    (tmp_path / "broken.jpg").write_bytes(b"no image")
    assert [photo.shape for photo in contents.read(tmp_path, 64, 0)] == [(72, 96, 3)] * 3
    assert "skipped" in capsys.readouterr().err
    for path in tmp_path.glob("*.png"):
        path.unlink()
    with pytest.raises(InputError, match="none of its images can be read"):
        contents.read(tmp_path, 64, 0)


def test_photos_are_reduced_until_they_fit_into_memory(files, monkeypatch, capsys):
    monkeypatch.setattr(contents, "MOST_BYTES", 3 * 3 * 60**2)
    found = contents.read(files / "photos", 64, 0)
    assert [photo.shape for photo in found] == [(45, 60, 3)] * 3
    assert "kept at 60 instead of 96 pixels" in capsys.readouterr().out


def test_scenes_have_a_largest_size_whatever_is_painted(monkeypatch):
    sides = []
    monkeypatch.setattr(scenes, "dead_leaves", lambda side, _: sides.append(side) or np.zeros(3))
    monkeypatch.setattr(scenes.landscape, "scene", lambda *_: SimpleNamespace(color=np.zeros(3)))
    found = contents.read(None, 16384, 0)
    assert max(map(np.size, found)) < 2**20  # the photograph is not enlarged
    assert sides == [512] * scenes.SCENES
