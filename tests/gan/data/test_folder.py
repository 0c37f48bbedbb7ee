import os
import shutil
import threading
import unicodedata

import numpy as np
import pytest
from PIL import Image

from common import images as image_io
from common.errors import InputError
from gan.data import folder as folders
from gan.data import load


def save(path, mode="RGB", size=(40, 30), color=None):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new(mode, size, color or 0).save(path)


def save_noise(path, seed, size=(16, 16)):
    path.parent.mkdir(parents=True, exist_ok=True)
    values = np.random.default_rng(seed).integers(0, 255, (*size, 3), dtype=np.uint8)
    Image.fromarray(values).save(path)


def test_a_folder_of_mixed_images(tmp_path):
    folder = tmp_path / "mixed"
    save(folder / "a.png", "RGBA", (50, 33))
    save(folder / "b.jpg", "CMYK", (33, 60))
    save(folder / "c.PNG", "P")
    save(folder / "d.tif", "I;16")
    save(folder / "e.webp", "RGB", (200, 41))
    save(folder / ".hidden" / "f.png")
    (folder / "broken.png").write_bytes(b"nothing")
    (folder / "notes.txt").write_text("not read")
    (folder / "dangling.png").symlink_to(folder / "nowhere.png")
    dataset = load.load(str(folder), tmp_path / "cache")
    assert dataset.images.shape == (5, 32, 32, 3)
    assert dataset.class_names == ()
    skipped = sorted(dataset.skipped)
    assert len(skipped) == 2
    assert skipped[0].startswith("broken.png: not an image")
    assert skipped[1] == "dangling.png: a link that leads nowhere"


def test_gray_folders_stay_gray_and_keep_their_resolution(blobs, tmp_path):
    dataset = load.load(str(blobs), tmp_path)
    assert dataset.images.shape == (64, 16, 16, 1)
    one = np.asarray(Image.open(blobs / "007.png"))
    np.testing.assert_array_equal(dataset.images[7, :, :, 0], one)


def test_sub_folders_are_classes(tmp_path):
    folder = tmp_path / "pets"
    for name in ("cat/1.png", "cat/deep/2.png", "dog/1.png"):
        save(folder / name, "L", (20, 20))
    dataset = load.load(str(folder), tmp_path / "cache")
    assert dataset.class_names == ("cat", "dog")
    assert dataset.labels.tolist() == [0, 0, 1]


def test_a_changed_folder_is_read_again(tmp_path):
    folder = tmp_path / "images"
    save(folder / "1.png", "L", (16, 16), 10)
    before = load.load(str(folder), tmp_path / "cache")
    save(folder / "2.png", "L", (16, 16), 20)
    after = load.load(str(folder), tmp_path / "cache")
    assert (len(before), len(after)) == (1, 2)
    assert before.fingerprint != after.fingerprint


def test_a_file_rewritten_with_its_old_size_and_time_is_noticed(tmp_path):
    path = tmp_path / "images" / "1.bmp"
    save(path, "L", (16, 16), 10)
    before, status = load.load(str(path.parent), tmp_path / "cache"), path.stat()
    save(path, "L", (16, 16), 20)
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))
    assert path.stat().st_size == status.st_size
    after = load.load(str(path.parent), tmp_path / "cache")
    assert after.fingerprint != before.fingerprint
    assert (before.images.max(), after.images.max()) == (10, 20)


def test_identical_bytes_are_one_dataset_wherever_they_lie(tmp_path):
    for number in range(4):
        save_noise(tmp_path / "here" / f"{number % 2}" / f"{number}.png", number)
    first = load.load(str(tmp_path / "here"), tmp_path / "cache")
    shutil.copytree(tmp_path / "here", tmp_path / "far" / "away")  # with new times
    copy = load.load(str(tmp_path / "far" / "away"), tmp_path / "cache")
    assert copy.fingerprint == first.fingerprint
    np.testing.assert_array_equal(copy.images, first.images)
    (tmp_path / "here" / "0").rename(tmp_path / "here" / "2")  # another class
    assert load.load(str(tmp_path / "here"), tmp_path / "cache").fingerprint != first.fingerprint


def test_class_folders_that_are_links_are_followed_and_loops_end(tmp_path):
    folder, store = tmp_path / "data", tmp_path / "store"
    save_noise(store / "cat" / "1.png", 1)
    save_noise(store / "dog" / "deep" / "2.png", 2)
    save_noise(folder / "bird" / "3.png", 3)
    (folder / "cat").symlink_to(store / "cat")
    (folder / "dog").symlink_to("../store/dog")
    (store / "dog" / "again").symlink_to(folder)  # a loop
    (folder / "bird" / "self").symlink_to("self")
    (folder / "twin").symlink_to(folder / "bird")  # would count its images twice
    dataset = load.load(str(folder), tmp_path / "cache")
    assert dataset.class_names == ("bird", "cat", "dog")
    assert dataset.labels.tolist() == [0, 1, 2]
    assert sorted(text.split(":")[0] for text in dataset.skipped) == [
        "bird/self", "dog/again", "twin",
    ]  # fmt: skip


@pytest.mark.parametrize("suffix", [".jfif", ".jpe", ".pgm", ".JPEG", ".Tga", ".apng", ".ico"])
def test_whatever_pillow_reads_is_read(tmp_path, suffix):
    image = Image.new("L" if suffix == ".pgm" else "RGB", (16, 16), 77)
    image.save(tmp_path / f"a{suffix}", format=Image.registered_extensions()[suffix.lower()])
    dataset = load.load(str(tmp_path), tmp_path / ".cache")
    assert len(dataset) == 1
    assert abs(int(dataset.images[0, 8, 8, 0]) - 77) < 3
    assert dataset.skipped == ()


