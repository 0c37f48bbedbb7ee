"""The stages of a stylization, from coarse to fine, and the weights of its losses."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from common import images as image_io
from common.errors import InputError
from style_transfer import validation
from style_transfer.config import SMALLEST_SIDE, Config
from style_transfer.extractors import Extractor
from style_transfer.objective import Weights

CLASSICAL = ("relu1_1", "relu2_1", "relu3_1", "relu4_1", "relu5_1")  # Gatys et al. 2016
SHALLOW = ("relu1_1", "relu1_2", "relu2_1", "relu2_2", "relu3_1")  # without relu5_1
DEEP = ("fire4", "fire6", "fire8")  # of the embedded extractor
CONTENT_WEIGHTS = {  # the first that the extractor has, at a strength of 0.5
    "relu4_2": 0.01,
    "fire5": 0.35,
    "relu3_1": 0.01,
}
OTHER_CONTENT_WEIGHT = 0.01
HORIZON = 50.0  # iterations


class Stage(NamedTuple):
    """One optimization at one size.

    Attributes:
        size: (width, height) in pixels.
        iterations: At most.
        extractor: Computes the features.
        rates: Adam's learning rate at the first and at the last iteration.
        horizon: Iterations that the averaged image reaches back.
    """

    size: tuple[int, int]
    iterations: int
    extractor: Extractor
    rates: tuple[float, float]
    horizon: float


@dataclass(frozen=True)
class Level:
    """Report of one stage.

    Attributes:
        size: (width, height) in pixels.
        extractor: Name of the extractor.
        iterations: Done.
        status: "finished", "tolerance", "diverged", or the status that ended the
            whole stylization.
        reason: One line.
        loss: The last loss; None without one.
        seconds: Wall-clock time, tracing of the graph included.
    """

    size: tuple[int, int]
    extractor: str
    iterations: int
    status: str
    reason: str
    loss: float | None
    seconds: float


def divergence(level: Level) -> str:
    """Describe a stage that diverged, in one line."""
    width, height = level.size
    return f"level {width}x{height}: {level.reason}; continued from its last good image"


def level_sizes(size: tuple[int, int], longest: int, smallest: int) -> list[tuple[int, int]]:
    """List the sizes of the levels, each twice as large as the one before, up to rounding.

    Args:
        size: (width, height) of the content.
        longest: Longer side of the last level in pixels.
        smallest: Longer side of the first level in pixels, about: 0.7 to 1.4 times
            this, or `longest` if that is less.

    Returns:
        (width, height) of each level. Levels with a side below `SMALLEST_SIDE`
        are left out, except for the last.

    Example:
        >>> level_sizes((800, 600), 256, 128)
        [(128, 96), (256, 192)]
    """
    count = max(0, round(math.log2(longest / smallest)))
    sides = [round(longest / 2**number) for number in range(count, -1, -1)]
    fitted = [image_io.fit_longer_side(size, side) for side in sides]
    return [each for each in fitted if min(each) >= SMALLEST_SIDE] or fitted[-1:]


def plan(config: Config, size: tuple[int, int], extractor: Extractor) -> list[Stage]:
    """Plan one stage per level; the first takes twice the iterations.

    Args:
        config: The configuration.
        size: (width, height) of the content.
        extractor: Computes the features in every stage.
    """
    sizes = level_sizes(size, config.size, config.optimization.smallest)
    iterations, rate = config.optimization.iterations, config.optimization.learning_rate
    counts = [iterations] * len(sizes)
    counts[0] += iterations * (len(sizes) > 1)
    return [
        Stage(each, count, extractor, (rate, rate), HORIZON)
        for each, count in zip(sizes, counts, strict=True)
    ]


def choose_weights(
    config: Config,
    extractor: Extractor,
    flags: tuple[str, str] = (validation.STYLE_LAYERS, validation.CONTENT_LAYERS),
) -> Weights:
    """Choose the layers and weights of the losses: the configured or the extractor's usual ones.

    They are those of a strength of 0.5; a strength of 1 leaves the content out.

    Args:
        config: Names the layers and the strength.
        extractor: Has the layers.
        flags: That name the layers of the style and of the content, for error messages.

    Raises:
        InputError: The extractor does not have a layer.
    """
    appearance, layers = config.appearance, extractor.layers
    style = validation.parse_layers(flags[0], appearance.style_layers)
    if not style:
        style = _usual_style(layers)
    content = validation.parse_layers(flags[1], appearance.content_layers)
    if not content:
        content = {next((layer for layer in CONTENT_WEIGHTS if layer in layers), layers[-1]): 1.0}
    for flag, chosen in zip(flags, (style, content), strict=True):
        unknown = ", ".join(layer for layer in chosen if layer not in layers)
        if unknown:
            raise InputError(
                f"{flag}: {extractor.name} has no {unknown}; it has {', '.join(layers)}"
            )
    if not any(style.values()):
        raise InputError(f"{flags[0]}: expected at least one weight above 0")
    if appearance.strength == 1.0:
        content = {}
    total = max(sum(content.values()), 1e-12)
    content = {
        layer: CONTENT_WEIGHTS.get(layer, OTHER_CONTENT_WEIGHT) * weight / total
        for layer, weight in content.items()
    }
    return Weights(
        style={layer: weight for layer, weight in style.items() if weight},
        content={layer: weight for layer, weight in content.items() if weight},
        total_variation=appearance.total_variation,
    )


def _usual_style(layers: Sequence[str]) -> dict[str, float]:
    """The weights of the style layers by default, of those that an extractor has."""
    usual = CLASSICAL if "relu5_1" in layers else (*SHALLOW, *DEEP)
    return {layer: 1.0 for layer in usual if layer in layers} or dict.fromkeys(layers, 1.0)
