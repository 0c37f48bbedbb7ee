"""The image transformation network: a photo and a mixture of styles in, a painting out.

Johnson, Alahi and Fei-Fei 2016, Perceptual Losses for Real-Time Style Transfer and
Super-Resolution, with instance normalization (Ulyanov et al. 2016) whose scale and
shift depend on the style (Dumoulin, Shlens and Kudlur 2017, A Learned Representation
for Artistic Style). All else is shared by the styles.

Deviations from Johnson et al.: widths of 16, 32 and 64 instead of 32, 64 and 128, at an
eighth of the size instead of a quarter, so that a processor trains it in minutes, and six
residual blocks instead of five; photos come in the palette of the style (`palettes.py`); waves
of the position are added before the blocks, from which the network makes texture in flat
regions (`waves.py`); strided convolutions read whole
blocks (kernels 6 and 4), or edges would alias; transposed convolutions have kernels of 6, whose
overlap is even (Odena et al. 2016), and are constrained against a checkerboard (`EvenSums`);
the map at a quarter of the size is added to the one that is enlarged to it, as in a U-Net
(Ronneberger et al. 2015), which keeps more of the photo at the same style; a sigmoid at the end.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import keras
import numpy as np
from keras import layers, ops

from common import fast
from common.fast.instance_norm import EPSILON, InstanceNormalization
from common.fast.resize_convolution import ResizeConv2D, plain_resize_convolution
from common.fast.subpixel_convolution import SubpixelConv2D, plain_subpixel_convolution
from style_transfer.feedforward.config import UPSAMPLING, WAVES
from style_transfer.feedforward.waves import waves

DOUBLING = {  # by the kind of upsampling and of kernels
    "subpixel": {"fast": SubpixelConv2D, "keras": plain_subpixel_convolution},
    "resize": {"fast": ResizeConv2D, "keras": plain_resize_convolution},
}
STRIDE = 8  # the sides of an image are multiples of this, at least twice it
Normalize = Callable[[keras.KerasTensor, str], keras.KerasTensor]


@dataclass(frozen=True)
class Shape:
    """What decides on the weights of a network.

    Attributes:
        width: Channels at half the size of the image; twice and four times as many
            at a quarter and at an eighth.
        depth: Residual blocks.
        styles: Number of styles.
        waves: Waves of the position.
        upsampling: How maps are enlarged, a key of `DOUBLING`.
    """

    width: int = 16
    depth: int = 6
    styles: int = 1
    waves: int = WAVES
    upsampling: str = UPSAMPLING[0]


def build(shape: Shape, kernels: str = "fast", *, movable: bool = False) -> keras.Model:
    """Build a network with the instance statistics of each image.

    Args:
        shape: What decides on the weights.
        kernels: "keras" for stock Keras layers, which any program with Keras loads;
            "fast" for `common.fast`. Both have the same weights.
        movable: Add a third input, the row and column in pixels where the waves of the
            position begin.

    Returns:
        A model of images (B, H, W, 3) in [0, 1], H and W multiples of `STRIDE` and at least
        twice it, weights (B, S) of the styles, which sum to 1, and, if `movable`, corners
        (B, 2), to images (B, H, W, 3) in [0, 1].

    Example:
        >>> build(Shape(styles=2)).output_shape
        (None, None, None, 3)
    """
    image, style = _inputs(shape)

    def normalize(values, name):
        scale, shift = _tables(shape, values.shape[-1], name, style)
        if kernels == "fast":
            return InstanceNormalization(name=name)([values, scale, shift])
        to_places = layers.Reshape((1, 1, -1), dtype="float32")
        scale, shift = to_places(scale), to_places(shift)
        centered = values - ops.mean(values, axis=(1, 2), keepdims=True)
        variance = ops.mean(ops.square(centered), axis=(1, 2), keepdims=True)
        return centered * ops.rsqrt(variance + EPSILON) * scale + shift

    corner = [keras.Input((2,), name="corner")] * movable
    painted = _transform(image, shape, normalize, kernels, *corner)
    return keras.Model([image, style, *corner], painted, name="network")


def build_measuring(shape: Shape) -> keras.Model:
    """Build a network that returns the statistics which its normalizations have used.

    Returns:
        A model of the inputs of `build`, movable, and with its weights to (B, 2, N): the
        means and variances of all N normalized channels.
    """
    image, style = _inputs(shape)
    corner, found = keras.Input((2,), name="corner"), []

    def normalize(values, name):
        found.append(ops.stack(ops.moments(values, axes=(1, 2)), axis=1))  # (B, 2, C)
        scale, shift = _tables(shape, values.shape[-1], name, style)
        return InstanceNormalization(name=name)([values, scale, shift])

    _transform(image, shape, normalize, "fast", corner)
    return keras.Model([image, style, corner], ops.concatenate(found, axis=2), name="measuring")


def build_fixed(shape: Shape) -> keras.Model:
    """Build a network whose normalizations are fixed maps, so that tiles fit together.

    Returns:
        A model of images (B, H, W, 3), of (B, 2, N), the factors and summands of all N
        normalized channels, and of (B, 2), the row and column of an image's corner in the
        whole one, to images (B, H, W, 3). Its weights are the convolutions'.
    """
    image = keras.Input((None, None, 3), name="image")
    affine = keras.Input((2, sum(channels(shape))), name="affine")
    corner = keras.Input((2,), name="corner")
    place = 0

    def normalize(values, name):
        nonlocal place
        after = place + values.shape[-1]
        factor, summand = (affine[:, part, None, None, place:after] for part in (0, 1))
        place = after
        return values * factor + summand

    painted = _transform(image, shape, normalize, "fast", corner)
    return keras.Model([image, affine, corner], painted, name="fixed")


def channels(shape: Shape) -> list[int]:
    """List the channels of every normalization, in the order of the network.

    Example:
        >>> channels(Shape(width=16, depth=1))
        [16, 32, 64, 64, 64, 32, 16]
    """
    width = shape.width
    return [width, 2 * width, *[4 * width] * (1 + 2 * shape.depth), 2 * width, width]


def affine_of(
    statistics: np.ndarray, tables: Sequence[np.ndarray], style: np.ndarray
) -> np.ndarray:
    """Turn statistics and a mixture of styles into the fixed maps of `build_fixed`.

    Args:
        statistics: Means and variances, (2, N).
        tables: Scale and shift (S, C) of every normalization in turn, as
            `style_tables` lists them.
        style: Weights of the styles, (S,).

    Returns:
        float32 (2, N).
    """
    scale = np.concatenate([style @ table for table in tables[::2]])  # (N,)
    shift = np.concatenate([style @ table for table in tables[1::2]])
    factor = scale / np.sqrt(statistics[1] + EPSILON)
    return np.stack([factor, shift - statistics[0] * factor]).astype(np.float32)


def copy_weights(source: keras.Model, target: keras.Model) -> None:
    """Copy the weights that two forms of a network have in common, by their names."""
    values = {variable.path: variable for variable in source.weights}
    for variable in target.weights:
        variable.assign(values[variable.path])


def style_tables(network: keras.Model) -> list[keras.Variable]:
    """List the variables (S, C) of the styles: scale and shift of each normalization in turn."""
    return [each for each in network.trainable_variables if _is_of_style(each)]


def shared_variables(network: keras.Model) -> list[keras.Variable]:
    """List the variables that all styles share: those of the convolutions."""
    return [each for each in network.trainable_variables if not _is_of_style(each)]


def _is_of_style(variable: keras.Variable) -> bool:
    return variable.path.split("/")[-2].endswith(("_scale", "_shift"))


def _inputs(shape: Shape) -> tuple[keras.KerasTensor, keras.KerasTensor]:
    image = keras.Input((None, None, 3), name="image")
    return image, keras.Input((shape.styles,), name="style")


def _tables(shape: Shape, count: int, name: str, style: keras.KerasTensor):
    """Scale and shift of a mixture of styles, (B, C) each: products with tables (S, C)."""
    return (
        layers.Dense(
            count,
            use_bias=False,
            kernel_initializer=start,
            dtype="float32",
            name=f"{name}_{part}",
        )(style)
        for part, start in (("scale", "ones"), ("shift", "zeros"))
    )


def _transform(
    image: keras.KerasTensor,
    shape: Shape,
    normalize: Normalize,
    kernels: str,
    corner: keras.KerasTensor | None = None,
) -> keras.KerasTensor:
    """Build the layers from an image to the result, with any kind of normalization."""
    kind, width = fast.layers(kernels), shape.width

    def convolve(values, filters, kernel, name, stride=1, padding=1):
        border = [[0, 0], [padding, padding], [padding, padding], [0, 0]]
        padded = ops.pad(values, border, mode="reflect")
        convolution = layers.Conv2D(filters, kernel, stride, use_bias=False, name=name)
        return normalize(convolution(padded), f"{name}_norm")

    def relu(values):
        return kind.ReLU()(values)

    values = relu(convolve(image, width, 6, "down1", stride=2, padding=2))  # (B, H/2, W/2, C)
    quarter = relu(convolve(values, 2 * width, 4, "down2", stride=2))  # (B, H/4, W/4, 2 C)
    values = relu(convolve(quarter, 4 * width, 4, "down3", stride=2))  # (B, H/8, W/8, 4 C)
    if shape.waves:
        mix = layers.Conv2D(4 * width, 1, use_bias=False, name="waves")
        values = layers.Add()([values, mix(waves(values, STRIDE, shape.waves, corner))])
    for number in range(1, shape.depth + 1):
        inner = relu(convolve(values, 4 * width, 3, f"block{number}_first"))
        values = layers.Add()([values, convolve(inner, 4 * width, 3, f"block{number}_second")])
    double = DOUBLING[shape.upsampling][kernels]
    # networks without this sum have other names, or their checkpoints would load and paint wrongly
    values = normalize(
        double(2 * width, name="to_quarter", use_bias=False)(values), "to_quarter_norm"
    )
    values = relu(layers.Add()([values, quarter]))  # (B, H/4, W/4, 2 C)
    values = normalize(double(width, name="to_half", use_bias=False)(values), "to_half_norm")
    values = relu(values)  # (B, H/2, W/2, C)
    return ops.sigmoid(ops.cast(double(3, name="paint")(values), "float32"))  # (B, H, W, 3)
