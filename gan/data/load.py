"""A name or a folder to square pictures, and pictures to a tf.data pipeline.

Every source is brought once to one uint8 array, cached on disk and memory
mapped: training reads it in an order that is a pure function of the seed and
the number of pictures drawn, so a resumed run continues at the very next one.
"""

import json
import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from common import images as image_io
from common.errors import InputError
from common.files import TEMPORARY

if TYPE_CHECKING:
    pass
from gan.data.base import GLYPHS, Pictures, _Source, check_resolution, is_folder
from gan.data.folder import _folder_source, _picture_files
from gan.data.glyphs import _glyphs_source
from gan.data.tfds import _tfds_source


def check_dataset(name: str) -> None:
    """Raises InputError for a folder without pictures; cheap, before TensorFlow is imported."""
    if not name:
        raise InputError("--dataset: expected glyphs, a folder or a dataset's name, got nothing")
    if is_folder(name):
        _picture_files(Path(name))


def load(name: str, cache: Path, resolution: int = 0, channels: int = 0, seed: int = 0) -> Pictures:
    """Loads a dataset, from the cache if it was prepared before.

    Args:
        name: "glyphs", a dataset of TensorFlow Datasets, or a folder.
        cache: where prepared arrays (and downloads) are kept.
        resolution: pixels of a side, or 0: the dataset's own, at most 64.
        channels: 1, 3, 4, or 0: the dataset's own.
        seed: draws the glyphs; other datasets do not depend on it.

    Raises:
        InputError: an unknown name, no readable picture, no network for a
            download, a resolution or channel count that does not fit.
    """
    check_resolution(resolution)
    if channels not in (0, *image_io.MODES):
        raise InputError(f"--channels: expected 0 (the dataset's own), 1, 3 or 4, got {channels}")
    if name == GLYPHS:
        source = _glyphs_source(resolution, channels, seed)
    elif is_folder(name):
        source = _folder_source(Path(name).expanduser(), resolution, channels)
    else:
        source = _tfds_source(name, cache / "tensorflow_datasets", resolution, channels)
    folder = cache / f"{Path(source.name).name}-{source.resolution}px-{source.key}"
    if not (folder / "about.json").exists():
        _prepare(source, folder)
    about = json.loads((folder / "about.json").read_text())
    labels = np.load(folder / "labels.npy")
    shape = (source.resolution, source.resolution, source.channels)
    return Pictures(
        name=source.name,
        images=np.memmap(folder / "images.raw", np.uint8, "r").reshape(len(labels), *shape),
        labels=labels,
        class_names=source.class_names,
        fingerprint=source.key,
        skipped=tuple(about["skipped"]),
    )


def _prepare(source: _Source, folder: Path) -> None:
    """Decodes a source into `folder`, which appears only when it is whole."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    temporary = Path(tempfile.mkdtemp(prefix=TEMPORARY, dir=folder.parent))
    try:
        labels, skipped = [], []
        with (temporary / "images.raw").open("wb") as images:
            for picture, label in source.examples():
                if isinstance(picture, str):
                    skipped.append(picture)
                    continue
                images.write(image_io.to_array(picture).tobytes())
                labels.append(label)
        if not labels:
            raise InputError(
                f"--dataset {source.name}: none of {len(skipped)} pictures can be read; "
                f"the first: {skipped[0]}"
            )
        np.save(temporary / "labels.npy", np.asarray(labels, np.int32))
        (temporary / "about.json").write_text(json.dumps({"skipped": skipped}))
        try:
            temporary.rename(folder)
        except OSError:
            if not (folder / "about.json").exists():  # no other process was faster
                raise
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
