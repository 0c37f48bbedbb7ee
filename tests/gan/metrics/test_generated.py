from types import SimpleNamespace

import keras
import numpy as np
import pytest

from common import images as image_io
from common.errors import InputError
from gan.config import Config
from gan.data import base
from gan.metrics import generated


def test_a_subset_is_random_whatever_the_order():
    images = np.arange(1000)
    few = generated.random_subset(images, 100, seed=0)
    assert len(set(few.tolist())) == 100
    assert few.max() > 900
    assert len(generated.random_subset(images, 5000, seed=0)) == 1000


@pytest.mark.parametrize(("have", "want", "expected"), [
    (1, 1, [7]), (1, 3, [7, 7, 7]), (1, 4, [7, 7, 7, 255]),
    (3, 3, [7, 8, 9]), (3, 4, [7, 8, 9, 255]),
])  # fmt: skip
def test_more_channels_look_the_same(have, want, expected):
    images = np.broadcast_to(np.uint8([7, 8, 9][:have]), (2, 4, 4, have))
    found = generated.to_channels(images, want)
    assert (found == np.uint8(expected)).all()
    assert found.shape == (2, 4, 4, want)


def test_channels_are_never_dropped():
    with pytest.raises(ValueError, match="at least 3"):
        generated.to_channels(np.zeros((1, 4, 4, 3), np.uint8), 1)


def generator(classes):
    """A model of (latents, labels) to 16x16 images as bright as their label."""
    latents, labels = keras.Input((4,)), keras.Input((), dtype="int32")
    bright = keras.layers.Embedding(classes, 256, embeddings_initializer="zeros")
    x = keras.layers.Reshape((16, 16, 1))(bright(labels))
    model = keras.Model([latents, labels], x)
    bright.embeddings.assign(np.arange(classes)[:, None].repeat(256, axis=1) / 127.5 - 1.0)
    return model


def test_a_run_is_drawn_with_the_class_shares_of_the_dataset(monkeypatch, tmp_path):
    labels = np.repeat(np.int32([0, 1]), [540, 60])
    images = np.zeros((600, 16, 16, 1), np.uint8)
    dataset = base.ImageDataset("uneven", images, labels, ("a", "b"), "")
    monkeypatch.setattr(generated, "load_generator", lambda *_: (generator(2), ("a", "b")))
    read = SimpleNamespace(read=lambda *_, **__: SimpleNamespace(config=Config()))
    monkeypatch.setattr(generated, "description", read)
    found = generated.from_run(tmp_path, "last", 600, 0, dataset)
    assert np.bincount(found.images[:, 0, 0, 0]).tolist() == [540, 60]
    assert found.labels == "the class shares of uneven"
    other = base.ImageDataset("other", images, labels * 0, (), "")
    uniform = generated.from_run(tmp_path, "last", 600, 0, other)
    assert np.bincount(uniform.images[:, 0, 0, 0]).tolist() == [300, 300]
    assert uniform.labels.startswith("uniform")


def test_an_archive_without_images_is_refused(tmp_path):
    np.savez(tmp_path / "a.npz", images=np.zeros((20, 16, 16, 1), np.float32))
    with pytest.raises(InputError, match=r"expected `images`, uint8 .* found float32"):
        generated.from_npz(tmp_path / "a.npz", 20, 0)
    np.savez(tmp_path / "b.npz", pixels=np.zeros(3))
    with pytest.raises(InputError, match="found none"):
        generated.from_npz(tmp_path / "b.npz", 20, 0)


def test_skipped_files_of_a_folder_are_counted(tmp_path):
    for number in range(3):
        image_io.write_image(tmp_path / f"{number}.png", np.zeros((16, 16, 1), np.uint8))
    (tmp_path / "broken.png").write_bytes(b"nothing")
    found = generated.from_folder(tmp_path, 10, 0, tmp_path / ".cache")
    assert (len(found.images), len(found.skipped)) == (3, 1)
