"""Images to feature vectors, for the distances of `gan.metrics`.

Which extractor gave the features is part of what a distance means, so each one
describes itself.
"""

import contextlib
import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf
from PIL import Image

from common import images as image_io
from common import npz
from common.errors import InputError
from common.extractors import compact
from gan.data import cache as cache_io
from gan.data.base import ImageDataset
from gan.metrics.classifier import build_classifier, train_classifier
from gan.resolution import shown

SECONDS = 20.0  # training time of the classifier on two cores
RESAMPLING = Image.Resampling.BICUBIC


@dataclass(frozen=True)
class Features:
    """A named map from images to vectors.

    Attributes:
        protocol: Extractor, layer and resizing in words.
        version: Hash of the weights; features of different versions cannot be compared.
        extract: uint8 (N, H, W, C) to float32 (N, D).
        classify: uint8 (N, H, W, C) to class numbers (N,); None without a classifier.
    """

    protocol: str
    version: str
    extract: Callable[[np.ndarray], np.ndarray]
    classify: Callable[[np.ndarray], np.ndarray] | None = None


def in_batches(
    function: Callable[[np.ndarray], np.ndarray], images: np.ndarray, size: int = 256
) -> np.ndarray:
    """Apply a function to slices of one size and concatenate the results.

    Args:
        function: (size, ...) to (size, ...).
        images: (N, ...), N at least 1; the last slice is padded.
        size: Images per call.

    Example:
        >>> in_batches(lambda part: 2 * part, np.arange(5), size=2)
        array([0, 2, 4, 6, 8])
    """
    found = []
    for start in range(0, len(images), size):
        part = images[start : start + size]
        missing = size - len(part)
        padded = np.concatenate([part, np.repeat(part[-1:], missing, axis=0)]) if missing else part
        found.append(np.asarray(function(padded))[: len(part)])
    return np.concatenate(found)


def classifier(dataset: ImageDataset, cache: Path, seconds: float = SECONDS) -> Features:
    """Take features from a small network trained on the dataset's labels.

    It is trained once for each dataset and cached by its fingerprint. Distances
    are comparable within one dataset and one cached classifier only.

    Args:
        dataset: Images with at least two classes.
        cache: Cache folder.
        seconds: Training time at most.

    Returns:
        128 penultimate features, with a `classify` function.
    """
    *size, channels = dataset.images.shape[1:]
    resolution, classes = shown(tuple(size)), len(dataset.class_names)
    parts = ("classifiers", f"{dataset.fingerprint}-{resolution}px-v2.npz")
    with _float32():
        network = build_classifier(tuple(size), channels, classes)
        if not cache.joinpath(*parts).exists():
            accuracy = train_classifier(network, dataset, seconds)
            arrays = {f"{n:03d}": value for n, value in enumerate(network.get_weights())}
            with cache_io.write_file(cache, *parts) as temporary:
                np.savez(temporary, accuracy=accuracy, **arrays)
    arrays = npz.read(cache.joinpath(*parts))
    accuracy = float(arrays.pop("accuracy"))
    weights = [arrays[name] for name in sorted(arrays)]
    network.set_weights(weights)

    @tf.function
    def both(images: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        return network(tf.cast(images, tf.float32) / 127.5 - 1.0, training=False)

    return Features(
        f"classifier of {dataset.name}'s {classes} classes, {100 * accuracy:.1f} % right on "
        f"held-out images, 128 penultimate features at {resolution} px",
        _version(*weights),
        lambda images: in_batches(lambda part: both(part)[0], images),
        lambda images: in_batches(lambda part: both(part)[1], images).argmax(axis=1),
    )


@contextlib.contextmanager
def _float32() -> Iterator[None]:
    policy = keras.config.dtype_policy()
    keras.config.set_dtype_policy("float32")
    try:
        yield
    finally:
        keras.config.set_dtype_policy(policy)


def _version(*arrays: np.ndarray) -> str:
    digest = hashlib.blake2b(digest_size=6)
    for array in arrays:
        digest.update(np.ascontiguousarray(array).tobytes())
    return digest.hexdigest()


def opaque(images: np.ndarray) -> list[np.ndarray]:
    """Show images without transparency, so that an extractor of RGB images sees all of them.

    Args:
        images: uint8 (N, H, W, C) with 1, 3 or 4 channels.

    Returns:
        uint8 (N, H, W, 3): the images, of 4 channels once over white and once
        over black.

    Example:
        >>> [x.max() for x in opaque(np.zeros((1, 2, 2, 4), np.uint8))]  # transparent
        [255, 0]
    """
    if images.shape[3] == 1:
        return [images.repeat(3, axis=3)]
    if images.shape[3] == 3:
        return [images]
    alpha = images[..., 3:].astype(np.float32) / 255.0
    return [
        np.rint(images[..., :3] * alpha + ground * (1.0 - alpha)).astype(np.uint8)
        for ground in (255.0, 0.0)
    ]


def compact_features() -> Features:
    """Take channel means of the embedded extractor of style transfer, its last layer on a 2x2 grid.

    Images with transparency are described twice; see `opaque`.
    """
    extract = compact.load()

    @tf.function
    def describe(images: tf.Tensor) -> tf.Tensor:
        found = extract(tf.cast(images, tf.float32) / 255.0)
        means = [
            tf.reduce_mean(found[layer].values, axis=(1, 2)) for layer in ("relu1_1", "relu2_2")
        ]
        grid = tf.image.resize(found["relu3_1"].values, (2, 2), "area")
        return tf.concat([*means, tf.reshape(grid, (images.shape[0], -1))], axis=1)

    return Features(
        "compact: means of relu1_1 and relu2_2, relu3_1 on a 2x2 grid, of the student's "
        "channels, at the images' size",
        _version(np.frombuffer(compact.WEIGHTS.read_bytes(), np.uint8)),
        lambda images: in_batches(
            lambda part: np.concatenate([describe(shown) for shown in opaque(part)], axis=1), images
        ),
    )


def inception_features() -> Features:
    """Take 2,048 features of Keras's InceptionV3, whose weights are not those of the 2015 graph.

    Distances are near to, but not comparable with, published FIDs. Images with
    transparency are described twice; see `opaque`.

    Raises:
        InputError: The weights cannot be downloaded.
    """
    try:
        network = keras.applications.InceptionV3(include_top=False, pooling="avg")
    except Exception as error:  # Keras raises a bare Exception
        raise InputError(
            f"--features inception: the weights cannot be downloaded ({error})\n"
            "--features compact needs no download"
        ) from None

    def describe(images: np.ndarray) -> np.ndarray:
        large = [
            np.asarray(image_io.from_array(image).resize((299, 299), RESAMPLING), np.float32)
            for image in images
        ]
        return network(np.stack(large) / 127.5 - 1.0, training=False).numpy()

    return Features(
        "InceptionV3 with Keras's weights (not the 2015 graph), 2048 pooled features, Pillow's "
        "bicubic to 299 px",
        "keras",
        lambda images: in_batches(
            lambda part: np.concatenate([describe(shown) for shown in opaque(part)], axis=1),
            images,
            32,
        ),
    )
