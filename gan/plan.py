"""Length of a training run, in steps and ticks."""

import math
from dataclasses import dataclass

from gan.config import Config

DEFAULT_MINUTES = 4.0


@dataclass(frozen=True)
class Plan:
    """When a run logs and when it ends.

    Attributes:
        images_per_step: Real images per training step.
        steps_per_execution: Training steps per compiled call.
        steps_per_tick: Training steps between two log entries.
        target_images: Images after which the run ends; None: no such limit.
        minutes: Training time after which the run ends; None: no such limit.
    """

    images_per_step: int
    steps_per_execution: int
    steps_per_tick: int
    target_images: int | None
    minutes: float | None

    @property
    def images_per_tick(self) -> int:
        """Real images between two log entries."""
        return self.images_per_step * self.steps_per_tick


def make_plan(config: Config, count: int) -> Plan:
    """Plan a run; ticks and epochs are rounded to whole executions, epochs up.

    Args:
        config: The run's configuration.
        count: Images in the dataset, held-out ones included.

    Returns:
        A plan with a limit of images, of minutes, or of both.

    Example:
        >>> make_plan(Config(stop=StopConfig(epochs=1)), 36000).target_images
        36864
    """
    images_per_step = config.batch_size * config.balance.discriminator_steps
    steps, minutes, execution = None, config.stop.max_minutes, config.run.steps_per_execution
    if config.stop.epochs is not None:
        steps = math.ceil(config.stop.epochs * count / images_per_step)
        steps = math.ceil(steps / execution) * execution
    elif minutes is None:
        minutes = DEFAULT_MINUTES
    executions_per_tick = round(1000 * config.run.tick_kimg / (images_per_step * execution))
    return Plan(
        images_per_step=images_per_step,
        steps_per_execution=execution,
        steps_per_tick=max(1, executions_per_tick) * execution,
        target_images=steps * images_per_step if steps else None,
        minutes=minutes,
    )
