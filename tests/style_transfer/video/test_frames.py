"""Frames in folders."""

from pathlib import Path

import numpy as np
import pytest

from common.errors import InputError
from style_transfer.video import frames
from tests.style_transfer.video.clips import moving, write


def test_a_folder_is_read_in_the_order_of_names_and_resampled(tmp_path):
    folder = write(tmp_path / "in", moving(3), ["b.png", "a.png", "c.png"])
    clip = frames.open_clip(folder)
    assert (clip.size, clip.frames, clip.rate) == ((48, 32), 3, None)
    found = list(frames.read(clip, clip.size))
    np.testing.assert_array_equal(found, moving(3)[[1, 0, 2]])
    (last,) = frames.read(clip, (24, 16), first=2)
    assert last.shape == (16, 24, 3)


def test_frames_written_are_counted_up_to_the_first_gap(tmp_path):
    assert frames.count_written(tmp_path / "none") == 0
    write(tmp_path, moving(3), ["000000.png", "000001.png", "000003.png"])
    (tmp_path / ".tmp-x.png").write_bytes(b"torn")
    assert frames.count_written(tmp_path) == 2


def test_results_keep_names_that_stay_different(tmp_path):
    clip = frames.Clip(Path("in"), (4, 4), 2, None, (Path("in/a.jpg"), Path("in/b.png")))
    assert frames.names(clip, 2) == ["a.png", "b.png"]
    clip = clip._replace(files=(Path("in/a.jpg"), Path("in/A.png")))
    assert frames.names(clip, 2) == ["000000.png", "000001.png"]
    write(tmp_path / "work", moving(2), ["000000.png", "000001.png"])
    frames.copy(tmp_path / "work", tmp_path / "out", clip, 2)
    assert frames.count_written(tmp_path / "out") == 2


def test_bad_folders_are_named(tmp_path):
    with pytest.raises(InputError, match=r"--input .*none: no such file or folder"):
        frames.open_clip(tmp_path / "none")
    (tmp_path / "empty").mkdir()
    with pytest.raises(InputError, match=r"--input .*empty: no images in this folder"):
        frames.open_clip(tmp_path / "empty")
    folder = write(tmp_path / "mixed", moving(2))
    write(folder, moving(1, (24, 16)), ["2.png"])
    with pytest.raises(InputError, match=r"2\.png: a frame of 24x16 pixels; expected 48x32"):
        frames.open_clip(folder)
    (folder / "2.png").write_bytes(b"no image")
    with pytest.raises(InputError, match=r"--input .*2\.png: not an image"):
        frames.open_clip(folder)
