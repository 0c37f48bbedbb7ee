"""The metrics against other people's implementations of the same formulas."""

import numpy as np
import prdc
import pytest
from scipy import stats
from sklearn.metrics import pairwise

from gan.metrics import classes, distances, neighbors, sliced

RANDOM = np.random.default_rng(0)
REAL = RANDOM.normal(size=(300, 6))
FAKES = {
    "like the real": RANDOM.normal(size=(300, 6)),
    "narrower": 0.6 * RANDOM.normal(size=(300, 6)),
    "shifted": RANDOM.normal(0.8, 1.0, size=(300, 6)),
    "half of it": RANDOM.normal(size=(300, 6)) * np.array([1, 1, 1, 0.05, 0.05, 0.05]),
}


@pytest.mark.parametrize("k", [3, 5])
@pytest.mark.parametrize("fake", FAKES.values(), ids=FAKES)
def test_precision_recall_density_and_coverage_are_those_of_their_authors(fake, k):
    expected = prdc.compute_prdc(REAL, fake, nearest_k=k)
    found = neighbors.precision_recall_density_coverage(REAL, fake, k)._asdict()
    assert found == pytest.approx(expected)


@pytest.mark.parametrize("fake", FAKES.values(), ids=FAKES)
def test_kernel_inception_distance_with_another_kernel_function(fake):
    def kernel(x, y):
        return pairwise.polynomial_kernel(x, y, degree=3, gamma=1 / x.shape[1], coef0=1)

    def mean_of_others(matrix):
        return matrix[~np.eye(len(matrix), dtype=bool)].mean()

    expected = mean_of_others(kernel(REAL, REAL)) + mean_of_others(kernel(fake, fake))
    expected -= 2.0 * kernel(REAL, fake).mean()
    assert distances.kernel_inception_distance(REAL, fake, block=300)[0] == pytest.approx(expected)


@pytest.mark.parametrize("fake", FAKES.values(), ids=FAKES)
def test_sliced_wasserstein_is_the_mean_of_one_dimensional_ones(fake):
    directions = np.random.default_rng(7).normal(size=(6, 128))
    directions /= np.linalg.norm(directions, axis=0)
    expected = np.mean(
        [stats.wasserstein_distance(REAL @ d, fake @ d) for d in directions.T],
    )
    assert sliced.sliced_wasserstein(REAL, fake, seed=7) == pytest.approx(expected, rel=1e-4)


def test_entropy_and_neighbors_of_other_packages():
    shares = np.array([0.5, 0.25, 0.25, 0.0])
    assert classes.entropy(shares) == pytest.approx(stats.entropy(shares))
    index, distance = neighbors.nearest(FAKES["shifted"], REAL)
    others, distances = pairwise.pairwise_distances_argmin_min(FAKES["shifted"], REAL)
    np.testing.assert_array_equal(index, others)
    np.testing.assert_allclose(distance, distances, rtol=1e-9)
