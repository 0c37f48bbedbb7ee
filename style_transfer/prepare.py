"""Images before and after the optimization: sizes, scaling, colors, transparency."""

import math
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image

from common import images as image_io
from common.errors import InputError, printable
from common.transparency import fill, with_alpha
from style_transfer import colors
from style_transfer.config import SMALLEST_SIDE, Config
from style_transfer.trim import trim

Source = Path | str | Image.Image | np.ndarray
"""An image file, a Pillow image, or an array as `common.images.as_image` takes it."""


WHOLE_PALETTE = 0.5  # strength from which on the content has the styles' colors


def read(
    content: Source, styles: Source | Sequence[Source], config: Config
) -> tuple[Image.Image, list[Image.Image]]:
    """Read the content and the styles as 8-bit Pillow images, RGB or RGBA.

    Args:
        content: A file, a Pillow image or an array.
        styles: One or several of the same.
        config: Names the sizes near which the images are decoded.

    Raises:
        InputError: An image cannot be read or is too small, or there is no style.
    """
    content = read_content(content, config)
    return content, read_styles(styles, config)


def read_content(content: Source, config: Config) -> Image.Image:
    """Read the content, decoded near the size of the result.

    Args:
        content: A file, a Pillow image or an array.
        config: Names the size.

    Raises:
        InputError: The image cannot be read or is too small, or the result would be.
    """
    image = read_one("--content", content, config.size)
    check_size(image, config)
    return image


def read_one(flag: str, source: Source, near: int | None = None) -> Image.Image:
    """Read an image, RGB or RGBA.

    Args:
        flag: That named it, for error messages.
        source: A file, a Pillow image or an array.
        near: As of `common.images.as_image`.

    Raises:
        InputError: The image cannot be read, or a side has fewer than `SMALLEST_SIDE` pixels.

    Example:
        >>> read_one("--style", Path("README.md"))
        InputError: --style README.md: not an image that Pillow can read
    """
    named = isinstance(source, str | Path)
    try:
        image = image_io.as_image(source, near=near)
    except InputError as error:
        if not named:
            raise
        raise InputError(f"{flag} {error}") from None
    _check_sides(f"{flag} {source}" if named else flag, image)
    return image


def read_styles(styles: Source | Sequence[Source], config: Config) -> list[Image.Image]:
    """Read the styles, decoded near the size of the last level.

    Args:
        styles: Files, Pillow images or arrays, one or several.
        config: Names the size and the scale of the strokes, and whether to cut
            borders, which is printed.

    Raises:
        InputError: An image cannot be read or is too small, or there is none.
    """
    near = math.ceil(_longer_side(config.size, config))
    images = []
    for number, style in enumerate(listed(styles), start=1):
        image = read_one("--style", style, near)
        if config.appearance.trim_style:
            named = isinstance(style, str | Path)
            image, cut = trim(image, str(style) if named else f"style image {number}")
            if cut:
                print(printable(cut))
        images.append(image)
    return images


def listed(styles: Source | Sequence[Source]) -> list[Source]:
    """Return one or several style images as a list.

    Raises:
        InputError: There is none.
    """
    if not isinstance(styles, Sequence) or isinstance(styles, str):
        styles = [styles]  # an image; `read` refuses anything else
    if not styles:
        raise InputError("styles: expected at least one image, got none")
    return list(styles)


def check_size(content: Image.Image, config: Config) -> None:
    """Check that the content is large enough, and the result too.

    Raises:
        InputError: A side has fewer than `SMALLEST_SIDE` pixels.
    """
    _check_sides("--content", content)
    width, height = image_io.fit_longer_side(content.size, config.size)
    if min(width, height) < SMALLEST_SIDE:
        raise InputError(
            f"--size {config.size}: would make {width}x{height} pixels of a content of "
            f"{content.width}x{content.height}; expected at least {SMALLEST_SIDE} per side"
        )


def _check_sides(name: str, image: Image.Image) -> None:
    if min(image.size) < SMALLEST_SIDE:
        raise InputError(
            f"{name}: an image of {image.width}x{image.height} pixels; "
            f"expected at least {SMALLEST_SIDE} per side"
        )


