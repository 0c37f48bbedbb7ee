import numpy as np
import pytest

from gan.metrics import classes


def test_class_shares_and_their_entropy():
    shares = classes.class_shares([0, 0, 2, 2], 4)
    assert shares.tolist() == [0.5, 0.0, 0.5, 0.0]
    assert classes.entropy(shares) == pytest.approx(np.log(2))
    assert classes.entropy(classes.class_shares([1, 1], 3)) == 0.0
    assert classes.entropy(np.full(10, 0.1)) == pytest.approx(np.log(10))


def test_labels_are_drawn_with_the_shares_of_the_dataset():
    labels = np.repeat([0, 1], [540, 60])
    for count in (600, 1200):
        drawn = classes.labels_by_shares(labels, count, seed=0)
        assert np.bincount(drawn).tolist() == [9 * count // 10, count // 10]
        assert (np.diff(drawn) != 0).sum() > 50  # mixed
    few = classes.labels_by_shares(labels, 200, seed=0)
    assert 5 < np.bincount(few)[1] < 40
    more = np.bincount(classes.labels_by_shares(labels, 700, seed=0))
    assert more.sum() == 700
    assert 60 <= more[1] <= 80
