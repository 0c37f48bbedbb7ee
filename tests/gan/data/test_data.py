import socket
import time
import urllib.request

import numpy as np
import pytest
from PIL import Image

from common.errors import InputError
from gan.data import base, glyphs, load, stream, tfds


@pytest.fixture
def few_glyphs(monkeypatch):
    monkeypatch.setattr(glyphs, "GLYPH_COUNT", 72)


def test_glyphs_are_deterministic_labelled_and_cached(tmp_path, few_glyphs):
    first = load.load("glyphs", tmp_path / "a")
    again = load.load("glyphs", tmp_path / "b")
    assert first.images.shape == (72, 32, 32, 1)
    np.testing.assert_array_equal(first.images, again.images)
    assert first.labels.tolist() == list(range(36)) * 2
    assert "".join(first.class_names) == glyphs.GLYPH_CLASSES
    stamp = next((tmp_path / "a").glob("*/images.raw")).stat().st_mtime_ns
    load.load("glyphs", tmp_path / "a")
    assert next((tmp_path / "a").glob("*/images.raw")).stat().st_mtime_ns == stamp


def test_glyphs_differ_by_seed_and_between_two_of_a_class(tmp_path, few_glyphs):
    first, other = (load.load("glyphs", tmp_path, seed=seed) for seed in (0, 1))
    assert (first.images != other.images).any(axis=(1, 2, 3)).all()
    assert (first.images[:36] != first.images[36:]).any(axis=(1, 2, 3)).all()


def test_glyphs_have_ink_that_does_not_touch_the_border(tmp_path, monkeypatch):
    monkeypatch.setattr(glyphs, "GLYPH_COUNT", 360)
    images = np.asarray(load.load("glyphs", tmp_path).images)
    assert (images.max(axis=(1, 2, 3)) > 100).all()
    border = np.concatenate([images[:, 0], images[:, -1], images[:, :, 0], images[:, :, -1]], 1)
    assert (border.max(axis=(1, 2)) > 100).mean() < 0.02


def test_glyphs_in_another_size_and_in_colour(tmp_path, few_glyphs):
    assert load.load("glyphs", tmp_path, 64, 3).images.shape == (72, 64, 64, 3)


def save(path, mode="RGB", size=(40, 30), colour=None):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new(mode, size, colour or 0).save(path)


def test_a_folder_of_mixed_pictures(tmp_path):
    folder = tmp_path / "mixed"
    save(folder / "a.png", "RGBA", (50, 33))
    save(folder / "b.jpg", "CMYK", (33, 60))
    save(folder / "c.PNG", "P")
    save(folder / "d.tif", "I;16")
    save(folder / "e.webp", "RGB", (200, 41))
    save(folder / ".hidden" / "f.png")
    (folder / "broken.png").write_bytes(b"nothing")
    (folder / "notes.txt").write_text("not looked at")
    (folder / "dangling.png").symlink_to(folder / "nowhere.png")
    pictures = load.load(str(folder), tmp_path / "cache")
    assert pictures.images.shape == (5, 32, 32, 3)
    assert pictures.class_names == ()
    assert len(pictures.skipped) == 1
    assert "broken.png" in pictures.skipped[0]


def test_gray_folders_stay_gray_and_keep_their_resolution(blobs, tmp_path):
    pictures = load.load(str(blobs), tmp_path)
    assert pictures.images.shape == (64, 16, 16, 1)
    one = np.asarray(Image.open(blobs / "007.png"))
    np.testing.assert_array_equal(pictures.images[7, :, :, 0], one)


def test_sub_folders_are_classes(tmp_path):
    folder = tmp_path / "pets"
    for name in ("cat/1.png", "cat/deep/2.png", "dog/1.png"):
        save(folder / name, "L", (20, 20))
    pictures = load.load(str(folder), tmp_path / "cache")
    assert pictures.class_names == ("cat", "dog")
    assert pictures.labels.tolist() == [0, 0, 1]


def test_a_name_with_a_configuration_is_no_folder():
    assert not base.is_folder("emnist/letters")
    assert all(map(base.is_folder, ("./pictures", "/pictures", "~/pictures", "pictures/")))


