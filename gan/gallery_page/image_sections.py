"""The parts of a gallery page that show images, as HTML with the images inside."""

import base64
import io
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path

import numpy as np
from PIL import Image

from common import images as image_io
from common.errors import InputError
from common.transparency import over_checker

MOST_FRAMES, KEY_FRAMES = 24, 6  # of the samples over time: with the slider, and printed
STEPS = 12  # images of the interpolation from one latent vector to the next
NEAREST = 4  # training images beside each sample


@dataclass(frozen=True)
class Neighbors:
    """Samples beside their nearest training images.

    Attributes:
        samples: uint8 (N, H, W, C).
        images: uint8 (N, K, H, W, C), the nearest first.
        distances: (N, K), in units of `typical`.
        typical: Median distance of a training image to its nearest other one.
        searched: Training images that were compared.
        training: Training images in all.
        protocol: Features in words.
    """

    samples: np.ndarray
    images: np.ndarray
    distances: np.ndarray
    typical: float
    searched: int
    training: int
    protocol: str


def data_uri(image: Image.Image, kind: str = "png") -> str:
    """Encode an image as a data URI.

    Args:
        image: 8 bits per channel.
        kind: "png" (lossless) or "webp" (smaller).

    Example:
        >>> data_uri(Image.new("L", (1, 1)))[:22]
        'data:image/png;base64,'
    """
    buffer = io.BytesIO()
    options = {"quality": 88, "method": 4} if kind == "webp" else {"optimize": True}
    image.save(buffer, format=kind, **options)
    return f"data:image/{kind};base64,{base64.b64encode(buffer.getvalue()).decode()}"


def chosen_frames(count: int, most: int) -> list[int]:
    """Choose at most `most` of `count` frames, evenly, the first and the last among them.

    Example:
        >>> chosen_frames(5, 3)
        [0, 2, 4]
    """
    if count <= most:
        return list(range(count))
    return [round(n * (count - 1) / (most - 1)) for n in range(most)]


def frames_over_time(snapshots: Sequence[tuple[int, Path]]) -> str:
    """Show grids of samples with a slider; on paper and without JavaScript, some of them.

    Args:
        snapshots: (images seen, file) in the order of training.

    Returns:
        HTML. Files that cannot be read are left out.
    """
    frames = list(_readable(snapshots))
    frames = [frames[index] for index in chosen_frames(len(frames), MOST_FRAMES)]
    if not frames:
        return '<p class="soft">No samples were written yet.</p>'
    key = chosen_frames(len(frames), KEY_FRAMES)
    figures = "\n".join(
        f'<figure{" class=key" if index in key else ""}><img class="pixels" '
        f'src="{data_uri(image, "webp")}" width="{image.width}" height="{image.height}" '
        f'alt="samples"><figcaption>{seen:,} images seen</figcaption></figure>'
        for index, (seen, image) in enumerate(frames)
    )
    last = len(frames) - 1
    return (
        '<p class="note">The EMA generator, from the same latent vectors throughout.</p>\n'
        '<div class="controls" hidden><button id="play" type="button">Play</button>'
        f'<input id="time" type="range" min="0" max="{last}" value="{last}" '
        f'aria-label="time"></div>\n<div class="frames">\n{figures}\n</div>'
    )


def _readable(snapshots: Iterable[tuple[int, Path]]) -> Iterator[tuple[int, Image.Image]]:
    for seen, path in snapshots:
        try:
            yield seen, image_io.read_image(path)
        except InputError:
            continue  # a damaged file is left out


def interpolation(images: np.ndarray) -> str:
    """Show a walk through the latent space, one section per row.

    Args:
        images: uint8 (N, H, W, C), as of `drawings.interpolation`.
    """
    sheet = image_io.from_array(over_checker(image_io.grid(images, STEPS, gap=1)))
    return (
        '<p class="note">Each row leads along a great circle from one latent vector to that of '
        "the next row.</p>\n"
        f'<div class="walk pixels"><img src="{data_uri(sheet)}" width="{sheet.width}" '
        f'height="{sheet.height}" alt="interpolation between latent vectors"></div>'
    )


def nearest_training_images(found: Neighbors | InputError) -> str:
    """Show samples beside their nearest training images.

    Args:
        found: What was found, or why nothing was.
    """
    if isinstance(found, InputError):
        return f'<p class="soft">Not shown: {escape(str(found))}</p>'
    figures = []
    for sample, images, distances in zip(found.samples, found.images, found.distances, strict=True):
        shown = [sample, *images]
        names = ["sample", *(f"training image {number}" for number in range(1, NEAREST + 1))]
        pictures = "".join(
            f'<img src="{data_uri(image_io.from_array(over_checker(image)))}" alt="{name}">'
            for name, image in zip(names, shown, strict=True)
        )
        caption = " ".join(f"{distance:.2f}" for distance in distances)
        figures.append(f"<figure>{pictures}<figcaption>{caption}</figcaption></figure>")
    part = "" if found.searched == found.training else " random"
    return (
        f'<p class="note">Each sample (framed) and the {NEAREST} nearest of {found.searched:,}'
        f"{part} training images. Distances are in units of the median distance of a training "
        f"image to its nearest other one; near 0, a sample is a copy. Features: "
        f"{escape(found.protocol)}.</p>\n"
        f'<div class="neighbors pixels">{"".join(figures)}</div>'
    )
