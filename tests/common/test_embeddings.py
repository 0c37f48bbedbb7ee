import numpy as np
import pytest
from google.protobuf import text_format
from PIL import Image
from tensorboard.plugins.projector.projector_config_pb2 import ProjectorConfig

from common.embeddings import Embedding, principal_components, sprite, write_embeddings


def read(folder):
    return text_format.Parse((folder / "projector_config.pbtxt").read_text(), ProjectorConfig())


def test_vectors_descriptions_and_thumbnails_are_where_tensorboard_reads_them(tmp_path):
    images = np.arange(5, dtype=np.uint8)[:, None, None, None].repeat(8, 1).repeat(6, 2) * 50
    vectors = np.random.default_rng(0).normal(size=(5, 3)).astype(np.float32)
    columns = {"class": ["a", "b\tc\n", "d", "e", "f"], "number": range(5)}
    write_embeddings(tmp_path, [Embedding("codes", vectors, columns, images)])
    (found,) = read(tmp_path).embeddings
    read_vectors = np.loadtxt(tmp_path / found.tensor_path, delimiter="\t")
    np.testing.assert_allclose(read_vectors, vectors, rtol=1e-4)
    rows = (tmp_path / found.metadata_path).read_text().splitlines()
    assert rows[:3] == ["class\tnumber", "a\t0", "b\\tc\\n\t1"]
    assert len(rows) == 6
    assert list(found.sprite.single_image_dim) == [6, 8]  # width, height
    with Image.open(tmp_path / found.sprite.image_path) as sheet:
        assert sheet.size == (3 * 6, 3 * 8)
        assert [sheet.getpixel((6 * (n % 3), 8 * (n // 3)))[0] for n in range(6)] == [
            *(0, 50, 100, 150, 200),
            0,  # an empty place
        ]


def test_a_single_column_has_no_header(tmp_path):
    points = Embedding("x", np.eye(2), {"class": ["a", "b"]}, np.zeros((2, 4, 4, 4), np.uint8))
    write_embeddings(tmp_path, [points])
    (found,) = read(tmp_path).embeddings
    assert (tmp_path / found.metadata_path).read_text() == "a\nb\n"


@pytest.mark.parametrize(
    ("shape", "expected", "size"),
    [
        ((5, 8, 8, 1), (24, 24, 3), (8, 8)),
        ((4, 128, 64, 3), (128, 64, 3), (32, 64)),
        ((2, 8, 8, 4), (16, 16, 4), (8, 8)),
    ],
)
def test_sprites_are_square_sheets_of_small_thumbnails(shape, expected, size):
    sheet, found = sprite(np.zeros(shape, np.uint8))
    assert (sheet.shape, found) == (expected, size)


def test_many_thumbnails_fit_into_a_texture():
    sheet, size = sprite(np.zeros((16_900, 40, 40, 1), np.uint8))
    assert max(sheet.shape) <= 4096
    assert size == (31, 31)


def test_principal_components_keep_distances_and_order():
    random = np.random.default_rng(0)
    plane = random.normal(size=(20, 2)) * [5.0, 1.0]
    vectors = plane @ np.linalg.qr(random.normal(size=(6, 2)))[0].T + 3.0  # a plane in 6 dimensions
    found = principal_components(vectors, 4)
    assert found.shape == (20, 4)
    np.testing.assert_allclose(
        np.linalg.norm(found[0] - found[1:], axis=1),
        np.linalg.norm(plane[0] - plane[1:], axis=1),
        rtol=1e-4,
    )
    assert found[:, 0].std() > found[:, 1].std() > found[:, 2].std()
