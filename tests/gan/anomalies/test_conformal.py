import numpy as np
import pytest
from scipy import stats

from gan.anomalies import conformal


def test_p_values_count_the_calibration_scores_that_are_as_high():
    calibration = np.array([3.0, 1.0, 2.0, 2.0])
    found = conformal.p_values(calibration, np.array([0.0, 1.0, 1.5, 2.0, 2.5, 3.0, 4.0]))
    assert found * 5 == pytest.approx([5, 5, 4, 4, 2, 2, 1])


def test_p_values_refuse_nothing_and_nan():
    with pytest.raises(ValueError, match="at least one"):
        conformal.p_values(np.array([]), np.array([1.0]))
    with pytest.raises(ValueError, match="NaN"):
        conformal.p_values(np.array([1.0]), np.array([np.nan]))


def test_p_values_of_unseen_normal_scores_are_uniform():
    """One p-value of each calibration set, as those of one set depend on each other."""
    random = np.random.default_rng(0)
    found = [
        conformal.p_values(random.gamma(2.0, size=199), random.gamma(2.0, size=1))[0]
        for _ in range(2000)
    ]
    jitter = random.uniform(0.0, 1.0 / 200.0, size=2000)  # a p-value is a multiple of 1/200
    assert stats.kstest(np.array(found) - jitter, "uniform").pvalue > 0.05


def test_p_values_of_anomalies_are_not_uniform():
    random = np.random.default_rng(0)
    found = conformal.p_values(random.normal(size=199), random.normal(1.0, size=500))
    assert stats.kstest(found, "uniform").pvalue < 1e-6


def test_benjamini_hochberg_follows_the_paper():
    """The example of Benjamini and Hochberg 1995, section 3.2: four of fifteen at 0.05."""
    small = (0.0001, 0.0004, 0.0019, 0.0095)
    middle = (0.0201, 0.0278, 0.0298, 0.0344, 0.0459)
    values = np.array([*small, *middle, 0.3240, 0.4262, 0.5719, 0.6528, 0.7590, 1.0])
    order = np.random.default_rng(0).permutation(15)
    flagged = conformal.benjamini_hochberg(values[order], 0.05)
    assert sorted(values[order][flagged]) == list(small)


def test_benjamini_hochberg_steps_up_and_may_flag_none_or_all():
    flag = conformal.benjamini_hochberg
    assert flag(np.array([0.09, 0.1]), 0.1).all()  # 0.09 alone is above 0.1 / 2
    assert not flag(np.array([0.06, 0.2]), 0.1).any()
    assert flag(np.full(3, 0.1), 0.1).all()
    assert flag(np.array([]), 0.1).shape == (0,)


def test_the_false_discovery_rate_is_at_most_the_given_one():
    """100 splits of 300 normal scores into calibration and test, with 60 anomalies each."""
    random = np.random.default_rng(0)
    anomalous = np.repeat([False, True], [200, 60])
    found = []
    for _ in range(100):
        normal, abnormal = random.normal(size=300), random.normal(3.0, size=60)
        values = conformal.p_values(normal[:100], np.concatenate([normal[100:], abnormal]))
        flagged = conformal.benjamini_hochberg(values, 0.1)
        found.append(conformal.discoveries(flagged, anomalous))
    assert np.mean([each.false_share for each in found]) <= 0.1
    assert np.mean([each.found_share for each in found]) > 0.5


def test_discoveries_without_flags_and_without_anomalies():
    nothing = conformal.discoveries(np.zeros(3, bool), np.array([True, False, False]))
    assert nothing == (0, 0.0, 0.0)
    found = conformal.discoveries(np.ones(2, bool), np.zeros(2, bool))
    assert found[:2] == (2, 1.0)
    assert np.isnan(found.found_share)


@pytest.mark.parametrize(("fdr", "images"), [(0.1, 9), (0.05, 19), (0.25, 3), (0.3, 3), (0.9, 1)])
def test_the_least_calibration_makes_the_smallest_p_value_pass(fdr, images):
    assert conformal.least_calibration(fdr) == images
    assert conformal.benjamini_hochberg(np.array([1.0 / (images + 1)]), fdr).all()
    assert images == 1 or not conformal.benjamini_hochberg(np.array([1.0 / images]), fdr).any()


def test_auroc_counts_pairs():
    scores = np.array([0.1, 0.4, 0.35, 0.8])
    assert conformal.auroc(scores, np.array([0, 0, 1, 1])) == pytest.approx(0.75)
    assert conformal.auroc(np.ones(4), np.array([0, 0, 1, 1])) == 0.5
    assert np.isnan(conformal.auroc(scores, np.zeros(4)))


def test_a_split_is_a_partition_and_depends_on_the_seed():
    train, held = conformal.split(50, 0.2, seed=1)
    assert sorted([*train, *held]) == list(range(50))
    assert len(held) == 10
    assert held.tolist() != conformal.split(50, 0.2, seed=2)[1].tolist()
    assert [len(part) for part in conformal.split(2, 0.9, seed=0)] == [1, 1]
