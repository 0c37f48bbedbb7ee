import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

from gan.callbacks.projector import Projector
from gan.data.base import ImageDataset
from gan.metrics.features import Features
from gan.metrics.reference import ReferenceStatistics
from tests.common.test_embeddings import read
from tests.gan.callbacks.test_samples import constant_generator


@pytest.fixture
def dataset():
    images = np.zeros((30, 2, 2, 1), np.uint8)
    return ImageDataset("black", images, np.arange(30, dtype=np.int32) % 2, ("a", "b"), "0")


def run(folder, dataset, reference, classes=0):
    callback = Projector(folder, dataset, classes, reference, latent_size=4)
    callback.set_model(type("Model", (), {"ema_generator": constant_generator(1.0)}))
    callback.on_train_end()
    return read(folder).embeddings


def table(folder, embedding):
    lines = (folder / embedding.metadata_path).read_text().splitlines()
    return [line.split("\t") for line in lines]


def test_latent_codes_lie_beside_real_and_generated_images(tmp_path, dataset):
    extractor = Features("mean", "1", lambda images: images.mean(axis=(1, 2)))
    index = np.arange(30)[::-1]
    reference = ReferenceStatistics(dataset, extractor, index, np.zeros((30, 1), np.float32))
    both, codes = run(tmp_path, dataset, reference)
    assert (both.tensor_name, codes.tensor_name) == ("real_and_generated", "latent_codes")
    header, *rows = table(tmp_path, both)
    assert header == ["kind", "number", "class"]
    assert rows[0] == ["real", "0", "b"]  # the last image comes first
    assert rows[30] == ["generated", "0", "-"]
    assert len(rows) == 30 + Projector.COUNT
    found = np.loadtxt(tmp_path / both.tensor_path, delimiter="\t")
    assert abs(found[0] - found[30]) == pytest.approx(255.0, rel=1e-4)
    with Image.open(tmp_path / both.sprite.image_path) as sheet:
        assert sheet.width == 17 * 2  # 286 thumbnails
        assert [sheet.getpixel((2 * n, 2))[0] for n in (12, 13)] == [0, 255]  # 29 and 30
    assert np.loadtxt(tmp_path / codes.tensor_path, delimiter="\t").shape == (Projector.COUNT, 4)


def test_without_an_evaluation_there_are_latent_codes_only(tmp_path, dataset):
    (codes,) = run(tmp_path, dataset, None)
    assert table(tmp_path, codes)[:2] == [["0"], ["1"]]  # a single column has no header
    assert tf.io.gfile.exists(str(tmp_path / codes.sprite.image_path))
