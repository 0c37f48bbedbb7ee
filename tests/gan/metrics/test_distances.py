import numpy as np
import pytest
from scipy import linalg, spatial

from gan.metrics import classes, distances, neighbors, sliced


def clouds(count=2000, size=4, shift=0.0, scale=1.0, seed=0):
    return np.random.default_rng(seed).normal(shift, scale, (count, size))


def test_frechet_distance_of_two_known_gaussians():
    first = distances.Gaussian(np.array([0.0, 0.0]), np.diag([1.0, 4.0]))
    second = distances.Gaussian(np.array([3.0, 4.0]), np.diag([9.0, 4.0]))
    assert distances.frechet_distance(first, second) == pytest.approx(25.0 + (1 - 3) ** 2)
    assert distances.frechet_distance(first, first) == pytest.approx(0.0, abs=1e-9)


def test_frechet_distance_is_that_of_the_general_root():
    random = np.random.default_rng(0)
    sides = [distances.gaussian(random.normal(size=(50, 6)) @ random.normal(size=(6, 6)))
             for _ in range(2)]  # fmt: skip
    root = linalg.sqrtm(sides[0].covariance @ sides[1].covariance).real
    expected = np.sum((sides[0].mean - sides[1].mean) ** 2)
    expected += np.trace(sides[0].covariance + sides[1].covariance - 2 * root)
    assert distances.frechet_distance(*sides) == pytest.approx(expected, rel=1e-8)
    assert distances.frechet_distance(*sides[::-1]) == pytest.approx(expected, rel=1e-8)


def test_frechet_distance_of_a_set_that_repeats_one_picture():
    real = clouds(5000)
    fake = np.repeat(real[:1], 100, axis=0)
    expected = np.sum((real[0] - real.mean(axis=0)) ** 2) + np.trace(np.cov(real.T))
    found = distances.frechet_distance(distances.gaussian(real), distances.gaussian(fake))
    assert found == pytest.approx(expected, rel=1e-6)


def test_kernel_distance_by_hand():
    real, fake = np.array([[1.0], [2.0]]), np.array([[0.0], [3.0]])

    def kernel(a, b):
        return (a * b + 1.0) ** 3

    expected = kernel(1, 2) + kernel(0, 3)  # each pair within counts once, both ways
    expected -= 2.0 / 4.0 * sum(kernel(a, b) for a in (1, 2) for b in (0, 3))
    value, error = distances.kernel_inception_distance(real, fake)
    assert value == pytest.approx(expected)
    assert np.isnan(error)


def test_kernel_distance_is_unbiased_and_knows_its_error():
    values, errors = zip(
        *(
            distances.kernel_inception_distance(clouds(seed=2 * n), clouds(seed=2 * n + 1), 200)
            for n in range(20)
        ),
        strict=True,
    )
    assert abs(np.mean(values)) < 4 * np.std(values) / np.sqrt(20)  # no bias: some are negative
    assert min(values) < 0 < max(values)
    assert np.mean(errors) == pytest.approx(np.std(values), rel=0.5)
    apart, error = distances.kernel_inception_distance(clouds(), clouds(shift=0.5, seed=1), 200)
    assert apart > 10 * error


def test_coverage_of_identical_disjoint_and_repeating_sets():
    real = clouds(300)
    same = neighbors.precision_recall_density_coverage(real, real)
    assert same.precision == same.recall == same.coverage == 1.0
    far = neighbors.precision_recall_density_coverage(real, real + 100.0)
    assert tuple(far) == (0.0, 0.0, 0.0, 0.0)
    one = neighbors.precision_recall_density_coverage(real, np.repeat(real[:1], 300, axis=0))
    assert one.precision == 1.0
    assert one.recall < 0.01  # balls of radius 0 hold one real picture
    assert one.coverage < 0.1


def test_half_the_classes_missing_is_half_the_recall_and_coverage():
    first, second = clouds(200, seed=1), clouds(200, shift=50.0, seed=2)
    found = neighbors.precision_recall_density_coverage(
        np.concatenate([first, second]), clouds(400, seed=3)
    )
    assert found.precision > 0.9
    assert found.recall == pytest.approx(0.5, abs=0.05)
    assert found.coverage == pytest.approx(0.5, abs=0.05)


def test_density_and_coverage_by_hand():
    real = np.array([[0.0], [1.0], [3.0]])  # to the nearest neighbour: 1, 1, 2
    fake = np.array([[0.5], [10.0]])
    found = neighbors.precision_recall_density_coverage(real, fake, neighbours=1)
    assert found.density == pytest.approx(
        (2 + 0) / 2
    )  # balls around 0 and 1 hold .5; 3's ends at 1
    assert found.coverage == pytest.approx(2 / 3)
    assert found.precision == 0.5
    assert found.recall == 1.0  # each fake's ball reaches 9.5 far


def test_squared_distances_are_scipys_far_from_the_origin():
    x, y = 1e4 + clouds(30), 1e4 + clouds(20, seed=1)
    expected = spatial.distance.cdist(x, y, "sqeuclidean")
    np.testing.assert_allclose(neighbors.squared_distances(x, y), expected, rtol=1e-6)


def test_nearest_and_memorisation():
    training, unseen = clouds(500), clouds(200, seed=1)
    index, distance = neighbors.nearest(training[[7, 3]] + 1e-3, training)
    assert index.tolist() == [7, 3]
    np.testing.assert_allclose(distance, 2e-3, rtol=1e-6)
    assert neighbors.memorisation(clouds(200, seed=2), training, unseen) == pytest.approx(
        1, abs=0.2
    )
    assert neighbors.memorisation(training[:200] + 1e-3, training, unseen) > 50


def test_too_many_neighbours_are_refused():
    with pytest.raises(ValueError, match="less than 3, got 5"):
        neighbors.precision_recall_density_coverage(clouds(3), clouds(9))


def test_class_shares_and_their_entropy():
    shares = classes.class_shares([0, 0, 2, 2], 4)
    assert shares.tolist() == [0.5, 0.0, 0.5, 0.0]
    assert classes.entropy(shares) == pytest.approx(np.log(2))
    assert classes.entropy(classes.class_shares([1, 1], 3)) == 0.0
    assert classes.entropy(np.full(10, 0.1)) == pytest.approx(np.log(10))


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
