"""Feature extractors: functions from an image in [0, 1] to the activations of named layers.

`compact` is embedded; Keras downloads `vgg19` and `vgg16`; anything else is a
file of weights. Each includes its preprocessing and padding.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import tensorflow as tf

from common import npz
from common.extractors import compact, deep
from common.extractors.compact import Features
from common.extractors.receptive_field import receptive_field
from common.losses.feature_map import moments
from style_transfer.vgg import read_vgg, read_vgg_npz, vgg_features, vgg_layers, vgg_operations

REFERENCE = compact.WEIGHTS.with_name("reference.npz")  # experiments/distill_reference.py
COMPACT_FIELD = receptive_field([(2, 2), (3, 1), (3, 1), (3, 1), (2, 2), (3, 1)])
DEEP_FIELD = receptive_field(deep.OPERATIONS)


@dataclass(frozen=True)
class Extractor:
    """A named function that computes all its layers in one pass.

    Attributes:
        name: Shown in messages.
        layers: From the finest to the coarsest.
        apply: From images (B, H, W, 3) float32 in [0, 1] to {layer: Features}.
        reference: A slower, more accurate extractor with the same layers, or None.
        exact: Layers that the reference computes in the same way.
        keeps_graphs: Whether it or its reference uses a graph in more than one stage of a
            stylization, as a `tf.function` does. False: what a stage traces is freed after it.
        tiled: Whether it computes an image in tiles, which no graph can contain.
        stride: Pixels between neighboring places of the coarsest layer.
        radius: Pixels beyond its own `stride` x `stride` pixels that a place sees, to
            each side; see `common.extractors.receptive_field`. None is unknown: the
            extractor then sees every image as a whole, however large.

    Example:
        >>> load("compact")(tf.zeros((1, 64, 64, 3)))["relu1_1"].moments().second.shape
        TensorShape([1, 64, 64])
    """

    name: str
    layers: tuple[str, ...]
    apply: Callable[[tf.Tensor], dict[str, Features]]
    reference: "Extractor | None" = None
    stride: int = 1
    radius: int | None = None
    exact: tuple[str, ...] = ()
    keeps_graphs: bool = True
    tiled: bool = False

    def __call__(self, image: tf.Tensor) -> dict[str, Features]:
        return self.apply(image)


def load(name: str, pooling: str = "max", dtype: str = "float32") -> Extractor:
    """Load an extractor by name or from a file.

    Args:
        name: "compact", "vgg19", "vgg16", or a file: an .npz of either
            architecture (see `common.extractors.compact.load`, `read_thin_npz` and
            `read_torch_npz` of `style_transfer.vgg`), or Keras's weights of a VGG without its top.
        pooling: Of a VGG, "max" or "average".
        dtype: Type of the convolutions, "float32" or "bfloat16".

    Raises:
        InputError: A file is missing or holds other weights.
    """
    if name == "compact":
        return embedded(dtype)
    path = Path(name)
    if path.suffix != ".npz":
        return vgg(path.name, read_vgg(name), pooling, dtype)
    arrays = npz.read(path)
    if "conv1" in arrays:
        apply = compact.load(path, dtype)
        return Extractor(
            path.name, tuple(compact.TAPS), apply, None, *COMPACT_FIELD, keeps_graphs=False
        )
    return vgg(path.name, read_vgg_npz(path, arrays), pooling, dtype)


def embedded(dtype: str = "float32") -> Extractor:
    """Load both parts of the embedded extractor: VGG-19's first layers, and deep ones.

    Args:
        dtype: Type of the convolutions, "float32" or "bfloat16".

    Example:
        >>> embedded().layers
        ('relu1_1', 'relu1_2', 'relu2_1', 'relu2_2', 'relu3_1', 'fire4', 'fire5', 'fire6', 'fire8')
    """
    layers, rest = (*compact.TAPS, *deep.TAPS), deep.load(dtype=dtype)

    def beside(first: Callable[[tf.Tensor], dict[str, Features]]) -> Callable:
        return lambda image: {**first(image), **rest(image)}

    true = load(str(REFERENCE), dtype=dtype).apply
    reference = Extractor(
        "compact's reference", layers, beside(true), None, *DEEP_FIELD, keeps_graphs=False
    )
    quick = compact.load(dtype=dtype)
    return Extractor(
        "compact", layers, beside(quick), reference, *DEEP_FIELD, deep.TAPS, keeps_graphs=False
    )


def vgg(name: str, arrays: Mapping[str, np.ndarray], pooling: str, dtype: str) -> Extractor:
    """Make an extractor of the leading layers of a VGG.

    Args:
        name: Shown in messages.
        arrays: Weights, as `vgg_features` takes them.
        pooling: "max" or "average".
        dtype: Type of the convolutions.
    """
    weights = {
        key: tf.constant(value, "float32" if key.startswith("input") else dtype)
        for key, value in arrays.items()
    }
    layers = vgg_layers(arrays)

    def extract(image: tf.Tensor) -> dict[str, Features]:
        values = vgg_features(image, weights, pooling)
        return {layer: Features(values[layer], moments(values[layer])) for layer in layers}

    field = receptive_field(vgg_operations(layers))
    return Extractor(name, layers, extract, None, *field, keeps_graphs=False)
