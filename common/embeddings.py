"""Files of TensorBoard's Projector tab: vectors, their descriptions and thumbnails."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image
from tensorboard.plugins import projector

from common import images as image_io
from common.errors import printable
from common.files import atomic_path, write_bytes

FOLDER = "projector"  # within the folder of a run
CONFIG = "projector_config.pbtxt"  # where TensorBoard expects it
LONGEST_SPRITE = 4096  # pixels of a side; WebGL refuses larger ones on some machines
THUMBNAIL = 64  # pixels at most


@dataclass(frozen=True)
class Embedding:
    """Points of the Projector tab.

    Attributes:
        name: In the tab, and of the files.
        vectors: float (N, D).
        columns: {name: one value for each point}, to label and color points by.
        thumbnails: uint8 (N, H, W, C).
    """

    name: str
    vectors: np.ndarray
    columns: Mapping[str, Sequence[object]]
    thumbnails: np.ndarray


def write_embeddings(folder: Path, embeddings: Sequence[Embedding]) -> None:
    """Write what the Projector tab shows of a run, in place of what it showed before.

    Args:
        folder: The run's folder.
        embeddings: The first is shown first.

    Example:
        >>> images = np.zeros((2, 8, 8, 1), np.uint8)
        >>> points = Embedding("codes", np.eye(2), {"number": [0, 1], "class": "ab"}, images)
        >>> write_embeddings(Path("runs/glyphs"), [points])
    """
    config = projector.ProjectorConfig()
    for each in embeddings:
        stem = f"{FOLDER}/{each.name}"
        rows = ("\t".join(f"{value:.5g}" for value in vector) for vector in each.vectors)
        write_bytes(folder / f"{stem}.tsv", ("\n".join(rows) + "\n").encode())
        write_bytes(folder / f"{stem}-points.tsv", _table(each.columns).encode())
        sheet, side = sprite(each.thumbnails)
        image_io.write_image(folder / f"{stem}.png", sheet)
        point = config.embeddings.add()
        point.tensor_name = each.name
        point.tensor_path = f"{stem}.tsv"
        point.metadata_path = f"{stem}-points.tsv"
        point.sprite.image_path = f"{stem}.png"
        point.sprite.single_image_dim.extend(side)
    with atomic_path(folder / CONFIG) as temporary:
        temporary.write_text(str(config))


def sprite(thumbnails: np.ndarray) -> tuple[np.ndarray, tuple[int, int]]:
    """Arrange thumbnails in a square sheet, row by row, as the Projector tab reads them.

    Args:
        thumbnails: uint8 (N, H, W, C). They are reduced to at most 64 pixels per
            side, and further if the sheet would exceed 4096.

    Returns:
        uint8 (H, W, 3 or 4), and (width, height) of a thumbnail.

    Example:
        >>> sheet, size = sprite(np.zeros((5, 8, 8, 1), np.uint8))
        >>> sheet.shape, size
        ((24, 24, 3), (8, 8))
    """
    count, height, width, channels = thumbnails.shape
    columns = math.ceil(math.sqrt(count))
    longest = min(THUMBNAIL, LONGEST_SPRITE // columns)
    size = (width, height)
    if max(size) > longest:
        size = image_io.fit_longer_side(size, longest)
    mode = "RGBA" if channels == 4 else "RGB"
    sheet = Image.new(mode, (columns * size[0], columns * size[1]))
    for index, image in enumerate(thumbnails):
        row, column = divmod(index, columns)
        small = image_io.resize(image_io.from_array(image), size).convert(mode)
        sheet.paste(small, (column * size[0], row * size[1]))
    return np.asarray(sheet), size


def principal_components(vectors: np.ndarray, count: int) -> np.ndarray:
    """Project vectors on their principal components.

    Args:
        vectors: float (N, D).
        count: Components at most, the strongest first.

    Returns:
        float32 (N, min(count, N, D)), centered.

    Example:
        >>> principal_components(np.array([[0.0, 0.0], [3.0, 4.0]]), 1).shape
        (2, 1)
    """
    centered = np.asarray(vectors, np.float64) - np.mean(vectors, axis=0)
    left, values, _ = np.linalg.svd(centered, full_matrices=False)
    return (left * values)[:, :count].astype(np.float32)


def _table(columns: Mapping[str, Sequence[object]]) -> str:
    """Write columns with a header, which TensorBoard expects of two or more columns."""
    rows = zip(*columns.values(), strict=True)
    lines = [columns.keys(), *rows] if len(columns) > 1 else rows
    text = ("\t".join(printable(str(value)) for value in line) for line in lines)
    return "\n".join(text) + "\n"