def test_a_changed_folder_is_read_again(tmp_path):
    folder = tmp_path / "pictures"
    save(folder / "1.png", "L", (16, 16), 10)
    before = load.load(str(folder), tmp_path / "cache")
    save(folder / "2.png", "L", (16, 16), 20)
    after = load.load(str(folder), tmp_path / "cache")
    assert (len(before), len(after)) == (1, 2)
    assert before.fingerprint != after.fingerprint


def test_bad_folders_are_named(tmp_path):
    with pytest.raises(InputError, match="no such folder"):
        load.check_dataset(str(tmp_path / "nowhere"))
    with pytest.raises(InputError, match="got nothing"):
        load.check_dataset("")
    with pytest.raises(InputError, match="no picture in this folder"):
        load.check_dataset(str(tmp_path))
    (tmp_path / "a.png").write_bytes(b"nothing")
    with pytest.raises(InputError, match=r"none of 1 pictures can be read.*a\.png"):
        load.load(str(tmp_path), tmp_path / "cache")
    assert not list((tmp_path / "cache").iterdir())


@pytest.mark.parametrize("resolution", [1, 17, 31, 129, 256])
def test_an_unfit_resolution_lists_those_that_fit(resolution):
    with pytest.raises(InputError, match=r"--resolution.*16, 20, 24.*got"):
        base.check_resolution(resolution)


def test_an_unfit_channel_count(tmp_path):
    with pytest.raises(InputError, match="--channels: expected"):
        load.load("glyphs", tmp_path, channels=2)


def test_an_unknown_dataset_gets_the_nearest_names(tmp_path):
    with pytest.raises(InputError, match=r"did you mean .*fashion_mnist"):
        load.load("fashon_mnist", tmp_path)
    with pytest.raises(InputError, match=r"did you mean .*glyphs"):
        load.load("glyps", tmp_path)


def test_no_network_is_told_quickly(tmp_path, monkeypatch):
    def unreachable(*args, **kwargs):
        raise OSError("Network is unreachable")

    monkeypatch.setattr(urllib.request, "urlopen", unreachable)
    monkeypatch.setattr(socket.socket, "connect", unreachable)
    started = time.monotonic()
    with pytest.raises(InputError, match=r"(?s)must be downloaded.*works offline: glyphs"):
        load.load("mnist", tmp_path)
    assert time.monotonic() - started < 30


@pytest.fixture(scope="module")
def tiny_builders():
    """Two real builders of TensorFlow Datasets that download nothing: pictures, and none."""
    import tensorflow_datasets as tfds

    class Offline(tfds.core.GeneratorBasedBuilder, skip_registration=True):
        VERSION = tfds.core.Version("1.0.0")

        def _split_generators(self, dl_manager):
            return {"train": self._generate_examples()}

    class TinyShapes(Offline):
        def _info(self):
            features = {
                "label": tfds.features.ClassLabel(names=["dark", "bright"]),
                "image": tfds.features.Image(shape=(None, None, 3)),
            }
            return tfds.core.DatasetInfo(
                builder=self, features=tfds.features.FeaturesDict(features)
            )

        def _generate_examples(self):
            for index in range(30):
                value = 255 * (index % 2)
                yield index, {"label": index % 2, "image": np.full((20, 25, 3), value, np.uint8)}

    class TinyText(Offline):
        def _info(self):
            features = {"text": tfds.features.Text()}
            return tfds.core.DatasetInfo(
                builder=self, features=tfds.features.FeaturesDict(features)
            )

        def _generate_examples(self):
            yield 0, {"text": "word"}


def test_a_dataset_of_tensorflow_datasets(tmp_path, monkeypatch, tiny_builders):
    monkeypatch.setattr(tfds, "_probe", lambda urls, name: None)  # nothing is downloaded
    pictures = load.load("tiny_shapes", tmp_path)
    assert pictures.images.shape == (30, 20, 20, 3)
    assert pictures.class_names == ("dark", "bright")
    assert (pictures.images[:, 0, 0, 0] == 255 * pictures.labels).all()
    gray = load.load("tiny_shapes", tmp_path, resolution=16, channels=1)
    assert gray.images.shape == (30, 16, 16, 1)
    with pytest.raises(InputError, match="holds no pictures, only text"):
        load.load("tiny_text", tmp_path)


