import numpy as np
import prdc
import pytest
from scipy import spatial

from gan.metrics import neighbors


def clouds(count=2000, size=4, shift=0.0, scale=1.0, seed=0):
    return np.random.default_rng(seed).normal(shift, scale, (count, size))


def test_coverage_of_identical_disjoint_and_repeating_sets():
    real = clouds(300)
    same = neighbors.precision_recall_density_coverage(real, real)
    assert tuple(same) == (1.0, 1.0, 1.0, 1.0)
    far = neighbors.precision_recall_density_coverage(real, real + 100.0)
    assert tuple(far) == (0.0, 0.0, 0.0, 0.0)
    one = neighbors.precision_recall_density_coverage(real, np.repeat(real[:1], 300, axis=0))
    assert one.precision == 1.0
    assert one.recall == 0.0  # balls of radius 0 hold nothing
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
    real = np.array([[0.0], [1.0], [3.0]])  # to the nearest neighbor: 1, 1, 2
    fake = np.array([[0.5], [10.0]])
    found = neighbors.precision_recall_density_coverage(real, fake, neighbors=1)
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


def test_nearest_and_the_ratio_of_distances():
    training, unseen = clouds(500), clouds(200, seed=1)
    index, distance = neighbors.nearest(training[[7, 3]] + 1e-3, training)
    assert index.tolist() == [7, 3]
    np.testing.assert_allclose(distance, 2e-3, rtol=1e-6)
    fresh = neighbors.nearest_distance_ratio(clouds(200, seed=2), training, unseen)
    assert fresh == pytest.approx(1, abs=0.2)
    assert neighbors.nearest_distance_ratio(training[:200] + 1e-3, training, unseen) < 1 / 50
    assert neighbors.nearest_distance_ratio(training[:200], training, unseen) == 0.0


def test_the_ratio_is_not_defined_if_unseen_images_are_copies():
    training = clouds(500)
    assert np.isnan(neighbors.nearest_distance_ratio(clouds(9, seed=1), training, training[:50]))


def test_too_many_neighbors_are_refused():
    with pytest.raises(ValueError, match="less than 3, got 5"):
        neighbors.precision_recall_density_coverage(clouds(3), clouds(9))


@pytest.mark.parametrize("k", [1, 3, 5])
@pytest.mark.parametrize("offset", [0.0, 1e3])
def test_identical_sets_have_density_1_also_far_from_the_origin(k, offset):
    real = (offset + clouds(200, size=64)).astype(np.float32)
    order = np.random.default_rng(1).permutation(200)
    found = neighbors.precision_recall_density_coverage(real, real[order], k)
    assert tuple(found) == (1.0, 1.0, 1.0, 1.0)


def test_a_set_of_which_everything_is_there_twice():
    real = clouds(100).repeat(2, axis=0)
    found = neighbors.precision_recall_density_coverage(real, real.copy(), 5)
    expected = prdc.compute_prdc(real, real.copy(), nearest_k=5)
    assert found.density == pytest.approx(expected["density"], abs=0.05)
    assert found.precision == found.recall == found.coverage == 1.0


def test_equal_features_have_distance_zero():
    real = 1e3 + clouds(50, size=300)
    assert (np.diag(neighbors.squared_distances(real, real.copy())) == 0.0).all()


def test_a_nan_feature_is_an_error_and_not_a_low_recall():
    bad = clouds(50)
    bad[3, 0] = np.nan
    for sets in ((bad, clouds(50)), (clouds(50), bad)):
        with pytest.raises(ValueError, match="not finite"):
            neighbors.precision_recall_density_coverage(*sets)
