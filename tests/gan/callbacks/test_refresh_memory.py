import numpy as np

from gan.callbacks.refresh_memory import RefreshMemory


def test_the_same_random_half_of_the_images_is_encoded_flipped():
    images = np.random.default_rng(0).integers(0, 256, (200, 2, 3, 1), np.uint8)
    labels, index = np.zeros(200, np.int32), np.arange(50, 150)

    def shown(seed, flip=True):
        return RefreshMemory(images, labels, index, seed, horizontal_flip=flip).shown(index)

    np.testing.assert_array_equal(shown(3, flip=False), images[index])
    found = shown(3)
    flipped = (found == images[index, :, ::-1]).all(axis=(1, 2, 3))
    kept = (found == images[index]).all(axis=(1, 2, 3))
    assert (flipped ^ kept).all()
    assert 35 < flipped.sum() < 65
    np.testing.assert_array_equal(found, shown(3))
    assert not np.array_equal(found, shown(4))
