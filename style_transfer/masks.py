"""Masks: regions of the content and the styles that belong together, and what is kept.

Weights are a partition of unity: those of all regions add up to 1 at every pixel,
or to 1 - keep.
"""

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
from PIL import Image

from common import images as image_io
from common.errors import InputError, InputWarning
from style_transfer import mask_colors
from style_transfer.config import MASKABLE, Config
from style_transfer.prepare import Source

LONGEST = 1024  # pixels; a larger mask of regions is reduced
ABSENT = mask_colors.RAREST  # fraction of a mask; a region below it is noise
SAME_ASPECT = 0.1  # relative difference
FEWEST = 1.0  # places of a layer that a region must cover
WHOLE = ("",)  # names of the regions without masks of regions

Size = tuple[int, int]


class Guides(NamedTuple):
    """Masks at one level of the pyramid.

    Attributes:
        content: (R, H, W) float32, the weight of every pixel in R regions. The sum
            over the regions is 1, or 1 - keep.
        styles: The same of each style image, (R, h, w). A region that a style image
            does not have is 0 there.
        keep: (1, H, W, 1) float32, 1 where the content stays; None if nowhere.
    """

    content: np.ndarray
    styles: list[np.ndarray]
    keep: np.ndarray | None

    def hold(self, image: np.ndarray, content: np.ndarray) -> np.ndarray:
        """Set what is kept entirely to the content, (H, W, 3) each."""
        return image if self.keep is None else np.where(self.keep[0] == 1.0, content, image)


@dataclass(frozen=True)
class Masks:
    """Masks at their own sizes.

    Attributes:
        names: Of the R regions, for messages.
        content: (R, h, w) float32, weights that add up to 1 at every pixel.
        styles: The same of each style image.
        keep: (h, w) float32, or None.
    """

    names: tuple[str, ...]
    content: np.ndarray
    styles: tuple[np.ndarray, ...]
    keep: np.ndarray | None = None

    @property
    def of_regions(self) -> bool:
        """Whether there are masks of regions, and not only one of what is kept."""
        return self.names != WHOLE

    def at(self, size: Size, styles: Sequence[Size]) -> Guides:
        """Scale the masks to the images of a level.

        Args:
            size: (width, height) of the content.
            styles: (width, height) of each style image.
        """
        content, keep = resize_weights(self.content, size), self.keep_at(size)
        if keep is not None:
            content = content * (1.0 - keep[..., 0])
        scaled = [resize_weights(each, to) for each, to in zip(self.styles, styles, strict=True)]
        return Guides(content, scaled, keep)

    def keep_at(self, size: Size) -> np.ndarray | None:
        """Scale what is kept to (width, height): (1, height, width, 1), or None."""
        return None if self.keep is None else resize_weights(self.keep[None], size)[..., None]


def resize_weights(
    weights: np.ndarray, size: Size, resampling: Image.Resampling = Image.Resampling.BILINEAR
) -> np.ndarray:
    """Scale weights with a filter that keeps them positive and their sums at 1.

    Args:
        weights: (R, h, w) float32.
        size: (width, height).
        resampling: BOX averages areas, as for a layer of features.

    Returns:
        (R, height, width) float32.
    """
    if weights.shape[:0:-1] == tuple(size):
        return weights
    planes = [Image.fromarray(plane).resize(size, resampling) for plane in weights]
    return np.stack([np.asarray(plane, np.float32) for plane in planes])


def read(
    masks: Sequence[Source],
    keep: Source | None,
    content: Image.Image,
    styles: Sequence[Image.Image],
    config: Config,
) -> Masks | None:
    """Read the masks of one content image and its styles.

    Args:
        masks: One of the content, then one of each style image; empty for none.
        keep: White where the content stays, or None.
        content: The content image.
        styles: The style images.
        config: Names the size and the weights of the styles.

    Returns:
        The masks, or None if there are none.

    Raises:
        InputError: A mask cannot be read or is no mask, their number is not that
            of the images, or a region of the content is in no style mask.

    Example:
        >>> read(["content_mask.png", "style_mask.png"], None, photo, [painting], Config())
    """
    if masks or keep is not None:
        check_settings(config)
    check_count(len(masks), len(styles))
    kept = None if keep is None else _read_keep(keep, content, config)
    if not masks:
        whole = np.ones((1, 1, 1), np.float32)
        return None if kept is None else Masks(WHOLE, whole, (whole,) * len(styles), kept)
    images = (content, *styles)
    pixels = [
        _pixels(mask, image, "--masks", LONGEST) for mask, image in zip(masks, images, strict=True)
    ]
    names, weights = mask_colors.find_regions(pixels, [_named("--masks", mask) for mask in masks])
    shares = config.appearance.style_weights or (1.0,) * len(styles)
    present = _present(weights[0])
    _check_partners(names, weights, present, shares, _named("--masks", masks[0]))
    chosen = tuple(name for name, here in zip(names, present, strict=True) if here)
    return Masks(chosen, _whole(weights[0][present]), tuple(w[present] for w in weights[1:]), kept)


