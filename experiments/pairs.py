"""Pairs of a content and a style image that an experiment's command line names."""

from collections.abc import Sequence
from pathlib import Path

from common import images as image_io
from common.errors import InputError
from style_transfer import demo
from style_transfer.prepare import Source


def checked(content: Sequence[Path], style: Sequence[Path], size: int) -> list[tuple[Path, Path]]:
    """Pair content and style images, and check that all can be read.

    Args:
        content: Of `--content`.
        style: Of `--style`.
        size: Pixels, near which the images are decoded.

    Raises:
        InputError: They are not equally many, or an image cannot be read.
    """
    if len(content) != len(style):
        raise InputError(
            f"--style: expected one image for each of {len(content)} content images, got "
            f"{len(style)}"
        )
    for path in (*content, *style):
        image_io.as_image(path, near=size)
    return list(zip(content, style, strict=True))


def or_demonstration(pairs: Sequence[tuple[Path, Path]]) -> Sequence[tuple[Source, Source]]:
    """Return the pairs, or the demonstration's if there is none."""
    return pairs or [(demo.photograph(), demo.painting())]
