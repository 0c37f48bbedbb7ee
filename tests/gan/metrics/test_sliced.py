import numpy as np
import pytest

from gan.metrics import sliced


def test_laplacian_wasserstein_sees_the_level_that_differs():
    random = np.random.default_rng(0)
    coarse = random.normal(size=(64, 16, 16, 1)).repeat(2, axis=1).repeat(2, axis=2)
    fine = random.normal(size=(2, 64, 32, 32, 1))
    same = sliced.laplacian_wasserstein(coarse + fine[0], coarse + fine[1])
    assert list(same) == [32, 16]
    assert max(same.values()) < 0.15
    smooth = sliced.laplacian_wasserstein(coarse + fine[0], coarse + 0.1 * fine[1])
    assert smooth[32] > 3 * same[32]
    dark = sliced.laplacian_wasserstein(coarse + fine[0], coarse + fine[1] - 3.0)
    assert dark[16] > 10 * same[16]
    assert dark[32] < 2 * same[32]
    identical = sliced.laplacian_wasserstein(coarse, coarse)
    assert set(identical.values()) == {0.0}


def test_a_constant_channel_does_not_divide_by_zero():
    random = np.random.default_rng(0)
    real, fake = random.integers(0, 256, (2, 64, 32, 32, 4), dtype=np.uint8)
    real[..., 3] = fake[..., 3] = 255
    same = sliced.laplacian_wasserstein(real, fake)
    assert max(same.values()) < 0.15
    fake[..., 3] = random.integers(235, 256, fake.shape[:3])  # 10 gray levels below on average
    transparent = sliced.laplacian_wasserstein(real, fake)
    assert same[16] < transparent[16] < 20.0
    dark = np.zeros((8, 16, 16, 1), np.uint8)  # a real set without any contrast
    one = sliced.laplacian_wasserstein(dark, dark + 1)[16]
    assert sliced.laplacian_wasserstein(dark, dark + 3)[16] == pytest.approx(3 * one, rel=1e-5)
    directions = np.random.default_rng(0).normal(size=(49, 128))
    directions /= np.linalg.norm(directions, axis=0)
    assert one == pytest.approx(np.abs(directions.sum(axis=0)).mean(), rel=1e-5)  # by one level


def test_floats_and_bytes_give_the_same_distances():
    random = np.random.default_rng(0)
    real, fake = random.integers(0, 256, (2, 32, 16, 16, 3), dtype=np.uint8)
    expected = sliced.laplacian_wasserstein(real, fake)
    found = sliced.laplacian_wasserstein(real / 127.5 - 1.0, fake / 127.5 - 1.0)
    assert found[16] == pytest.approx(expected[16], rel=1e-4)


def test_levels_of_rectangles_are_named_by_their_shorter_side():
    random = np.random.default_rng(0)
    real, fake = random.integers(0, 256, (2, 32, 96, 64, 3), dtype=np.uint8)
    fake[:, 80:] = 0  # seen if patches reach the far end of the longer side
    found = sliced.laplacian_wasserstein(real, fake)
    assert list(found) == [64, 32, 16]
    same = sliced.laplacian_wasserstein(real, real[::-1])
    assert all(found[level] > 1.2 * same[level] for level in found)


def test_means_are_summed_in_double_precision():
    patches = np.random.default_rng(0).integers(180, 256, (20_000, 7, 7, 3)).astype(np.float32)
    mean, deviation = sliced._moments(patches)
    exact = patches.astype(np.float64).reshape(-1, 3)
    np.testing.assert_allclose(mean, exact.mean(axis=0), rtol=1e-12)
    np.testing.assert_allclose(deviation, exact.std(axis=0), rtol=1e-12)
    assert abs(patches.mean((0, 1, 2)) / mean - 1.0).max() > 1e-7  # what float32 sums give


def test_what_cannot_be_compared_is_refused():
    good = np.zeros((16, 16, 16, 1))
    with pytest.raises(ValueError, match="one shape"):
        sliced.laplacian_wasserstein(good, good[:8])
    with pytest.raises(ValueError, match="finite"):
        sliced.sliced_wasserstein(good, np.where(good == 0, np.nan, good))


def test_sliced_wasserstein_of_a_shift_is_known():
    # Along a unit vector u, a shift by the constant c moves everything by c * sum(u).
    random = np.random.default_rng(0)
    real = random.normal(size=(500, 4)).astype(np.float32)
    directions = np.random.default_rng(0).normal(size=(4, 128))
    directions /= np.linalg.norm(directions, axis=0)
    expected = 0.5 * np.abs(directions.sum(axis=0)).mean()
    assert sliced.sliced_wasserstein(real, real + 0.5) == pytest.approx(expected, rel=1e-4)


def test_sliced_wasserstein_ignores_order_and_sees_collapse():
    real = np.random.default_rng(0).normal(size=(500, 3, 3, 1)).astype(np.float32)
    other = np.random.default_rng(1).normal(size=(500, 3, 3, 1)).astype(np.float32)
    assert sliced.sliced_wasserstein(real, real[::-1]) == pytest.approx(0.0, abs=1e-6)
    collapsed = np.repeat(real[:1], 500, axis=0)
    near, far = (sliced.sliced_wasserstein(real, fake) for fake in (other, collapsed))
    assert far > 5 * near
    with pytest.raises(ValueError, match="expected one shape"):
        sliced.sliced_wasserstein(real, real[:10])
