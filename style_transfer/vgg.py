"""The layers of VGG-16 and VGG-19, and the files that their weights are read from."""

import re
from collections.abc import Mapping, Sequence
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf

from common import npz
from common.errors import InputError
from common.extractors.compact import convolve
from common.fast.cells import max_pool, repeat_border

KERAS_MODELS = {"vgg16": "VGG16", "vgg19": "VGG19"}
IMAGENET_MEAN = np.array([103.939, 116.779, 123.68], np.float32)  # blue, green, red
AVERAGE_GAIN = 2.0  # an average is about half a maximum: crowsonkb/style-transfer-pytorch


def read_vgg(name: str) -> dict[str, np.ndarray]:
    """Read the weights of a VGG by a name or path that `extractors.load` takes."""
    if name in KERAS_MODELS:
        return read_keras(KERAS_MODELS[name], "imagenet")
    path = Path(name)
    if path.suffix != ".npz":
        return read_keras_file(path)
    return read_vgg_npz(path, npz.read(path))


def read_vgg_npz(path: Path, arrays: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Convert the arrays of an .npz, in either of its two forms, for `vgg_features`."""
    return (read_thin_npz if "relu1_1" in arrays else read_torch_npz)(path, arrays)


def vgg_features(
    image: tf.Tensor, weights: Mapping[str, tf.Tensor], pooling: str = "max"
) -> dict[str, tf.Tensor]:
    """Compute the leading layers of a VGG: Simonyan and Zisserman 2015, table 1.

    Args:
        image: (B, H, W, 3) float32 in [0, 1].
        weights: "input" and "input/bias", a 1x1 convolution from red, green and
            blue in [0, 1] to the network's input, then "relu1_1", "relu1_1/bias"
            and so on; with "relu1_2/mix" and so on for kernels of low rank.
        pooling: "max", or "average" as Gatys et al. 2016, section 2, recommend.

    Returns:
        {layer: activations (B, H / 2^k, W / 2^k, C)}.

    Deviation: the first convolution sees the border repeated instead of zeros,
    which look like a black frame.
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
    """List the layers that `weights` contain, from the finest to the coarsest."""
    return tuple(sorted(name for name in weights if re.fullmatch(r"relu\d_\d", name)))


def vgg_operations(layers: Sequence[str]) -> list[tuple[int, int]]:
    """List (kernel, stride) of the convolutions and poolings that lead to the last layer.

    Args:
        layers: As `vgg_layers` lists them.

    Example:
        >>> vgg_operations(["relu1_1", "relu1_2", "relu2_1"])
        [(3, 1), (3, 1), (2, 2), (3, 1)]
    """
    operations = []
    for layer in layers:
        pools = operations and layer.endswith("_1")
        operations += [(2, 2), (3, 1)] if pools else [(3, 1)]
    return operations


def read_keras(model: str, weights: str) -> dict[str, np.ndarray]:
    """Read the convolutions of a VGG of keras.applications, for `vgg_features`.

    Args:
        model: "VGG16" or "VGG19".
        weights: As `keras.applications` takes it: "imagenet", a file, or None.
    """
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
    """Read a file of Keras's weights of either VGG without its top, for `vgg_features`.

    Raises:
        InputError: The file is missing or fits neither.
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
    """Check the arrays of a VGG that are named as `vgg_features` takes them.

    Args:
        path: Shown in messages.
        arrays: The kernels may have low rank.

    Raises:
        InputError: An array is missing, or its shape does not fit the one before.
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
    """Convert a VGG in PyTorch's order: `conv11.weight` (out, in, 3, 3), `conv11.bias` and so on.

    `conv0`, a 1x1 convolution, maps red, green and blue in [0, 1] to the network's
    input.

    Args:
        path: Shown in messages.
        arrays: The file's.

    Raises:
        InputError: An array is missing, or its shape does not fit the one before.
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
