"""Reference statistics: features of a random subset of a dataset, computed once and cached."""

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np

from common import npz
from common.errors import InputError
from gan.data import cache as cache_io
from gan.data.base import MIN_PER_CLASS, ImageDataset
from gan.metrics import distances, features
from gan.metrics.features import Features
from gan.resolution import shown


@dataclass(frozen=True)
class ReferenceStatistics:
    """Features of real images, the same from one evaluation to the next.

    Attributes:
        dataset: The images.
        features_of: The extractor.
        index: Images used, int (N,), in random order: any part of them is a
            random subset, whatever the order of the files.
        features: float32 (N, D).
    """

    dataset: ImageDataset
    features_of: Features
    index: np.ndarray
    features: np.ndarray

    @cached_property
    def gaussian(self) -> distances.Gaussian:
        """Mean and covariance of the features."""
        return distances.gaussian(self.features)

    @property
    def images(self) -> np.ndarray:
        """Images used, uint8 (N, H, W, C)."""
        return self.dataset.images[self.index]

    @property
    def labels(self) -> np.ndarray:
        """Labels of the images used, int32 (N,)."""
        return self.dataset.labels[self.index]


def reference_statistics(
    dataset: ImageDataset, kind: str, count: int, seed: int, cache: Path
) -> ReferenceStatistics:
    """Compute or load the features of a random subset of a dataset.

    Args:
        dataset: Real images.
        kind: "classifier", "compact", "inception", or "auto": the classifier if
            there are labels with at least 50 images per class on average,
            otherwise compact.
        count: Images at most.
        seed: Seed of the subset.
        cache: Cache folder.

    Raises:
        InputError: A classifier is asked for and the dataset has no labels, or
            features are not finite.

    Example:
        >>> dataset = load("glyphs", cache)
        >>> reference_statistics(dataset, "auto", 5000, 0, cache).features.shape
        (5000, 128)
    """
    labelled = len(dataset.class_names) > 1
    if kind == "auto":
        enough = len(dataset) >= MIN_PER_CLASS * len(dataset.class_names)
        kind = "classifier" if labelled and enough else "compact"
    if kind == "classifier" and not labelled:
        raise InputError(
            f"--features classifier: {dataset.name} has no labels; try --features compact"
        )
    makers = {
        "classifier": lambda: features.classifier(dataset, cache),
        "compact": features.compact_features,
        "inception": features.inception_features,
    }
    extractor = makers[kind]()
    index = np.random.default_rng(seed).permutation(len(dataset))[:count]
    size = shown(dataset.images.shape[1:3])
    name = f"{dataset.fingerprint}-{size}px-{kind}-{extractor.version}-{len(index)}-{seed}.npz"
    found = _cached(cache / "features" / name, index)
    if found is None:
        found = extractor.extract(dataset.images[index]).astype(np.float32)
        check_finite(found, dataset.name)
        with cache_io.write_file(cache, "features", name) as temporary:
            np.savez(temporary, features=found, index=index)
    return ReferenceStatistics(dataset, extractor, index, found)


def check_finite(found: np.ndarray, source: str) -> None:
    """Check the features of images.

    Raises:
        InputError: NaN or infinite features.
    """
    bad = int(np.count_nonzero(~np.isfinite(found).all(axis=1)))
    if bad:
        raise InputError(
            f"{source}: the features of {bad} of {len(found)} images are NaN or infinite\n"
            "the extractor is damaged, or an array holds more than images"
        )


def _cached(path: Path, index: np.ndarray) -> np.ndarray | None:
    """Features in a cached file, unless it is missing, damaged or of other images."""
    try:
        arrays = npz.read(path)
    except InputError:
        return None
    if "index" not in arrays or not np.array_equal(arrays["index"], index):
        return None
    return arrays["features"]
