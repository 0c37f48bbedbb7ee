import json
import os
import tempfile

import numpy as np
import pytest
from PIL import Image

from common.errors import InputError
from gan.data import base, cache, glyphs, load


@pytest.fixture
def few_glyphs(monkeypatch):
    monkeypatch.setattr(glyphs, "GLYPH_COUNT", 72)


def test_a_name_with_a_configuration_is_no_folder():
    assert not base.is_folder("emnist/letters")
    assert all(map(base.is_folder, ("./images", "/images", "~/images", "images/")))


def test_a_dataset_is_one_file_of_the_package(tmp_path, monkeypatch):
    (tmp_path / "stripes.py").write_text(
        "from PIL import Image\n"
        "from gan.data.base import Request, Source, source_key\n"
        "def source(request: Request) -> Source:\n"
        "    key = source_key('stripes', request.seed)\n"
        "    images = lambda: ((Image.new('L', (8, 8), 9 * n), n) for n in range(3))\n"
        "    return Source('stripes', key, 8, 1, ('a', 'b', 'c'), images)\n"
    )
    import gan.data

    monkeypatch.setattr(gan.data, "__path__", [*gan.data.__path__, str(tmp_path)])
    monkeypatch.setattr(load, "dataset_names", lambda: ("glyphs", "stripes"))
    dataset = load.load("stripes", tmp_path / "cache")
    assert dataset.images[:, 0, 0, 0].tolist() == [0, 9, 18]
    assert dataset.class_names == ("a", "b", "c")


def test_the_datasets_are_the_files_that_are_not_shared():
    assert base.dataset_names() == ("glyphs",)


@pytest.mark.parametrize("resolution", [1, 17, 31, 129, 256])
def test_an_unfit_resolution_lists_those_that_fit(tmp_path, resolution):
    with pytest.raises(InputError, match=r"--resolution.*16, 20, 24.*got"):
        load.load("glyphs", tmp_path, resolution, supported=base.RESOLUTIONS)


def test_an_unfit_channel_count(tmp_path):
    with pytest.raises(InputError, match="--channels: expected"):
        load.load("glyphs", tmp_path, channels=2)


def test_a_folder_keeps_its_name_from_another_place(tmp_path, monkeypatch):
    (tmp_path / "here" / "images").mkdir(parents=True)
    monkeypatch.chdir(tmp_path / "here")
    absolute = str(tmp_path / "here" / "images")
    assert load.resolve_name("images") == absolute
    assert load.resolve_name("./images/") == absolute
    assert load.resolve_name("../here/images") == absolute
    assert load.resolve_name(absolute) == absolute
    assert load.resolve_name("mnist") == "mnist"
    assert load.resolve_name("glyphs") == "glyphs"
    monkeypatch.setenv("HOME", str(tmp_path / "here"))
    assert load.resolve_name("~/images") == absolute


def test_a_torn_cache_is_prepared_again(tmp_path, few_glyphs):
    before = np.array(load.load("glyphs", tmp_path).images)
    (path,) = tmp_path.glob("*/images.raw")
    path.write_bytes(path.read_bytes()[:-100])
    np.testing.assert_array_equal(load.load("glyphs", tmp_path).images, before)
    path.with_name("about.json").write_text("")
    np.testing.assert_array_equal(load.load("glyphs", tmp_path).images, before)


def test_what_a_killed_process_left_in_the_cache_is_removed(tmp_path, few_glyphs):
    (tmp_path / ".tmp-killed").mkdir()
    os.utime(tmp_path / ".tmp-killed", (0, 0))
    with cache.temporary_folder(tmp_path) as running:
        load.load("glyphs", tmp_path)
        assert [path.name for path in tmp_path.glob(".tmp-*")] == [running.name]
    assert not list(tmp_path.glob(".tmp-*"))


def test_a_cache_that_cannot_be_written_names_the_flag(tmp_path, few_glyphs, monkeypatch):
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(InputError, match=r"(?s)--cache-dir .*file.*cannot be written.*--cache-dir"):
        load.load("glyphs", tmp_path / "file")

    def refuse(*arguments, **options):
        raise PermissionError(13, "Permission denied", "somewhere")

    monkeypatch.setattr(tempfile, "mkdtemp", refuse)
    with pytest.raises(InputError, match=r"cannot be written .Permission denied"):
        load.load("glyphs", tmp_path / "new")
    monkeypatch.undo()
    monkeypatch.setattr(tempfile, "mkstemp", refuse)
    with (
        pytest.raises(InputError, match="--cache-dir"),
        cache.write_file(tmp_path / "new", "features", "a.npz") as path,
    ):
        np.savez(path, a=1)


def test_a_full_disk_is_not_taken_for_a_read_only_cache(tmp_path):
    with pytest.raises(OSError, match="No space left"), cache.writing(tmp_path):
        raise OSError(28, "No space left on device", "file")


def test_a_cache_for_all_users_stays_one(tmp_path, monkeypatch, few_glyphs):
    shared, private = tmp_path / "shared", tmp_path / "private"
    shared.mkdir()
    shared.chmod(0o1777)
    private.mkdir()
    private.chmod(0o700)
    for folder in (shared, private):
        load.load("glyphs", folder)
        with cache.write_file(folder, "features", "a.npz") as path:
            np.savez(path, a=1)
    modes = {path.relative_to(shared).name: path.stat().st_mode & 0o1777
             for path in shared.rglob("*")}  # fmt: skip
    assert modes.pop("features") == 0o1777  # another user adds files
    assert modes.pop(next(name for name in modes if name.startswith("glyphs"))) == 0o1777
    assert all(mode & 0o444 == 0o444 for mode in modes.values())
    assert (private / "features").stat().st_mode & 0o777 == 0o700


def test_caches_of_before_class_names_were_kept_there_are_read(tmp_path, few_glyphs):
    load.load("glyphs", tmp_path)
    (path,) = tmp_path.glob("*/about.json")
    path.write_text(json.dumps({"skipped": []}))
    assert len(load.load("glyphs", tmp_path).class_names) == 36


def test_samples_are_a_random_subset_in_random_order():
    images = np.arange(100, dtype=np.uint8).reshape(100, 1, 1, 1)
    drawn, labels = base.sample_signed(images, np.arange(100), 40, seed=1)
    assert len(set(labels.tolist())) == 40
    assert (np.diff(labels) < 0).any()  # a file's place says nothing about a sample's
    np.testing.assert_allclose(drawn.ravel(), labels / 127.5 - 1.0, rtol=1e-6)
    among = np.array([3, 5, 8])
    assert sorted(base.sample_signed(images, np.arange(100), 9, 0, among)[1]) == [3, 5, 8]


def test_a_single_image_is_a_dataset(tmp_path):
    (tmp_path / "one").mkdir()
    Image.new("RGB", (70, 80)).save(tmp_path / "one" / "a.png")
    assert load.load(str(tmp_path / "one"), tmp_path / "cache").images.shape == (1, 64, 64, 3)
