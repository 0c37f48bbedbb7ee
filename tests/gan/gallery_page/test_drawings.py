import keras
import numpy as np
import pytest

from common.errors import InputError
from common.priors import PRIORS
from gan.data.base import ImageDataset
from gan.gallery_page import drawings
from gan.gallery_page.image_sections import STEPS


def dataset(images):
    return ImageDataset("noise", images, np.zeros(len(images), np.int32), (), "0")


@pytest.fixture(scope="module")
def noise():
    return np.random.default_rng(0).integers(0, 256, (40, 16, 16, 1), dtype=np.uint8)


def test_a_copy_has_distance_zero_and_a_new_image_about_one(noise):
    new = np.random.default_rng(1).integers(0, 256, (1, 16, 16, 1), dtype=np.uint8)
    found = drawings.neighbors(np.concatenate([noise[7:8], new]), dataset(noise), seed=0)
    np.testing.assert_array_equal(found.images[0, 0], noise[7])
    assert found.distances[0, 0] == pytest.approx(0.0, abs=1e-3)
    assert 0.5 < found.distances[1, 0] < 2.0
    assert (np.diff(found.distances, axis=1) >= 0.0).all()
    assert (found.searched, found.training) == (40, 40)


def test_too_few_training_images_are_reported(noise):
    with pytest.raises(InputError, match="expected more than 4 images"):
        drawings.neighbors(noise[:1], dataset(noise[:4]), seed=0)


def test_each_row_of_the_walk_begins_at_a_latent_vector_and_ends_before_the_next():
    latent = keras.Input((4,))
    image = keras.layers.Reshape((2, 2, 1))(keras.ops.clip(latent / 4.0, -1.0, 1.0))
    walk = drawings.interpolation(keras.Model(latent, image), 0, PRIORS["normal"], seed=0)
    assert walk.shape == (drawings.CORNERS * STEPS, 2, 2, 1)
    corners = PRIORS["normal"].sample(drawings.CORNERS, 4, 0)
    shown = np.clip(np.rint((corners / 4.0 + 1.0) * 127.5), 0, 255).reshape(-1, 2, 2, 1)
    np.testing.assert_allclose(walk[::STEPS].astype(float), shown, atol=1)
