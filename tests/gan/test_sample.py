import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gan import generate
from gan.metrics import sliced


def test_a_spherical_path_goes_through_its_corners_and_stays_on_the_sphere():
    corners = np.float32([[3, 0], [0, 3], [-3, 0]])
    path = generate.spherical_path(corners, steps=2)
    half = 3 / np.sqrt(2)
    np.testing.assert_allclose(path[:4], [[3, 0], [half, half], [0, 3], [-half, half]], atol=1e-6)
    np.testing.assert_allclose(np.linalg.norm(path[:4], axis=1), 3.0, rtol=1e-6)


def test_a_spherical_path_between_equal_corners_is_finite():
    path = generate.spherical_path(np.ones((2, 4), np.float32), steps=3)
    np.testing.assert_allclose(path, np.ones((6, 4)))


def test_latents_are_normal_and_belong_to_their_seed():
    latents = generate.draw_latents(4000, 8, seed=1)
    assert latents.dtype == np.float32
    assert abs(latents.mean()) < 0.02
    assert latents.std() == pytest.approx(1.0, abs=0.02)
    np.testing.assert_array_equal(latents, generate.draw_latents(4000, 8, seed=1))


@given(st.integers(1, 200), st.integers(0, 60))
def test_a_grid_has_as_many_columns_as_fit_its_classes(count, classes):
    columns = generate.columns_for(count, classes)
    assert 1 <= columns <= max(count, 12)
    labels = generate.labels_in_turn(count, classes)
    assert labels.shape == (count,)
    assert set(labels) <= set(range(max(classes, 1)))
    if 0 < classes <= 20 and count % classes == 0:
        assert columns == classes  # a column for each class


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
