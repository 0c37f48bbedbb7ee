"""Extractors: a picture in [0, 1] to the activations of named layers.

`compact` is embedded; `vgg19` and `vgg16` come through Keras; anything else is
a file of weights. Each is a pure function of the picture and frozen arrays and
owns its preprocessing and padding.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import tensorflow as tf

from common import npz
from common.errors import InputError
from common.extractors import compact
from common.extractors.compact import Features, convolve
from common.fast.pictures import max_pool, repeat_border
from common.losses.style import moments

KERAS_MODELS = {"vgg16": "VGG16", "vgg19": "VGG19"}
IMAGENET_MEAN = np.array([103.939, 116.779, 123.68], np.float32)  # blue, green, red
REFERENCE = compact.WEIGHTS.with_name("reference.npz")  # experiments/distill_reference.py
AVERAGE_GAIN = 2.0  # an average is about half a maximum; after style-transfer-pytorch


@dataclass(frozen=True)
class Extractor:
    """Computes all its layers in one pass.

    Attributes:
        name: for the terminal.
        layers: from the finest to the coarsest.
        apply: (B, H, W, 3) float32 in [0, 1] to {layer: Features}.
        reference: a slower, truer one with the same layers, to finish with.
    """

    name: str
    layers: tuple[str, ...]
    apply: Callable[[tf.Tensor], dict[str, Features]]
    reference: "Extractor | None" = None

    def __call__(self, image: tf.Tensor) -> dict[str, Features]:
        return self.apply(image)


def load(name: str, pooling: str = "max", dtype: str = "float32") -> Extractor:
    """An extractor by name or by path.

    Args:
        name: "compact", "vgg19", "vgg16", or a file: an .npz of either
            architecture (see `common.compact.load`, `read_thin_npz` and
            `read_torch_npz`), or Keras's weights of a VGG without its top.
        pooling: "max" or "average", of a VGG.
        dtype: of the convolutions.

    Raises:
        InputError: a file that is missing or does not fit.
    """
    if name == "compact":
        reference = load(str(REFERENCE), dtype=dtype)
        return Extractor(name, tuple(compact.TAPS), compact.load(dtype=dtype), reference)
    path = Path(name)
    if path.suffix != ".npz":
        return vgg(path.name, read_vgg(name), pooling, dtype)
    arrays = npz.read(path)
    if "conv1" in arrays:
        return Extractor(path.name, tuple(compact.TAPS), compact.load(path, dtype))
    return vgg(path.name, read_vgg_npz(path, arrays), pooling, dtype)


def read_vgg(name: str) -> dict[str, np.ndarray]:
    """The arrays of `vgg_features` by name or by path, as `load` takes them."""
    if name in KERAS_MODELS:
        return read_keras(KERAS_MODELS[name], "imagenet")
    path = Path(name)
    if path.suffix != ".npz":
        return read_keras_file(path)
    return read_vgg_npz(path, npz.read(path))


def read_vgg_npz(path: Path, arrays: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """The arrays of `vgg_features` from a file's, which are in either order."""
    return (read_thin_npz if "relu1_1" in arrays else read_torch_npz)(path, arrays)


def vgg(name: str, arrays: Mapping[str, np.ndarray], pooling: str, dtype: str) -> Extractor:
    """Any leading part of a VGG network as an extractor; for `arrays` see `vgg_features`."""
    weights = {
        key: tf.constant(value, "float32" if key.startswith("input") else dtype)
        for key, value in arrays.items()
    }
    layers = vgg_layers(arrays)

    def extract(image: tf.Tensor) -> dict[str, Features]:
        values = vgg_features(image, weights, pooling)
        return {layer: Features(values[layer], moments(values[layer])) for layer in layers}

    return Extractor(name, layers, extract)


def vgg_features(
    image: tf.Tensor, weights: Mapping[str, tf.Tensor], pooling: str = "max"
) -> dict[str, tf.Tensor]:
    """Any leading part of a VGG network: Simonyan and Zisserman 2015, table 1.

    Args:
        image: (B, H, W, 3) float32 in [0, 1].
        weights: "input" and "input/bias", a 1x1 convolution that turns red,
            green and blue in [0, 1] into what the network was trained on, then
            "relu1_1", "relu1_1/bias" and so on; with "relu1_2/mix" and so on
            for kernels of low rank.
        pooling: "max", or "average" as Gatys et al. 2016, section 2, prefer.

    Deviation: the first convolution sees the border repeated instead of zeros,
    which it would take for a black frame.
    """
    values = tf.nn.conv2d(image, weights["input"], 1, "VALID") + weights["input/bias"]
    features: dict[str, tf.Tensor] = {}
    for layer in vgg_layers(weights):
        if not features:
            values = tf.cast(repeat_border(values), weights[layer].dtype)
            values = convolve(values, weights, layer, "VALID")
        else:
            if layer.endswith("_1"):
                values = POOLING[pooling](values)
            values = convolve(values, weights, layer)
        features[layer] = values
    return features