def first_batches(pictures, batch_size, count, **options):
    return list(stream.batches(pictures, batch_size, **options).take(count).as_numpy_iterator())


@pytest.fixture
def numbered():
    """Twelve 2x2 pictures, each filled with its own number."""
    images = np.repeat(np.arange(12, dtype=np.uint8), 4).reshape(12, 2, 2, 1)
    return base.Pictures("numbered", images, np.arange(12, dtype=np.int32), (), "")


def test_each_pass_is_a_permutation_and_they_differ(numbered):
    labels = np.concatenate([labels for _, labels in first_batches(numbered, 4, 9, seed=1)])
    passes = labels.reshape(3, 12)
    assert (np.sort(passes, axis=1) == np.arange(12)).all()
    assert len({tuple(order) for order in passes.tolist()}) == 3
    other = np.concatenate([labels for _, labels in first_batches(numbered, 4, 3, seed=2)])
    assert other.tolist() != passes[0].tolist()


def test_a_tenth_but_not_more_than_a_batch_or_two_is_held_out():
    for count, expected in ((9, 0), (10, 1), (200, 20), (36_000, stream.HELD_OUT)):
        learnt, held_out = stream.hold_out(count, seed=3)
        assert len(held_out) == expected
        assert sorted([*learnt, *held_out]) == list(range(count))
    assert stream.hold_out(200, seed=4)[1].tolist() != stream.hold_out(200, seed=3)[1].tolist()


def test_a_stream_can_be_of_some_pictures_only(numbered):
    among = np.array([1, 4, 7, 10])
    labels = np.concatenate([x for _, x in first_batches(numbered, 3, 4, seed=1, among=among)])
    assert (np.sort(labels.reshape(3, 4), axis=1) == among).all()


def test_replicas_share_every_batch_and_every_update_of_it(numbered):
    assert stream.share(12, 2, 0, 3).tolist() == [0, 1, 6, 7]
    assert stream.share(12, 2, 2, 3).tolist() == [4, 5, 10, 11]
    whole = first_batches(numbered, 6, 8, seed=1, horizontal_flip=True)
    places = [stream.share(6, 1, replica, 3) for replica in range(3)]
    own = first_batches(numbered, 6, 14, seed=1, start=6, horizontal_flip=True, shares=places[1:])
    for step in range(7):  # two replicas of this process, in turn
        for at, place in enumerate(places[1:]):
            for found, expected in zip(own[2 * step + at], whole[step + 1], strict=True):
                np.testing.assert_array_equal(found, expected[place])


def test_images_are_scaled_and_keep_their_labels(numbered):
    ((images, labels),) = first_batches(numbered, 12, 1, seed=0)
    assert images.dtype == np.float32
    np.testing.assert_allclose(images[:, 0, 0, 0], labels / 127.5 - 1.0, rtol=1e-6)


@pytest.mark.parametrize("horizontal_flip", [False, True])
def test_a_stream_can_start_anywhere(numbered, horizontal_flip):
    whole = first_batches(numbered, 5, 10, seed=3, horizontal_flip=horizontal_flip)
    rest = first_batches(numbered, 5, 4, seed=3, horizontal_flip=horizontal_flip, start=30)
    for (a, b), (c, d) in zip(whole[6:], rest, strict=True):
        np.testing.assert_array_equal(a, c)
        np.testing.assert_array_equal(b, d)


def test_mirror_flips_about_half(numbered):
    images = np.tile(np.uint8([0, 255]), (12, 2, 1))[..., None]
    pictures = base.Pictures("edges", images, numbered.labels, (), "")
    flipped = np.concatenate(
        [
            x[:, 0, 0, 0] > 0
            for x, _ in first_batches(pictures, 12, 50, seed=0, horizontal_flip=True)
        ]
    )
    assert 0.4 < flipped.mean() < 0.6