def prepare(
    content: Image.Image,
    styles: Sequence[Image.Image],
    size: tuple[int, int],
    config: Config,
    *,
    palette: bool = True,
) -> tuple[np.ndarray, list[np.ndarray]]:
    """Scale the content and the styles for one level of the pyramid, and change their colors.

    Styles are scaled with the level, so that a stroke keeps its size relative to
    the image. They are never enlarged, which would add no detail.

    The content takes the styles' mean color and covariance, so that its layer asks for
    its shapes and not for its colors, which the styles forbid: wholly from a strength of
    `WHOLE_PALETTE` on, in proportion below. Deviation from Gatys et al. 2016.

    Args:
        content: The content image.
        styles: The style images.
        size: (width, height) of the level.
        config: Names the scale of the strokes, the colors and the strength.
        palette: Whether the content takes the styles' colors.

    Returns:
        The content (H, W, 3) and the styles (h, w, 3), float32 in [0, 1].
    """
    goal = fill(image_io.resize(content, size))
    references = []
    for style in styles:
        small = style_size(style.size, size, config)
        references.append(fill(image_io.resize(style, small)))
    if config.appearance.colors == "content":
        goal = colors.luminance(goal)
        references = [colors.luminance_like(style, goal) for style in references]
    if config.appearance.colors == "matched":
        references = [colors.matched(style, goal) for style in references]
    if palette and (recolor := palette_of(goal, references, config)):
        goal = recolor(goal)
    return goal, references


def palette_of(
    plain: np.ndarray, references: Sequence[np.ndarray], config: Config
) -> colors.Palette | None:
    """Return the map that gives the content the styles' colors, as far as the strength asks for.

    Args:
        plain: The content in its own colors, from `prepare` without `palette`.
        references: The styles, from `prepare`.
        config: Names the colors and the strength.

    Returns:
        A function of `plain` or another image, or None if the result takes no colors of styles.

    Example:
        >>> plain, references = prepare(content, styles, size, config, palette=False)
        >>> palette_of(plain, references, config)(plain)  # as of `prepare` with `palette`
    """
    if config.appearance.colors != "style" or not references:
        return None
    share = palette_share(config.appearance.strength)
    shares = config.appearance.style_weights or [1.0] * len(references)
    return colors.palette(plain, references, shares, share)


def palette_share(strength: float) -> float:
    """Return how far the content's colors move to the styles', 0 to 1.

    Example:
        >>> palette_share(0.25), palette_share(0.7)
        (0.5, 1.0)
    """
    return min(1.0, strength / WHOLE_PALETTE)


def style_size(style: tuple[int, int], size: tuple[int, int], config: Config) -> tuple[int, int]:
    """Compute the size of a style image for a level.

    Args:
        style: (width, height) of the style image.
        size: (width, height) of the level.
        config: Names the scale of the strokes.
    """
    longer = round(min(_longer_side(max(size), config), max(style)))
    return image_io.fit_longer_side(style, longer)


def initial_image(config: Config, content: np.ndarray, style: np.ndarray) -> np.ndarray:
    """Return what the first level starts from.

    Args:
        config: Names the kind of start and the seed.
        content: (H, W, 3) in [0, 1].
        style: (h, w, 3) in [0, 1].

    Returns:
        (H, W, 3) float32 in [0, 1].
    """
    if config.appearance.init == "noise":
        return np.random.default_rng(config.seed).random(content.shape, np.float32)
    if config.appearance.init == "style":
        image = image_io.as_image(style)
        return image_io.to_unit(np.asarray(image.resize(content.shape[1::-1], image_io.RESAMPLING)))
    return content


def finish(
    image: np.ndarray,
    content: Image.Image,
    size: tuple[int, int],
    config: Config,
    keep: np.ndarray | None = None,
) -> np.ndarray:
    """Bring an optimized image to full size, with the content's colors and transparency.

    Args:
        image: (h, w, 3) of any level.
        content: The content image, RGB or RGBA.
        size: (width, height) of the result.
        config: Names the colors.
        keep: (1, H, W, 1), 1 where the content stays, or None.

    Returns:
        float32 in [0, 1], (H, W, 3), or (H, W, 4) if the content is RGBA.
    """
    if image.shape[1::-1] != size:
        small = image_io.as_image(np.clip(image, 0, 1))
        image = image_io.to_unit(np.asarray(image_io.resize(small, size)))
    at_size = image_io.resize(content, size)
    if config.appearance.colors == "content":
        image = colors.with_chroma_of(image, fill(at_size))
    if keep is not None:
        image = image + keep[0] * (fill(at_size) - image)
    return with_alpha(np.clip(image, 0.0, 1.0), at_size)


def _longer_side(side: int, config: Config) -> float:
    """The longer side of a style image for a level whose longer side is `side`, in pixels."""
    return max(SMALLEST_SIDE, config.appearance.style_scale * side)
