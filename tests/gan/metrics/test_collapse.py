import numpy as np
import pytest

from gan.metrics import collapse

RANDOM = np.random.default_rng(0)
WELL = {
    "discriminator/accuracy": 0.75,
    "discriminator/r_t": 0.5,
    "discriminator/over_chance": -0.3,
    "health/spread": 0.9,
    "health/neighbors": 0.9,
    "health/class_entropy": 0.95,
}
ILL = {
    "saturated": {"discriminator/accuracy": 0.99, "discriminator/r_t": 0.98},
    "far ahead": {
        "discriminator/accuracy": 0.92,
        "discriminator/r_t": 0.8,
        "health/neighbors": 0.5,
    },
    "worse than guessing": {"discriminator/over_chance": 0.4},
    "outrun": {"discriminator/r_t": -0.3},
    "same image": {"health/neighbors": 0.05},
    "little spread": {"health/spread": 0.2},
    "missing classes": {"health/class_entropy": 0.2},
}


def test_every_failure_mode_has_its_case():
    assert set(ILL) == set(collapse.FAILURE_MODES)


@pytest.mark.parametrize("name", ILL)
def test_a_failure_mode_raises_one_alarm_once_it_has_lasted(name):
    watch = collapse.Watch()
    updates = [watch.update(WELL | ILL[name]) for _ in range(collapse.PATIENCE + 2)]
    assert updates == [[]] * (collapse.PATIENCE - 1) + [[name], [], []]
    assert watch.raised == [name]


@pytest.mark.parametrize("name", ILL)
def test_a_failure_mode_that_goes_away_in_time_raises_none(name):
    watch = collapse.Watch()
    for _ in range(5):
        for _ in range(collapse.PATIENCE - 1):
            assert watch.update(WELL | ILL[name]) == []
        assert watch.update(WELL) == []


def test_metrics_that_are_missing_or_not_numbers_show_nothing():
    watch = collapse.Watch()
    for _ in range(2 * collapse.PATIENCE):
        assert watch.update({}) == []
        assert watch.update(dict.fromkeys(WELL, float("nan"))) == []


def test_counts_survive_a_resume():
    watch = collapse.Watch()
    for _ in range(collapse.PATIENCE - 1):
        watch.update(WELL | ILL["outrun"])
    resumed = collapse.Watch()
    resumed.restore(watch.state())
    assert resumed.update(WELL | ILL["outrun"]) == ["outrun"]


def test_spread_is_a_ratio_of_standard_deviations():
    real = RANDOM.normal(size=(400, 8))
    assert collapse.spread(real, real) == 1.0
    assert collapse.spread(real, 0.25 * real) == pytest.approx(0.25)
    assert collapse.spread(real, np.ones_like(real)) == 0.0


def test_neighbor_distance_sees_repeated_images_that_the_spread_does_not():
    real = RANDOM.normal(size=(200, 8))
    twins = np.concatenate([real[:100], real[:100] + 1e-3])
    assert collapse.spread(real, twins) == pytest.approx(1.0, abs=0.1)
    assert collapse.neighbor_distance(real, twins) < 0.01
    assert collapse.neighbor_distance(real, RANDOM.normal(size=(200, 8))) == pytest.approx(
        1.0, abs=0.1
    )
    line = np.arange(4.0)[:, None]
    assert collapse.neighbor_distance(line, 3.0 * line) == pytest.approx(3.0)


def test_r_v_is_where_held_out_images_lie_between_trained_and_generated_ones():
    train, fake = np.array([3.0, 5.0]), np.array([-1.0, 1.0])
    for held_out, expected in ((4.0, 0.0), (0.0, 1.0), (3.0, 0.25), (8.0, -1.0), (-99.0, 2.0)):
        assert collapse.r_v(train, np.array([held_out]), fake) == pytest.approx(expected)
    assert collapse.r_v(fake, np.array([9.0]), train) == 0.0  # prefers the generated
    nan = np.array([np.nan])
    for sets in ((train, fake, nan), (train, nan, fake), (nan, train, fake)):
        assert collapse.r_v(*sets) == 0.0


def test_class_entropy_falls_when_classes_are_missing():
    labels = np.repeat(np.arange(4), 50)
    real = 10.0 * np.eye(4)[labels] + RANDOM.normal(size=(200, 4))
    assert collapse.class_entropy(real, labels, real) == pytest.approx(1.0)
    half = real[labels < 2]
    assert collapse.class_entropy(real, labels, half) == pytest.approx(0.5)  # log 2 over log 4
    assert collapse.class_entropy(real, labels, real[labels == 0]) == pytest.approx(0.0, abs=1e-6)
    assert collapse.class_entropy(real, np.zeros(200, int), half) == 1.0
