"""Images of any size brought to one, and a record of what that did to them."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from PIL import Image

from common import images as image_io
from common import transparency
from gan.resolution import Resolution, Size, pair, shown

MUCH = 0.25  # of an image's area; a larger loss is reported
FEW = 100  # images; below, a run says that there are few


@dataclass(frozen=True)
class Fitting:
    """What fitting did to the images of a folder.

    Attributes:
        images: Images whose headers could be read.
        enlarged: Those that were smaller than the crop they fill.
        cropped: Those that lost more than `MUCH` of their area.
        transparent: Those with transparency.
        aspect: Median of width over height.
    """

    images: int
    enlarged: int
    cropped: int
    transparent: int
    aspect: float


def fit(image: Image.Image, size: Size) -> Image.Image:
    """Crop an image around its center to the aspect of a size, and resample it to that size.

    Colors are weighted by alpha. Of an image with 4 channels, transparent pixels
    take the colors of their neighbors, so that a generator whose edges lie a little
    outside draws no dark fringe.

    Args:
        image: Gray, RGB or RGBA.
        size: (height, width) in pixels.

    Example:
        >>> fit(Image.new("RGB", (50, 30)), (32, 48)).size
        (48, 32)
    """
    fitted = image_io.fit_rectangle(image, size)
    if fitted.mode != "RGBA":
        return fitted
    filled = transparency.with_alpha(transparency.fill(fitted), fitted)  # (H, W, 4)
    return image_io.from_array(image_io.from_unit(filled))


def measure(sizes: Sequence[Size], transparent: int, size: Size) -> Fitting:
    """Record what `fit` does to images.

    Args:
        sizes: (height, width) of the images.
        transparent: Images with transparency.
        size: (height, width) that they are fitted to.

    Example:
        >>> measure([(32, 32), (64, 200)], 0, (64, 64))
        Fitting(images=2, enlarged=1, cropped=1, transparent=0, aspect=2.0625)
    """
    aspects = sorted(width / height for height, width in sizes)
    middle = aspects[(len(aspects) - 1) // 2], aspects[len(aspects) // 2]
    ratios = [aspect * size[0] / size[1] for aspect in aspects]
    return Fitting(
        images=len(sizes),
        enlarged=sum(height < size[0] or width < size[1] for height, width in sizes),
        cropped=sum(min(ratio, 1.0 / ratio) < 1.0 - MUCH for ratio in ratios),
        transparent=transparent,
        aspect=round(sum(middle) / 2.0, 4),
    )


def describe(
    found: Fitting | None, count: int, size: Size, channels: int, asked: Resolution
) -> Iterator[str]:
    """Say in one line each what was done to images that do not fit.

    Args:
        found: The record; None if there is none.
        count: Images to train on.
        size: (height, width) that they were fitted to.
        channels: That they were converted to.
        asked: The resolution that the user asked for; 0: none.

    Example:
        >>> next(describe(measure([(32, 32)] * 200, 0, (64, 64)), 200, (64, 64), 3, 64))
        '200 of 200 images are smaller than 64x64 and were enlarged'
    """
    if found is not None:
        of, box = f"of {found.images} images", "x".join(map(str, pair(size)))
        if size[0] != size[1] and not asked:
            yield (
                f"{box} (height x width) follows the median aspect, width / height = "
                f"{found.aspect:.2f}; --resolution {shown(min(size))} takes squares"
            )
        if found.enlarged:
            yield f"{found.enlarged} {of} are smaller than {box} and were enlarged"
        if found.cropped:
            yield f"{found.cropped} {of} lost more than {MUCH:.0%} of their area to the crop"
        if found.transparent and channels < 4:
            yield f"{found.transparent} {of} are transparent: over white; --channels 4 keeps alpha"
    if count < FEW:
        yield f"only {count} images: samples will be near copies; hundreds are the least"
