"""Text beside rows of images."""

from collections.abc import Sequence

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from common import images as image_io

SIZE = 14  # pixels, of the letters
GAP = 4  # pixels, around each row


def rows_with_captions(rows: Sequence[np.ndarray], captions: Sequence[str]) -> np.ndarray:
    """Arrange images one below the other on white, each to the right of its caption.

    Args:
        rows: uint8 (H, W, C) each, of one width and number of channels.
        captions: One short text per row; longer ones make the left column wider.

    Returns:
        uint8 (height, width, C): gray if the rows are, otherwise their channels.

    Example:
        >>> rows = [np.zeros((32, 100, 3), np.uint8)] * 2
        >>> rows_with_captions(rows, ["one", "two"]).shape[0]
        76
    """
    font = ImageFont.load_default(SIZE)
    column = max(round(font.getlength(caption)) for caption in captions) + 2 * GAP
    height = max(max(row.shape[0] for row in rows), SIZE + GAP)
    mode = image_io.from_array(rows[0]).mode
    white = {"L": 255, "RGB": (255,) * 3, "RGBA": (255,) * 4}[mode]
    black = {"L": 0, "RGB": (0,) * 3, "RGBA": (0, 0, 0, 255)}[mode]
    size = (column + rows[0].shape[1] + GAP, len(rows) * (height + GAP) + GAP)
    sheet = Image.new(mode, size, white)
    draw = ImageDraw.Draw(sheet)
    for number, (row, caption) in enumerate(zip(rows, captions, strict=True)):
        top = GAP + number * (height + GAP)
        draw.text((GAP, top + height / 2), caption, fill=black, font=font, anchor="lm")
        sheet.paste(image_io.from_array(row), (column, top + (height - row.shape[0]) // 2))
    return image_io.to_array(sheet)
