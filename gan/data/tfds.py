"""A name or a folder to square pictures, and pictures to a tf.data pipeline.

Every source is brought once to one uint8 array, cached on disk and memory
mapped: training reads it in an order that is a pure function of the seed and
the number of pictures drawn, so a resumed run continues at the very next one.
"""

import difflib
import itertools
import urllib.error
import urllib.parse
import urllib.request
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

from common import images as image_io
from common.errors import InputError

if TYPE_CHECKING:
    pass
from gan.data.base import GLYPHS, _auto_resolution, _key, _Source

PROBE_SECONDS = 10.0
OFFLINE_HINT = "what works offline: glyphs, a folder of pictures, a dataset downloaded before"


# TensorFlow Datasets


def _tfds_source(name: str, data_dir: Path, resolution: int, channels: int) -> _Source:
    import tensorflow_datasets as tfds  # here, because it takes seconds

    known = tfds.list_builders()
    if name.split("/")[0].split(":")[0] not in known:
        near = difflib.get_close_matches(name, [GLYPHS, *known], n=3, cutoff=0.5)
        nearest = f"; did you mean {', '.join(near)}?" if near else ""
        raise InputError(
            f"--dataset: expected glyphs, a folder, or an image dataset of TensorFlow Datasets, "
            f"got {name!r}{nearest}"
        )
    builder = _tfds_builder(name, data_dir)
    features = dict(builder.info.features)
    image_key = next((key for key, f in features.items() if _is_image(tfds, f)), None)
    label_key = next(
        (k for k, f in features.items() if isinstance(f, tfds.features.ClassLabel)), ""
    )
    if image_key is None:
        raise InputError(f"--dataset {name}: holds no pictures, only {', '.join(features)}")
    split = "train" if "train" in builder.info.splits else next(iter(builder.info.splits))
    if not resolution or not channels:
        head = itertools.islice(tfds.as_numpy(builder.as_dataset(split=split)), 50)
        shapes = [example[image_key].shape for example in head]
        own = Counter(shape[-1] for shape in shapes).most_common(1)[0][0]
        resolution = resolution or _auto_resolution(min(shape[:2]) for shape in shapes)
        channels = channels or own

    def examples() -> Iterator[tuple[Image.Image, int]]:
        for example in tfds.as_numpy(builder.as_dataset(split=split, shuffle_files=False)):
            array = example[image_key]
            picture = Image.fromarray(array[:, :, 0] if array.shape[-1] == 1 else array)
            picture = picture.convert(image_io.MODES[channels])
            yield (
                image_io.fit_square(picture, resolution),
                int(example[label_key]) if label_key else 0,
            )

    return _Source(
        name=name,
        key=_key("tfds 2", builder.info.full_name, split, resolution, channels),
        resolution=resolution,
        channels=channels,
        class_names=tuple(features[label_key].names) if label_key else (),
        examples=examples,
    )


def _is_image(tfds, feature) -> bool:
    return isinstance(feature, tfds.features.Image) and feature.np_dtype == np.uint8


def _tfds_builder(name: str, data_dir: Path):
    """The prepared builder of a dataset; downloads it unless that was done before."""
    import tensorflow_datasets as tfds

    tfds.core.utils.gcs_utils._is_gcs_disabled = True
    try:
        builder = tfds.builder(name, data_dir=str(data_dir))
        if not builder.is_prepared():
            _probe([str(url) for url in builder.url_infos or ()], name)
            builder.download_and_prepare()
    except InputError:
        raise
    except Exception as error:  # every dataset's own code runs here
        reason = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        raise InputError(
            f"--dataset {name}: cannot be prepared ({reason[:200]})\n{OFFLINE_HINT}"
        ) from error
    return builder


def _probe(urls: list[str], name: str) -> None:
    """Raises InputError unless some server answers for the download, in seconds."""
    if not urls:
        return  # made on this machine
    url = urls[0]
    request = urllib.request.Request(url, method="HEAD")
    try:
        urllib.request.urlopen(request, timeout=PROBE_SECONDS).close()
    except urllib.error.HTTPError:
        return  # a server that refuses HEAD is a network all the same
    except (OSError, ValueError) as error:
        host = urllib.parse.urlsplit(url).netloc
        raise InputError(
            f"--dataset {name}: must be downloaded, and {host} cannot be reached ({error})\n"
            f"{OFFLINE_HINT}"
        ) from None
