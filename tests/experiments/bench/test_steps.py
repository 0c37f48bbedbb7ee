import dataclasses

import pytest

from experiments.bench import profile, stages, steps
from experiments.bench.cases import CASES, GROWING


def test_the_input_is_timed_alone():
    assert 100 < steps.pipeline("default", seconds=0.2)["images_per_second"] < 1e9


def test_every_case_names_networks_that_exist():
    for case in CASES.values():
        config = steps.configure(case, "float32")
        assert (config.networks.name, config.batch_size) == (case.family, case.batch_size)
        assert steps.noise(case, 3).images.shape[1:] == (
            case.resolution,
            case.resolution,
            case.channels,
        )


@pytest.fixture
def tiny(monkeypatch):
    case = dataclasses.replace(CASES["default"], resolution=16, batch_size=4, steps=2)
    monkeypatch.setitem(CASES, "default", case)


@pytest.mark.slow
def test_a_step_is_timed_beside_the_bare_loop(tiny):
    row = steps.step("default", "float32", rounds=1)
    assert row["operations_per_image"] > 1e6
    assert row["ratio"] == row["ours_images_per_second"] / row["bare_images_per_second"]
    assert row["bare_images_per_second"] > 1


@pytest.mark.slow
def test_both_kernels_are_timed(tiny):
    row = steps.kernels("float32", rounds=1)
    assert row["ratio"] == row["fast_images_per_second"] / row["keras_images_per_second"]
    assert row["keras_images_per_second"] > 1


@pytest.mark.slow
def test_the_time_of_a_step_is_divided_among_operations(tiny):
    shares = profile.profile("default", "float32", steps=1)["shares"]
    assert sum(shares.values()) == pytest.approx(1.0)
    assert shares["convolutions"] > 0.1


@pytest.mark.slow
def test_a_stage_is_timed_beside_the_bare_loop(monkeypatch):
    tiny = dataclasses.replace(GROWING, resolution=32, batch_size=4, steps=2)
    monkeypatch.setattr(stages, "GROWING", tiny)
    row = stages.stage(0, "float32", rounds=1)
    assert row["resolution"] == 16
    assert row["ratio"] == row["ours_images_per_second"] / row["bare_images_per_second"]
