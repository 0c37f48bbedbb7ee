"""Paints a picture in the style of others, from coarse to fine.

python -m style_transfer.stylize                                      an embedded demonstration
python -m style_transfer.stylize --content photo.jpg --style painting.jpg --out result.png
python -m style_transfer.stylize --content photos/ --style painting.jpg --out results/
python -m style_transfer.stylize ... --shard 0/4                      a quarter of such a folder
"""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

from common import images as image_io
from common.errors import InputError
from style_transfer import colors
from style_transfer.config import SMALLEST_SIDE, Config

if TYPE_CHECKING:
    pass

Picture = Path | str | Image.Image | np.ndarray


def check_sizes(content: Image.Image, styles: Sequence[Image.Image], config: Config) -> None:
    """Raises InputError for pictures that have nothing to see at the size asked for."""
    for flag, picture in (("--content", content), *(("--style", style) for style in styles)):
        if min(picture.size) < SMALLEST_SIDE:
            raise InputError(
                f"{flag}: a picture of {picture.width}x{picture.height} pixels; "
                f"expected at least {SMALLEST_SIDE} a side"
            )
    width, height = image_io.fit_longer_side(content.size, config.size)
    if min(width, height) < SMALLEST_SIDE:
        raise InputError(
            f"--size {config.size}: would make {width}x{height} pixels of a content of "
            f"{content.width}x{content.height}; expected at least {SMALLEST_SIDE} a side"
        )


def prepare(
    content: Image.Image, styles: Sequence[Image.Image], size: tuple[int, int], config: Config
) -> tuple[np.ndarray, list[np.ndarray]]:
    """The content at `size` and the styles beside it, (H, W, 3) in [0, 1].

    Styles are scaled with the level, so that a stroke keeps its share of the
    picture, and never enlarged: there is no detail to gain.
    """
    goal = _over_white(image_io.resize(content, size))
    references = []
    for style in styles:
        longer = round(min(config.appearance.style_scale * max(size), max(style.size)))
        small = image_io.fit_longer_side(style.size, max(SMALLEST_SIDE, longer))
        references.append(_over_white(image_io.resize(style, small)))
    if config.appearance.colors == "content":
        goal = colors.luminance(goal)
        references = [colors.luminance_like(style, goal) for style in references]
    if config.appearance.colors == "matched":
        references = [colors.matched(style, goal) for style in references]
    return goal, references


def _over_white(picture: Image.Image) -> np.ndarray:
    return image_io.to_unit(np.asarray(image_io.to_mode(picture, 3)))


def _start(config: Config, goal: np.ndarray, style: np.ndarray) -> np.ndarray:
    """What the first level starts from, of the goal's shape."""
    if config.appearance.init == "noise":
        return np.random.default_rng(config.seed).random(goal.shape, np.float32)
    if config.appearance.init == "style":
        picture = image_io.as_image(style)
        return image_io.to_unit(np.asarray(picture.resize(goal.shape[1::-1], image_io.RESAMPLING)))
    return goal


def _finish(
    picture: np.ndarray, content: Image.Image, size: tuple[int, int], config: Config
) -> np.ndarray:
    """Full size, the content's colours if asked for, and its transparency."""
    if picture.shape[1::-1] != size:
        picture = image_io.to_unit(
            np.asarray(image_io.resize(image_io.as_image(np.clip(picture, 0, 1)), size))
        )
    at_size = image_io.resize(content, size)
    if config.appearance.colors == "content":
        picture = colors.with_chroma_of(picture, _over_white(at_size))
    picture = np.clip(picture, 0.0, 1.0).astype(np.float32)
    if content.mode == "RGBA":
        alpha = image_io.to_unit(np.asarray(at_size)[..., 3:])
        picture = np.concatenate([picture, alpha], axis=2)
    return picture
