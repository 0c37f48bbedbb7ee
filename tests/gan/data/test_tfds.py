import os
import socket
import time
import urllib.request

import numpy as np
import pytest

from common.errors import InputError
from gan.data import load, tfds


@pytest.fixture(autouse=True)
def _no_folders_of_the_user(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.delenv("TFDS_DATA_DIR", raising=False)


def test_an_unknown_dataset_gets_the_nearest_names(tmp_path):
    with pytest.raises(InputError, match=r"did you mean .*fashion_mnist"):
        load.load("fashon_mnist", tmp_path)
    with pytest.raises(InputError, match=r"did you mean .*glyphs"):
        load.load("glyps", tmp_path)


def unreachable(*args, **kwargs):
    raise OSError("Network is unreachable")


def test_a_missing_network_is_reported_quickly(tmp_path, monkeypatch):
    monkeypatch.setattr(urllib.request, "urlopen", unreachable)
    monkeypatch.setattr(socket.socket, "connect", unreachable)
    started = time.monotonic()
    with pytest.raises(InputError, match=r"(?s)must be downloaded.*offline: glyphs"):
        load.load("mnist", tmp_path)
    assert time.monotonic() - started < 30


@pytest.fixture(scope="module")
def tiny_builders():
    """Two real builders of TensorFlow Datasets that download nothing: images, and none."""
    import tensorflow_datasets as tfds

    class Offline(tfds.core.GeneratorBasedBuilder, skip_registration=True):
        VERSION = tfds.core.Version("1.0.0")

        def _split_generators(self, dl_manager):
            return {"train": self._generate_examples()}

    class TinyShapes(Offline):
        def _info(self):
            features = {
                "label": tfds.features.ClassLabel(names=["dark", "none", "bright"]),
                "image": tfds.features.Image(shape=(None, None, 3)),
            }
            return tfds.core.DatasetInfo(
                builder=self, features=tfds.features.FeaturesDict(features)
            )

        def _generate_examples(self):
            for index in range(30):
                value = 255 * (index % 2)
                image = np.full((20, 25, 3), value, np.uint8)
                yield index, {"label": 2 * (index % 2), "image": image}

    class TinyText(Offline):
        def _info(self):
            features = {"text": tfds.features.Text()}
            return tfds.core.DatasetInfo(
                builder=self, features=tfds.features.FeaturesDict(features)
            )

        def _generate_examples(self):
            yield 0, {"text": "word"}

    return TinyShapes


def test_a_dataset_of_tensorflow_datasets(tmp_path, monkeypatch, tiny_builders):
    monkeypatch.setattr(tfds, "_probe", lambda urls, name: None)  # nothing is downloaded
    dataset = load.load("tiny_shapes", tmp_path)
    assert dataset.images.shape == (30, 20, 20, 3)
    assert dataset.class_names == ("dark", "bright")  # the class in between has no images
    assert (dataset.images[:, 0, 0, 0] == 255 * dataset.labels).all()
    gray = load.load("tiny_shapes", tmp_path, resolution=16, channels=1)
    assert gray.images.shape == (30, 16, 16, 1)
    with pytest.raises(InputError, match="holds no images, only text"):
        load.load("tiny_text", tmp_path)


@pytest.mark.parametrize("place", ["TFDS_DATA_DIR", "home"])
def test_a_dataset_that_tfds_has_prepared_elsewhere_is_found(
    tmp_path, monkeypatch, tiny_builders, place
):
    folder = tmp_path / "home" / "tensorflow_datasets"
    if place == "TFDS_DATA_DIR":
        folder = tmp_path / "own"
        monkeypatch.setenv("TFDS_DATA_DIR", str(folder))
    tiny_builders(data_dir=str(folder)).download_and_prepare()
    monkeypatch.setattr(urllib.request, "urlopen", unreachable)
    monkeypatch.setattr(
        tiny_builders, "download_and_prepare", lambda *_, **__: pytest.fail("prepared again")
    )
    dataset = load.load("tiny_shapes", tmp_path / "cache")
    assert len(dataset) == 30
    assert not (tmp_path / "cache" / tfds.FOLDER).exists()


def test_a_prepared_dataset_whose_code_is_gone_is_found(tmp_path, monkeypatch, tiny_builders):
    folder = tmp_path / "own"
    tiny_builders(data_dir=str(folder)).download_and_prepare()
    (folder / "tiny_shapes").rename(folder / "tiny_renamed")
    (path,) = folder.rglob("dataset_info.json")
    path.write_text(path.read_text().replace("tiny_shapes", "tiny_renamed"))
    for record in folder.rglob("tiny_shapes-*"):
        record.rename(record.with_name(record.name.replace("tiny_shapes", "tiny_renamed")))
    monkeypatch.setenv("TFDS_DATA_DIR", str(folder))
    assert len(load.load("tiny_renamed", tmp_path / "cache")) == 30


def test_a_cache_for_all_users_takes_a_second_users_datasets(tmp_path, monkeypatch, tiny_builders):
    monkeypatch.setattr(tfds, "_probe", lambda urls, name: None)
    cache = tmp_path / "shared"
    cache.mkdir()
    cache.chmod(0o1777)
    load.load("tiny_shapes", cache)
    folders = [path for path in (cache / tfds.FOLDER).rglob("*") if path.is_dir()]
    assert folders
    assert all(path.stat().st_mode & 0o777 == 0o777 for path in folders)
    assert all(os.access(path, os.R_OK) for path in cache.rglob("*"))


def test_a_cache_that_cannot_be_written_names_the_flag(tmp_path, monkeypatch, tiny_builders):
    monkeypatch.setattr(tfds, "_probe", lambda urls, name: None)
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(InputError, match=r"--cache-dir .*cannot be written"):
        load.load("tiny_shapes", tmp_path / "file")