def check_settings(config: Config) -> None:
    """Check that the settings go with masks.

    Raises:
        InputError: The statistic ignores the weights of places, or style images are
            to be trimmed.
    """
    statistic = config.appearance.statistic
    if statistic not in MASKABLE:
        raise InputError(
            f"--statistic {statistic}: cannot be computed in masks; expected {', '.join(MASKABLE)}"
        )
    if config.appearance.trim_style:
        raise InputError(
            "--trim-style: not with --masks or --keep\ntrim the style image and its mask beforehand"
        )


def check_count(masks: int, styles: int) -> None:
    """Check the number of masks.

    Raises:
        InputError: It is neither 0 nor that of the images.
    """
    if masks not in (0, 1 + styles):
        one = "the style" if styles == 1 else f"each of the {styles} styles"
        raise InputError(
            f"--masks: expected {1 + styles} files, one for the content and one for {one}, "
            f"got {masks}"
        )


def check_places(
    masks: Masks, size: Size, styles: Sequence[Size], strides: Mapping[str, float]
) -> None:
    """Check that every region covers a place of every layer of the last level.

    Args:
        masks: From `read`.
        size: (width, height) of the result.
        styles: (width, height) of each style image beside it.
        strides: {layer: pixels from one place to the next}.

    Raises:
        InputError: A region has too few pixels, or all of the content is kept.
    """
    layer, stride = max(strides.items(), key=lambda item: item[1])
    fewest = FEWEST * stride**2
    content = masks.at(size, styles).content
    for index, name in enumerate(masks.names):
        pixels = content[index].sum()
        best = max(w[index].mean() * width * height for w, (width, height) in _pairs(masks, styles))
        if min(pixels, best) >= fewest:
            continue
        if not name:
            raise InputError(
                f"--keep: leaves {pixels:.0f} pixels of {size[0]}x{size[1]} to stylize; expected "
                f"at least {fewest:.0f}, one place of the layer {layer}\nkeep less"
            )
        where, have = ("content", pixels) if pixels < fewest else ("style images", best)
        raise InputError(
            f"--masks: region {name} has {have:.0f} pixels in the {where}; expected at least "
            f"{fewest:.0f}, one place of the layer {layer}\n"
            "enlarge the region, give it to another one, or raise --size"
        )


def _pairs(masks: Masks, styles: Sequence[Size]) -> list[tuple[np.ndarray, Size]]:
    return list(zip(masks.styles, styles, strict=True))


def _read_keep(keep: Source, content: Image.Image, config: Config) -> np.ndarray | None:
    """Read a mask of what is kept; None if that is nothing."""
    weights = mask_colors.gray_weights(_pixels(keep, content, "--keep", config.size))
    return weights if weights.any() else None


def _pixels(mask: Source, image: Image.Image, flag: str, longest: int) -> np.ndarray:
    """Read a mask as (H, W, 3) uint8; what is transparent is black."""
    found = image_io.as_image(mask, near=longest)
    if found.mode == "RGBA":
        black = Image.new("RGBA", found.size, (0, 0, 0, 255))
        found = Image.alpha_composite(black, found).convert("RGB")
    aspects = [size[0] / size[1] for size in (found.size, image.size)]
    flat = all(low == high for low, high in found.getextrema())
    if abs(aspects[0] / aspects[1] - 1.0) > SAME_ASPECT and not flat:
        warnings.warn(
            f"{_named(flag, mask)}: {found.width}x{found.height} pixels are stretched over an "
            f"image of {image.width}x{image.height}",
            InputWarning,
            stacklevel=2,
        )
    if max(found.size) > longest:
        size = image_io.fit_longer_side(found.size, longest)
        found = found.resize(size, Image.Resampling.BOX)
    return np.asarray(found)


def _named(flag: str, source: Source) -> str:
    return f"{flag} {source}" if isinstance(source, str | Path) else flag


def _present(weights: np.ndarray) -> np.ndarray:
    """Which regions of (R, H, W) are more than noise, (R,)."""
    return weights.mean(axis=(1, 2)) >= ABSENT


def _whole(weights: np.ndarray) -> np.ndarray:
    """Let weights (R, H, W) add up to 1 again after regions of noise were left out."""
    total = weights.sum(axis=0)
    none = total < 0.5
    weights = weights / np.where(none, 1.0, total).astype(np.float32)
    weights[:, none] = 0.0
    weights[np.argmax(weights.sum(axis=(1, 2))), none] = 1.0
    return weights


def _check_partners(
    names: Sequence[str],
    weights: Sequence[np.ndarray],
    present: np.ndarray,
    shares: Sequence[float],
    source: str,
) -> None:
    """Check that every region of the content has places in a style of some weight."""
    partners = [_present(w) for w, share in zip(weights[1:], shares, strict=True) if share]
    having = np.any(partners, axis=0)
    for index in np.flatnonzero(present & ~having):
        known = ", ".join(name for name, here in zip(names, having, strict=True) if here)
        raise InputError(
            f"{source}: region {names[index]} covers {weights[0][index].mean():.1%} of the "
            f"content, but is in no style mask\npaint it there, or give it to a region that "
            f"they have: {known}"
        )
