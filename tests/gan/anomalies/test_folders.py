import numpy as np
import pytest
from PIL import Image

from common.errors import InputError
from gan.anomalies import folders


def save(path, value=0):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.full((20, 24), value, np.uint8)).save(path)


@pytest.mark.parametrize(
    ("names", "kinds"),
    [
        (("good/1.png", "scratch/a/1.png"), ("good", "scratch")),
        (("Normal/1.png", "x/1.png"), ("Normal", "x")),
        (("1.png", "good/1.png"), None),
        (("a/1.png", "b/1.png"), None),
    ],
)
def test_kinds_are_the_first_subfolders_if_one_is_called_normal(names, kinds):
    assert folders.kinds_of(names) == kinds


def test_a_test_folder_has_names_labels_and_what_was_skipped(tmp_path):
    save(tmp_path / "in" / "scratch" / "b.png", 90)
    save(tmp_path / "in" / "good" / "a.png", 30)
    (tmp_path / "in" / "good" / "broken.png").write_bytes(b"no image")
    found = folders.read_test(tmp_path / "in", tmp_path / "cache", 16, 1)
    assert found.names == ("good/a.png", "scratch/b.png")
    assert found.anomalous.tolist() == [False, True]
    assert found.images.shape == (2, 16, 16, 1)
    assert found.images[:, 0, 0, 0].tolist() == [30, 90]
    assert len(found.skipped) == 1
    assert "broken.png" in found.skipped[0]


def test_images_of_one_folder_have_no_labels(tmp_path):
    save(tmp_path / "in" / "a.png")
    found = folders.read_test(tmp_path / "in", tmp_path / "cache", 16, 3)
    assert found.kinds is None
    assert found.anomalous is None
    assert found.images.shape == (1, 16, 16, 3)


def test_too_few_images_and_shared_folders_are_refused(blobs, tmp_path):
    for number in range(19):
        save(tmp_path / "few" / f"{number}.png")
    with pytest.raises(InputError, match=r"--normal .*few: expected at least 20 images, found 19"):
        folders.read_normal(tmp_path / "few", tmp_path / "cache", 16)
    with pytest.raises(InputError, match=r"--test .*: shares images with --normal"):
        folders.check_apart(tmp_path, tmp_path / "few")
    folders.check_apart(tmp_path / "few", blobs)
    (tmp_path / "empty").mkdir()
    with pytest.raises(InputError, match=r"--test .*empty: no image in this folder"):
        folders.read_test(tmp_path / "empty", tmp_path / "cache", 16, 1)
    (tmp_path / "empty" / "broken.png").write_bytes(b"no image")
    with pytest.raises(InputError, match=r"--test .*empty: none of 1 images can be read"):
        folders.read_test(tmp_path / "empty", tmp_path / "cache", 16, 1)
