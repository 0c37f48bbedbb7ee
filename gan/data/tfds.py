"""Any image dataset of TensorFlow Datasets (TFDS), downloaded or prepared before."""

import itertools
import os
import urllib.error
import urllib.parse
import urllib.request
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from PIL import Image

from common import images as image_io
from common.errors import InputError
from common.registry import did_you_mean
from gan.data import cache as cache_io
from gan.data.base import Request, Source, class_name, dataset_names, source_key
from gan.data.crop import fit
from gan.resolution import auto_resolution, pair

FOLDER = "tensorflow_datasets"  # in the cache, and in a user's home
PROBE_SECONDS = 10.0
OFFLINE_HINT = "available offline: glyphs, a folder of images, a dataset downloaded before"


def source(request: Request) -> Source:
    """Find or download a dataset; the first image feature and class label are used.

    The train split is used if there is one, otherwise the first.

    Args:
        request: By default resolution and channels are chosen by the first 50
            images.

    Raises:
        InputError: An unknown name, a dataset without images, or one that
            cannot be prepared.
    """
    import tensorflow_datasets as tfds  # here, because it takes seconds

    name = request.name
    builder = _builder(name, request.cache)
    features = dict(builder.info.features)
    image_key = next((key for key, f in features.items() if _is_image(tfds, f)), None)
    label_key = next(
        (k for k, f in features.items() if isinstance(f, tfds.features.ClassLabel)), ""
    )
    if image_key is None:
        raise InputError(f"--dataset {name}: holds no images, only {', '.join(features)}")
    split = "train" if "train" in builder.info.splits else next(iter(builder.info.splits))
    resolution, channels = request.resolution, request.channels
    if not resolution or not channels:
        head = itertools.islice(tfds.as_numpy(builder.as_dataset(split=split)), 50)
        shapes = [example[image_key].shape for example in head]
        if not shapes:
            raise InputError(f"--dataset {name}: its split {split} is empty")
        own = Counter(shape[-1] for shape in shapes).most_common(1)[0][0]
        resolution = resolution or auto_resolution(
            (min(shape[:2]) for shape in shapes), request.supported
        )
        channels = channels or own

    def examples() -> Iterator[tuple[Image.Image, int]]:
        for example in tfds.as_numpy(builder.as_dataset(split=split, shuffle_files=False)):
            image = image_io.to_mode(image_io.from_array(example[image_key]), channels)
            label = int(example[label_key]) if label_key else 0
            yield fit(image, pair(resolution)), label

    count = builder.info.splits[split].num_examples
    return Source(
        name=name,
        key=source_key("tfds 3", builder.info.full_name, split, count, resolution, channels),
        resolution=resolution,
        channels=channels,
        class_names=tuple(map(class_name, features[label_key].names)) if label_key else (),
        examples=examples,
    )


def own_folders() -> list[Path]:
    """Folders in which TFDS itself keeps datasets: TFDS_DATA_DIR, ~/tensorflow_datasets."""
    folders = [os.environ.get("TFDS_DATA_DIR"), f"~/{FOLDER}"]
    return [Path(os.path.expanduser(folder)) for folder in folders if folder]


def _is_image(tfds, feature) -> bool:
    return isinstance(feature, tfds.features.Image) and feature.np_dtype == np.uint8


def _builder(name: str, cache: Path):
    """The prepared builder of a dataset; downloads it unless that was done before."""
    import tensorflow_datasets as tfds

    tfds.core.utils.gcs_utils._is_gcs_disabled = True
    for folder in (cache / FOLDER, *own_folders()):
        if builder := _prepared(tfds, name, folder):
            return builder
    known = tfds.list_builders()
    if name.split("/")[0].split(":")[0] not in known:
        raise InputError(
            f"--dataset: expected {', '.join(dataset_names())}, a folder, or an image dataset of "
            f"TensorFlow Datasets, got {name!r}{did_you_mean(name, [*dataset_names(), *known])}"
        )
    try:
        builder = tfds.builder(name, data_dir=str(cache / FOLDER))
        _probe([str(url) for url in builder.url_infos or ()], name)
        folder = cache_io.make_folder(cache, FOLDER)
        with cache_io.writing(cache):
            # One download folder for each user, because TFDS makes it for its owner only.
            builder.download_and_prepare(download_dir=str(folder / f"downloads-{os.getuid()}"))
        cache_io.share(cache, folder)
    except InputError:
        raise
    except Exception as error:  # every dataset's code runs here
        reason = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        raise InputError(
            f"--dataset {name}: cannot be prepared ({reason[:200]})\n{OFFLINE_HINT}"
        ) from error
    return builder


def _prepared(tfds, name: str, folder: Path):
    """The builder of a dataset that lies prepared in `folder`, in any version; or None."""
    if not folder.is_dir():
        return None
    makers = (
        lambda: tfds.builder(name, data_dir=str(folder)),
        lambda: tfds.core.read_only_builder.builder_from_files(name, data_dir=str(folder)),
    )
    for make in makers:
        try:
            builder = make()
            if builder.is_prepared():
                return builder
        except Exception:  # not in this folder, or written by a TFDS that this one cannot read
            continue
    return None


def _probe(urls: list[str], name: str) -> None:
    """Raise InputError unless a server answers for the download, within seconds."""
    if not urls:
        return  # made on this machine
    url = urls[0]
    request = urllib.request.Request(url, method="HEAD")
    try:
        urllib.request.urlopen(request, timeout=PROBE_SECONDS).close()
    except urllib.error.HTTPError:
        return  # a server that refuses HEAD proves that there is a network
    except (OSError, ValueError) as error:
        host = urllib.parse.urlsplit(url).netloc
        raise InputError(
            f"--dataset {name}: must be downloaded, and {host} cannot be reached ({error})\n"
            f"{OFFLINE_HINT}"
        ) from None