POOLING = {
    "max": max_pool,
    "average": lambda values: AVERAGE_GAIN * tf.nn.avg_pool2d(values, 2, 2, "SAME"),
}


def vgg_layers(weights: Mapping[str, object]) -> tuple[str, ...]:
    """The layers that `weights` hold, from the finest to the coarsest."""
    return tuple(sorted(name for name in weights if re.fullmatch(r"relu\d_\d", name)))


def read_keras(model: str, weights: str) -> dict[str, np.ndarray]:
    """The convolutions of keras.applications' `model`, in the form of `vgg_features`."""
    import keras

    network = getattr(keras.applications, model)(include_top=False, weights=weights)
    arrays = {
        "input": np.diag([255.0] * 3).astype(np.float32)[None, None, :, ::-1],
        "input/bias": -IMAGENET_MEAN,
    }
    for layer in network.layers:
        match = re.fullmatch(r"block(\d)_conv(\d)", layer.name)
        if match:
            kernel, bias = layer.get_weights()
            name = f"relu{match[1]}_{match[2]}"
            arrays |= {name: kernel, f"{name}/bias": bias}
    return arrays


def read_keras_file(path: Path) -> dict[str, np.ndarray]:
    """As `read_keras`, from a file of weights of either VGG without its top.

    Raises:
        InputError: the file is missing or fits neither.
    """
    if not path.is_file():
        raise InputError(f"--extractor {path}: no such file")
    reasons = []
    for model in KERAS_MODELS.values():
        try:
            return read_keras(model, str(path))
        except (ValueError, OSError, KeyError) as error:
            reasons.append(str(error).splitlines()[0])
    raise InputError(
        f"--extractor {path}: fits neither VGG-16 nor VGG-19 without its top ({reasons[-1]})"
    )


def read_thin_npz(path: Path, arrays: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """A VGG in the form of `vgg_features`, whose kernels may be of low rank.

    Raises:
        InputError: an array is missing or does not follow the one before.
    """
    taken, channels = {}, 3
    for name in ("input", *vgg_layers(arrays)):
        side = 1 if name == "input" else 3
        shapes = {name: (side, side, channels, None)}
        if f"{name}/mix" in arrays:
            shapes[f"{name}/mix"] = (1, 1, arrays[name].shape[-1], None)
        for key, shape in shapes.items():
            taken[key] = npz.take(path, arrays, key, shape)
            channels = taken[key].shape[-1]
        taken[f"{name}/bias"] = npz.take(path, arrays, f"{name}/bias", (channels,))
    return taken


def read_torch_npz(path: Path, arrays: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """A VGG in PyTorch's order: `conv11.weight` (out, in, 3, 3), `conv11.bias` and so on.

    `conv0`, a 1x1 convolution, turns red, green and blue in [0, 1] into what the
    network was trained on.

    Raises:
        InputError: an array is missing or does not follow the one before.
    """
    names = sorted({key[4:6] for key in arrays if re.fullmatch(r"conv\d\d\.(weight|bias)", key)})
    if not names or names[0] != "11":
        raise InputError(
            f"{path}: weights that do not fit: expected 'conv1' (a compact extractor), 'relu1_1' "
            f"or 'conv11.weight' (a VGG), found {', '.join(sorted(arrays)[:4]) or 'nothing'}"
        )
    converted, channels = {}, 3
    for name in ("0", *names):
        side = 1 if name == "0" else 3
        kernel = npz.take(path, arrays, f"conv{name}.weight", (None, channels, side, side))
        channels = kernel.shape[0]
        bias = npz.take(path, arrays, f"conv{name}.bias", (channels,))
        ours = "input" if name == "0" else f"relu{name[0]}_{name[1]}"
        converted |= {ours: kernel.transpose(2, 3, 1, 0), f"{ours}/bias": bias}
    return converted
