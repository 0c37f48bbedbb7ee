"""Paints a picture in the style of others, from coarse to fine.

python -m style_transfer.stylize                                      an embedded demonstration
python -m style_transfer.stylize --content photo.jpg --style painting.jpg --out result.png
python -m style_transfer.stylize --content photos/ --style painting.jpg --out results/
python -m style_transfer.stylize ... --shard 0/4                      a quarter of such a folder
"""

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from common import images as image_io
from common.errors import InputError
from style_transfer.config import SMALLEST_SIDE, Config
from style_transfer.validation import parse_layers

if TYPE_CHECKING:
    from style_transfer.extractors import Extractor
    from style_transfer.objective import Weights
CONTENT_WEIGHT = 0.01  # at a strength of one half; the style terms' weights add up to 1
QUICK_CONTENT = 1.4  # times that through what has a truer reference: it overlooks part of the loss
CLASSICAL = ("relu1_1", "relu2_1", "relu3_1", "relu4_1", "relu5_1")  # Gatys et al. 2016
SHALLOW = ("relu1_1", "relu1_2", "relu2_1", "relu2_2", "relu3_1")  # where there is no relu5_1
CONTENT_LAYERS = ("relu4_2", "relu3_1")  # the first that there is


class Stage(NamedTuple):
    """One part of the way from coarse to fine.

    Attributes:
        size: (width, height) in pixels.
        extractor: what the picture is seen through.
        rates: Adam's learning rate at the first and at the last iteration.
        horizon: iterations that the averaged picture reaches back.
    """

    size: tuple[int, int]
    iterations: int
    extractor: "Extractor"
    rates: tuple[float, float]
    horizon: float


@dataclass(frozen=True)
class Level:
    """How one stage went.

    Attributes:
        size: (width, height) in pixels.
        extractor: its name.
        status: "finished", "tolerance", "diverged", or why everything ended.
        loss: the last; None if there was none.
        seconds: tracing the graph included.
    """

    size: tuple[int, int]
    extractor: str
    iterations: int
    status: str
    reason: str
    loss: float | None
    seconds: float


def level_sizes(size: tuple[int, int], longest: int, smallest: int) -> list[tuple[int, int]]:
    """(width, height) of the levels, each larger by about sqrt 2, up to `longest` pixels."""
    count = max(0, math.floor(2.0 * math.log2(longest / smallest) + 1e-9))
    sides = [round(longest / math.sqrt(2.0) ** number) for number in range(count, -1, -1)]
    fitted = [image_io.fit_longer_side(size, side) for side in sides]
    return [each for each in fitted if min(each) >= SMALLEST_SIDE] or fitted[-1:]


def plan(config: Config, size: tuple[int, int], extractor: "Extractor") -> list[Stage]:
    """The way to a picture of a content of `size` (width, height).

    One stage for each level of the pyramid; the first has the composition to
    find, and gets twice the iterations. The last level's last iterations go
    through the extractor's reference, if it has one: what a cheap approximation
    left undone a true gradient makes good soon. Their steps are large first, to
    get there, and small in the end, when little is left to average out.
    """
    sizes = level_sizes(size, config.size, config.optimization.smallest)
    iterations, rate = config.optimization.iterations, config.optimization.learning_rate
    refining = round(config.optimization.refine * iterations)
    counts = [iterations] * len(sizes)
    counts[0] += iterations * (len(sizes) > 1)
    counts[-1] -= refining
    stages = [
        Stage(each, count, extractor, (rate, rate), horizon=50.0)
        for each, count in zip(sizes, counts, strict=True)
    ]
    truest = extractor.reference or extractor
    stages.append(Stage(sizes[-1], refining, truest, (2.5 * rate, 0.2 * rate), horizon=15.0))
    return [stage for stage in stages if stage.iterations]


def choose_weights(config: Config, extractor: "Extractor") -> "Weights":
    """The layers asked for, or those usual for the extractor, with their weights.

    Raises:
        InputError: a layer that the extractor has not.
    """
    from style_transfer.objective import Weights

    look, layers = config.appearance, extractor.layers
    style = parse_layers("--style-layers", look.style_layers)
    if not style:
        usual = CLASSICAL if "relu5_1" in layers else SHALLOW
        style = {layer: 1.0 for layer in usual if layer in layers} or dict.fromkeys(layers, 1.0)
    content = parse_layers("--content-layers", look.content_layers)
    if not content:
        content = {next((layer for layer in CONTENT_LAYERS if layer in layers), layers[-1]): 1.0}
    for flag, chosen in (("--style-layers", style), ("--content-layers", content)):
        unknown = ", ".join(layer for layer in chosen if layer not in layers)
        if unknown:
            raise InputError(
                f"{flag}: {extractor.name} has no {unknown}; it has {', '.join(layers)}"
            )
    if not any(style.values()):
        raise InputError("--style-layers: expected at least one weight above 0")
    share = max(look.strength, 0.01)
    scale = CONTENT_WEIGHT * ((1.0 - share) / share) ** 2 / max(sum(content.values()), 1e-12)
    return Weights(
        style={layer: weight for layer, weight in style.items() if weight},
        content={layer: scale * weight for layer, weight in content.items() if scale * weight},
        total_variation=look.total_variation,
    )
