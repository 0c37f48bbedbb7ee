"""Trains a DCGAN.

python -m gan.train                                 letters and digits, nothing to download
python -m gan.train --dataset mnist                 any image dataset of TensorFlow Datasets
python -m gan.train --dataset my_pictures/          a folder
"""

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from gan import config as configuration
from gan.config import Config
from gan.data import stream

if TYPE_CHECKING:
    import numpy as np

DEFAULT_MINUTES = 4.0


@dataclass(frozen=True)
class Plan:
    """How far to train, and on which pictures; None where there is no such bound.

    Attributes:
        learnt: which pictures to draw from; None: all.
        held_out: the others, to see whether the discriminator overfits.
    """

    images_per_step: int
    steps_per_execution: int
    steps_per_tick: int
    target_images: int | None
    minutes: float | None
    learnt: "np.ndarray | None" = None
    held_out: "np.ndarray | None" = None


def _plan(config: Config, count: int) -> Plan:
    """Ticks and epochs are whole numbers of executions; epochs are rounded up."""
    images_per_step = config.batch_size * config.balance.discriminator_steps
    learnt, held_out = None, None
    if configuration.has_auto(config.balance):
        learnt, held_out = stream.hold_out(count, config.seed)
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
        learnt=learnt,
        held_out=held_out,
    )
