"""Load a dataset by its name, from the cache if it was prepared before.

Every dataset is brought once to one uint8 array, cached on disk and memory
mapped. A new dataset is one new file of this package; see `gan.data.base`.
"""

import dataclasses
import importlib
import json
import shutil
from pathlib import Path

import numpy as np

from common import images as image_io
from common.errors import InputError
from gan.data import cache as cache_io
from gan.data import folder, tfds
from gan.data.base import RESOLUTIONS, ImageDataset, Request, Source, dataset_names, is_folder
from gan.data.crop import Fitting
from gan.resolution import Resolution, pair, plain, shown

ABOUT, IMAGES, LABELS = "about.json", "images.raw", "labels.npy"


def check_dataset(name: str) -> None:
    """Check what can be known of a dataset quickly, without TensorFlow.

    Raises:
        InputError: The name is empty, or a folder without images.
    """
    if not name:
        raise InputError(
            f"--dataset: expected {', '.join(dataset_names())}, a folder or a dataset's name, "
            "got nothing"
        )
    if name not in dataset_names() and is_folder(name):
        folder.scan(folder.existing(name))


def resolve_name(name: str) -> str:
    """Make the path of a folder absolute, so that a run finds it from anywhere.

    Args:
        name: A dataset's name or a folder.

    Returns:
        The absolute path of a folder; any other name unchanged.

    Example:
        >>> resolve_name("mnist")
        'mnist'
    """
    if not name or name in dataset_names() or not is_folder(name):
        return name
    path = folder.existing(name).absolute()
    return str(path.resolve() if ".." in path.parts else path)


def load(
    name: str,
    cache: Path,
    resolution: Resolution = 0,
    channels: int = 0,
    seed: int = 0,
    supported: tuple[Resolution, ...] | None = None,
) -> ImageDataset:
    """Load a dataset, from the cache if it was prepared before.

    Args:
        name: A file of this package such as "glyphs", a folder, or a dataset of
            TensorFlow Datasets.
        cache: Folder for prepared arrays and downloads.
        resolution: Side of a square or (height, width) in pixels, or 0 for the
            dataset's own, at most 64 by 96.
        channels: 1, 3, 4, or 0 for the dataset's own.
        seed: Seed of the glyphs; other datasets do not depend on it.
        supported: Sizes that the networks can be built for. If given, `resolution`
            must be one of them. By default, a square is chosen from
            `gan.data.base.RESOLUTIONS`, and any resolution may be given.

    Returns:
        An `ImageDataset` of uint8 images (N, height, width, channels).

    Raises:
        InputError: An unknown name, no readable image, no network for a
            download, a resolution or channel count that does not fit, or a
            cache that cannot be written.

    Example:
        >>> load("glyphs", Path(".cache")).images.shape
        (36000, 32, 32, 1)
    """
    return prepare(find(name, cache, resolution, channels, seed, supported), cache)


def find(
    name: str,
    cache: Path,
    resolution: Resolution = 0,
    channels: int = 0,
    seed: int = 0,
    supported: tuple[Resolution, ...] | None = None,
) -> Source:
    """Resolve a name to a source, without decoding its images; arguments as of `load`."""
    if resolution and supported is not None:
        _check_supported(resolution, supported)
    if resolution and min(pair(resolution)) < 1:
        raise InputError(f"--resolution: expected 0 or more, got {shown(resolution)}")
    if channels not in (0, *image_io.MODES):
        raise InputError(f"--channels: expected 0 (the dataset's own), 1, 3 or 4, got {channels}")
    request = Request(name, cache, plain(resolution), channels, seed, supported or RESOLUTIONS)
    if name in dataset_names():
        return importlib.import_module(f"gan.data.{name}").source(request)
    return folder.source(request) if is_folder(name) else tfds.source(request)


def _check_supported(resolution: Resolution, supported: tuple[Resolution, ...]) -> None:
    sizes = list(map(pair, supported))
    if pair(resolution) not in sizes:
        squares = [height for height, width in sizes if height == width]
        others = ", a rectangle of two of these" * (len(squares) < len(sizes))
        raise InputError(
            f"--resolution: expected one of {squares}{others} or 0 for the dataset's own, "
            f"got {shown(resolution)}"
        )


def prepare(source: Source, cache: Path) -> ImageDataset:
    """Decode a source into the cache unless that was done before, and map it into memory."""
    place = cache / f"{Path(source.name).name}-{shown(source.resolution)}px-{source.key}"
    found = _cached(source, place)
    if found is None:
        shutil.rmtree(place, ignore_errors=True)  # torn
        _decode(source, cache, place)
        found = _cached(source, place)
    return found


def _cached(source: Source, place: Path) -> ImageDataset | None:
    """The prepared arrays in `place`, or None if there are none, or not whole ones."""
    shape = (*pair(source.resolution), source.channels)
    try:
        about = json.loads((place / ABOUT).read_text())
        labels = np.load(place / LABELS)
        images = np.memmap(place / IMAGES, np.uint8, "r").reshape(len(labels), *shape)
    except (FileNotFoundError, NotADirectoryError, ValueError, EOFError):
        return None
    return ImageDataset(
        name=source.name,
        images=images,
        labels=labels,
        class_names=tuple(about.get("class_names", source.class_names)),
        fingerprint=source.key,
        skipped=(*source.skipped, *about["skipped"]),
        fitting=Fitting(**about["fitting"]) if about.get("fitting") else None,
    )


def _decode(source: Source, cache: Path, place: Path) -> None:
    """Decode a source into the folder `place`, which appears only when it is whole."""
    with cache_io.temporary_folder(cache) as temporary:
        numbers, skipped = [], []
        with (temporary / IMAGES).open("wb") as images:
            for image, label in source.examples():
                if isinstance(image, str):
                    skipped.append(image)
                    continue
                images.write(image_io.to_array(image).tobytes())
                numbers.append(label)
        if not numbers:
            raise InputError(
                f"--dataset {source.name}: none of {len(skipped)} images can be read; "
                f"the first: {skipped[0] if skipped else 'the dataset is empty'}"
            )
        labels, class_names = _without_empty(np.asarray(numbers, np.int32), source.class_names)
        missing = set(range(len(source.class_names))) - set(numbers)
        skipped += [
            f"{source.class_names[number]}: a class without a readable image"
            for number in sorted(missing)
        ]
        np.save(temporary / LABELS, labels)
        fitting = source.fitting()
        about = {
            "skipped": skipped,
            "class_names": class_names,
            "fitting": dataclasses.asdict(fitting) if fitting else None,
        }
        (temporary / ABOUT).write_text(json.dumps(about))
        cache_io.share(cache, temporary)
        try:
            temporary.rename(place)
        except OSError:
            if not (place / ABOUT).exists():  # unless another process was faster
                raise


def _without_empty(labels: np.ndarray, names: tuple[str, ...]) -> tuple[np.ndarray, list[str]]:
    """Drop the classes without images and renumber the others; a single class is none."""
    if not names:
        return labels, []
    present, renumbered = np.unique(labels, return_inverse=True)
    if len(present) < 2:
        return np.zeros_like(labels), []
    return renumbered.astype(np.int32), [names[label] for label in present]
