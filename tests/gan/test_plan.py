import pytest

from gan.config import BalanceConfig, Config, RunConfig, StopConfig
from gan.plan import DEFAULT_MINUTES, make_plan


def test_epochs_and_ticks_are_whole_executions():
    run = RunConfig(tick_kimg=0.1, steps_per_execution=3)
    plan = make_plan(Config(batch_size=8, stop=StopConfig(epochs=1.5), run=run), count=64)
    assert plan.images_per_step == 8
    assert plan.steps_per_tick == 12  # 100 images are 12.5 steps
    assert plan.target_images == 12 * 8  # 1.5 * 64 images, and 12 is a multiple of 3
    assert plan.images_per_tick == 96
    assert plan.minutes is None


def test_a_tick_has_at_least_one_execution():
    plan = make_plan(Config(run=RunConfig(tick_kimg=0.0, steps_per_execution=5)), count=64)
    assert plan.steps_per_tick == 5


def test_every_discriminator_step_has_its_own_batch():
    balance = BalanceConfig(discriminator_steps=3)
    plan = make_plan(Config(batch_size=8, balance=balance, stop=StopConfig(epochs=1)), count=64)
    assert plan.images_per_step == 24
    assert plan.target_images == 96  # 3 steps, rounded up to one execution of 4


@pytest.mark.parametrize(
    ("stop", "minutes"),
    [
        (StopConfig(), DEFAULT_MINUTES),
        (StopConfig(max_minutes=2.5), 2.5),
        (StopConfig(epochs=1), None),
        (StopConfig(epochs=1, max_minutes=2.5), 2.5),
    ],
)
def test_minutes_are_the_default_limit(stop, minutes):
    assert make_plan(Config(stop=stop), count=1000).minutes == minutes