def test_what_is_left_out_is_counted_and_named(tmp_path):
    save_noise(tmp_path / "a.png", 0)
    (tmp_path / "b.heic").write_bytes(b"")
    (tmp_path / "c").write_bytes(b"")
    os.mkfifo(tmp_path / "d.png")
    dataset = load.load(str(tmp_path), tmp_path / ".cache")
    assert dataset.skipped == (
        "b.heic: .heic, not an image format that Pillow reads",
        "c: no suffix, not an image format that Pillow reads",
        "d.png: not a regular file",
    )
    again = load.load(str(tmp_path), tmp_path / ".cache")
    assert again.skipped == dataset.skipped


def test_a_class_without_readable_images_is_none(tmp_path):
    for name in ("ant", "cow"):
        save_noise(tmp_path / name / "1.png", 1)
    (tmp_path / "bee").mkdir()
    (tmp_path / "bee" / "1.png").write_bytes(b"nothing")
    for _ in range(2):  # decoded, then from the cache
        dataset = load.load(str(tmp_path), tmp_path / ".cache")
        assert dataset.class_names == ("ant", "cow")
        assert dataset.labels.tolist() == [0, 1]
        assert any(text == "bee: a class without a readable image" for text in dataset.skipped)
    shutil.rmtree(tmp_path / "cow")
    alone = load.load(str(tmp_path), tmp_path / ".cache")
    assert (alone.class_names, alone.labels.tolist()) == ((), [0])


def test_class_names_are_in_one_unicode_form(tmp_path):
    composed, split = (unicodedata.normalize(form, "caf\u00e9") for form in ("NFC", "NFD"))
    assert composed != split
    save_noise(tmp_path / split / "1.png", 1)
    save_noise(tmp_path / "tea" / "2.png", 2)
    assert load.load(str(tmp_path), tmp_path / ".cache").class_names == (composed, "tea")
    save_noise(tmp_path / composed / "3.png", 3)  # both forms side by side are one class
    merged = load.load(str(tmp_path), tmp_path / ".cache")
    assert merged.class_names == (composed, "tea")
    assert sorted(merged.labels.tolist()) == [0, 0, 1]


def test_names_that_are_not_utf_8_are_escaped(tmp_path):
    folder = tmp_path / os.fsdecode(b"caf\xe9")
    save_noise(folder / os.fsdecode(b"\xff\xfe") / "1.png", 1)
    save_noise(folder / "plain" / os.fsdecode(b"\xe9.png"), 2)
    (folder / "plain" / os.fsdecode(b"broken\xe9.png")).write_bytes(b"nothing")
    dataset = load.load(str(folder), tmp_path / "cache")
    assert len(dataset) == 2
    assert dataset.class_names == ("\\xff\\xfe", "plain")
    assert dataset.name.endswith("caf\\xe9")
    (skipped,) = dataset.skipped
    assert skipped.startswith("plain/broken\\xe9.png: ")
    for text in (dataset.name, skipped, *dataset.class_names):
        text.encode("utf-8")
    with pytest.raises(InputError) as error:
        folders.scan(save_nothing(tmp_path / os.fsdecode(b"empty\xe9")))
    str(error.value).encode("utf-8")


def save_nothing(folder):
    folder.mkdir()
    return folder


def test_a_run_inside_the_dataset_is_no_data(tmp_path):
    save_noise(tmp_path / "1.png", 1)
    before = load.load(str(tmp_path), tmp_path / ".cache")
    run = tmp_path / "runs" / "first"
    save_noise(run / "samples" / "0001.png", 2)
    (run / "config.json").write_text("{}")
    (run / "checkpoints").mkdir()
    after = load.load(str(tmp_path), tmp_path / ".cache")
    assert (len(after), after.fingerprint) == (1, before.fingerprint)
    with pytest.raises(InputError, match="holds a training run"):
        load.check_dataset(str(run))
    (run / "config.json").unlink()  # a folder of checkpoints and images is a folder
    assert len(load.load(str(tmp_path), tmp_path / ".cache")) == 2


def test_bad_folders_are_named(tmp_path):
    with pytest.raises(InputError, match="no such folder"):
        load.check_dataset(str(tmp_path / "nowhere"))
    with pytest.raises(InputError, match="got nothing"):
        load.check_dataset("")
    with pytest.raises(InputError, match="no image in this folder"):
        load.check_dataset(str(tmp_path))
    (tmp_path / "a.png").write_bytes(b"nothing")
    with pytest.raises(InputError, match=r"none of 1 images can be read.*a\.png"):
        load.load(str(tmp_path), tmp_path / "cache")
    assert not list((tmp_path / "cache").iterdir())


def test_large_images_are_decoded_one_after_the_other(tmp_path, monkeypatch):
    for number in range(12):
        save_noise(tmp_path / f"{number}.png", number, (64, 64))
    lock, now, most = threading.Lock(), [0], [0]
    read = image_io.read_image

    def counting(*arguments, **options):
        with lock:
            now[0] += 1
            most[0] = max(most[0], now[0])
        try:
            threading.Event().wait(0.02)
            return read(*arguments, **options)
        finally:
            with lock:
                now[0] -= 1

    monkeypatch.setattr(image_io, "read_image", counting)
    monkeypatch.setattr(folders, "PIXELS_IN_FLIGHT", 2 * 64 * 64)
    assert len(load.load(str(tmp_path), tmp_path / ".cache", 16)) == 12
    assert most[0] == 2
    most[0] = 0
    monkeypatch.setattr(folders, "PIXELS_IN_FLIGHT", 64 * 64 // 2)  # smaller than any
    assert len(load.load(str(tmp_path), tmp_path / ".other", 16)) == 12
    assert most[0] == 1
