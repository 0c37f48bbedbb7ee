"""How good is a generator? Distances to the real pictures, what is missing, and is it copying?

python -m gan.evaluate --run runs/NAME
python -m gan.evaluate --npz samples.npz --dataset mnist
python -m gan.evaluate --folder pictures/ --dataset glyphs
"""

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from common import files, npz
from common.errors import InputError
from gan.data import base
from gan.metrics import distances

if TYPE_CHECKING:
    from gan.metrics.features import Features


@dataclass(frozen=True)
class ReferenceStatistics:
    """What stays the same from one evaluation to the next; computed once and cached.

    Attributes:
        index: of the pictures used, (N,).
        features: (N, D) float32.
    """

    pictures: base.Pictures
    features_of: "Features"
    index: np.ndarray
    features: np.ndarray

    @cached_property
    def gaussian(self) -> distances.Gaussian:
        return distances.gaussian(self.features)

    @property
    def images(self) -> np.ndarray:
        return self.pictures.images[self.index]


def reference_statistics(
    pictures: base.Pictures, kind: str, count: int, seed: int, cache: Path
) -> ReferenceStatistics:
    """Features of `count` real pictures at most.

    Raises:
        InputError: a classifier is asked for and the dataset has no labels.
    """
    from gan.metrics import features

    labelled = len(pictures.class_names) > 1
    if kind == "auto":
        enough = len(pictures) >= base.MIN_PER_CLASS * len(pictures.class_names)
        kind = "classifier" if labelled and enough else "compact"
    if kind == "classifier" and not labelled:
        raise InputError(
            f"--features classifier: {pictures.name} has no labels; try --features compact"
        )
    makers = {
        "classifier": lambda: features.classifier(pictures, cache),
        "compact": features.compact_features,
        "inception": features.inception_features,
    }
    chosen = makers[kind]()
    order = np.random.default_rng(seed).permutation(len(pictures))
    index = np.sort(order[: min(count, len(pictures))])
    path = (
        cache
        / "features"
        / f"{pictures.fingerprint}-{pictures.images.shape[1]}px-{kind}-{len(index)}-{seed}.npz"
    )
    if path.exists():
        found = npz.read(path)["features"]
    else:
        found = chosen.extract(pictures.images[index]).astype(np.float32)
        with files.atomic_path(path) as temporary:
            np.savez(temporary, features=found)
    return ReferenceStatistics(pictures, chosen, index, found)
