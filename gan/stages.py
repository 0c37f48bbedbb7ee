"""Stages of a training that grows: which part of the networks trains, and until when."""

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from types import ModuleType
from typing import Any

import keras

from gan.reconstruction import memory

LENGTHENING = 1.5  # of each stage's share of the run relative to that of the stage before


@dataclass(frozen=True)
class Networks:
    """What the training step trains; for a family that grows the part of one stage.

    Attributes:
        generator: Latents [and labels] to images.
        discriminator: Such images [and labels] to logits.
        ema_generator: As the generator.
    """

    generator: keras.Model
    discriminator: keras.Model
    ema_generator: keras.Model

    @property
    def side(self) -> int:
        """Height of the images in pixels."""
        return keras.tree.flatten(self.generator.outputs)[-1].shape[1]


def trained(
    generator: keras.Model,
    discriminator: keras.Model,
    ema_generator: keras.Model,
    *,
    reconstructs: bool,
) -> Networks:
    """Return what trains of three full-size networks.

    Args:
        generator: With or without a memory in front of it.
        discriminator: Of its images.
        ema_generator: As the generator.
        reconstructs: Whether an encoder makes the codes; then a memory is left out.
    """
    if reconstructs and memory.has_memory(generator):
        generator, ema_generator = memory.decoder(generator), memory.decoder(ema_generator)
    return Networks(generator, discriminator, ema_generator)


def cut(family: ModuleType, full: Networks, sides: Sequence[int]) -> tuple[Networks, ...]:
    """Cut full-size networks into those of each stage, which share their layers.

    Args:
        family: A module with `generator_at` and `discriminator_at`.
        full: The full-size networks.
        sides: Resolutions of the stages, full size last.

    Returns:
        One for each side; the last is `full`.

    Example:
        >>> [stage.side for stage in cut(progressive, full, (16, 32, 64))]
        [16, 32, 64]
    """
    earlier = [
        Networks(
            family.generator_at(full.generator, side),
            family.discriminator_at(full.discriminator, side),
            family.generator_at(full.ema_generator, side),
        )
        for side in sides[:-1]
    ]
    return (*earlier, full)


def ends(count: int) -> list[float]:
    """Plan when each stage but the last ends, as a share of the run's time or images.

    Each stage is half again as long as the one before.

    Args:
        count: Number of stages.

    Example:
        >>> [round(end, 2) for end in ends(3)]
        [0.21, 0.53]
    """
    lengths = [LENGTHENING**index for index in range(count)]
    return [passed / sum(lengths) for passed in itertools.accumulate(lengths[:-1])]


def restore(gan: Any, grown: Sequence[int]) -> None:
    """Train the networks of a stage from now on; the next call of `fit` compiles them.

    Args:
        gan: A `gan.model.GAN`.
        grown: Images seen at each growth so far; the number of them is the stage.
    """
    gan.grown = list(grown)
    gan.current = gan.stages[len(gan.grown)]
    gan.train_function = None


def grow(gan: Any) -> None:
    """Enter the next stage.

    The optimizers keep the moments of the layers that have trained, but count steps anew,
    for Adam's bias correction (Kingma and Ba 2015, section 3). New layers would otherwise
    start with steps of about five times the learning rate, as their second moments
    begin at zero; the others take smaller steps for a while. Deviation: Karras et
    al. 2018 forget the moments. A Keras schedule of steps starts anew; those of
    `gan.config` count images and do not.

    Args:
        gan: A compiled `gan.model.GAN`, not in its last stage.
    """
    restore(gan, [*gan.grown, int(gan.images_seen.numpy())])
    restart_counts(gan)


def restart_counts(gan: Any) -> None:
    """Let the optimizers of both networks count their steps from 0 on; see `grow`."""
    for optimizer in (gan.generator_optimizer, gan.discriminator_optimizer):
        optimizer.iterations.assign(0)
