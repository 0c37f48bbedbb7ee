import numpy as np
import pytest
from scipy import linalg

from gan.metrics import distances


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


def test_frechet_distance_of_a_set_that_repeats_one_image():
    real = clouds(5000)
    fake = np.repeat(real[:1], 100, axis=0)
    expected = np.sum((real[0] - real.mean(axis=0)) ** 2) + np.trace(np.cov(real.T))
    found = distances.frechet_distance(distances.gaussian(real), distances.gaussian(fake))
    assert found == pytest.approx(expected, rel=1e-6)


def test_kernel_inception_distance_by_hand():
    real, fake = np.array([[1.0], [2.0]]), np.array([[0.0], [3.0]])

    def kernel(a, b):
        return (a * b + 1.0) ** 3

    expected = kernel(1, 2) + kernel(0, 3)  # each pair within counts once, both ways
    expected -= 2.0 / 4.0 * sum(kernel(a, b) for a in (1, 2) for b in (0, 3))
    value, error = distances.kernel_inception_distance(real, fake)
    assert value == pytest.approx(expected)
    assert np.isnan(error)


def test_kernel_inception_distance_is_unbiased_and_knows_its_error():
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


def test_kernel_inception_distance_uses_every_image():
    real, fake = clouds(999), clouds(999, seed=1)
    value, _ = distances.kernel_inception_distance(real, fake)
    for number in (0, 500, 998):  # whichever it is, a changed image changes the value
        changed = fake.copy()
        changed[number] += 100.0
        assert distances.kernel_inception_distance(real, changed)[0] != value


@pytest.mark.parametrize(("count", "block", "sizes"), [
    (999, 500, [500, 499]),
    (501, 500, [251, 250]),
    (500, 500, [500]),
    (3, 2, [3]),
    (2, 500, [2]),
])  # fmt: skip
def test_kernel_inception_distance_blocks_have_nearly_equal_sizes(monkeypatch, count, block, sizes):
    found, cubic = [], distances._cubic
    monkeypatch.setattr(distances, "_cubic", lambda x, y: found.append(len(x)) or cubic(x, y))
    distances.kernel_inception_distance(clouds(count), clouds(count + 7, seed=1), block)
    assert found == [size for size in sizes for _ in range(3)]


def test_features_that_are_not_finite_are_refused():
    bad = clouds(50)
    bad[7, 1] = np.nan
    for good in (clouds(50), clouds(60)):
        with pytest.raises(ValueError, match="1 of 50 are not finite"):
            distances.kernel_inception_distance(good, bad)
    with pytest.raises(ValueError, match="1 of 50 are not finite"):
        distances.gaussian(bad)


def test_a_single_feature_has_no_covariance():
    with pytest.raises(ValueError, match="at least 2"):
        distances.gaussian(clouds(1))
