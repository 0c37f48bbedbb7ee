"""Implementations that exist for speed only, each beside its plain Keras form.

`--kernels fast` builds the networks and their optimizers from this package,
`--kernels keras` builds the same ones from stock Keras. Both have the same
variables, so a checkpoint of one loads into the other, and the tests compare
them layer by layer and over a whole training step.

Style transfer has fast forms here too, in the other modules.
"""

import functools
from types import SimpleNamespace

import keras
import tensorflow as tf

from common.fast.activations import LeakyReLU, ReLU
from common.fast.convolution_layers import Conv2D, Conv2DTranspose
from common.fast.depth_to_space import DepthToSpace, plain_depth_to_space
from common.fast.normalization import BatchNormalization
from common.fast.optimizers import Adam

KERNELS = ("fast", "keras")


def layers(kernels: str) -> SimpleNamespace:
    """Return the layers that both implementations provide.

    Args:
        kernels: `"fast"` for the layers of this package, `"keras"` for stock Keras.

    Returns:
        A namespace with `Conv2D`, `Conv2DTranspose`, `BatchNormalization`, `ReLU`,
        `LeakyReLU` and `DepthToSpace`, called as in Keras. With several replicas
        the stock `BatchNormalization` is built with `synchronized=True`, since the
        fast one normalizes a batch that is split among replicas as a whole.

    Raises:
        ValueError: `kernels` is neither of the two.

    Example:
        >>> layers("keras").Conv2D is keras.layers.Conv2D
        True
        >>> x = keras.Input((8, 8, 12))
        >>> layers("fast").DepthToSpace()(x).shape
        (None, 16, 16, 3)
    """
    if kernels == "fast":
        return SimpleNamespace(
            Conv2D=Conv2D,
            Conv2DTranspose=Conv2DTranspose,
            BatchNormalization=BatchNormalization,
            ReLU=ReLU,
            LeakyReLU=LeakyReLU,
            DepthToSpace=DepthToSpace,
        )
    _check(kernels)
    several = tf.distribute.get_strategy().num_replicas_in_sync > 1
    return SimpleNamespace(
        Conv2D=keras.layers.Conv2D,
        Conv2DTranspose=keras.layers.Conv2DTranspose,
        BatchNormalization=functools.partial(keras.layers.BatchNormalization, synchronized=several),
        ReLU=keras.layers.ReLU,
        LeakyReLU=keras.layers.LeakyReLU,
        DepthToSpace=plain_depth_to_space,
    )


def adam(kernels: str) -> type[keras.optimizers.Adam]:
    """Return the class of the Adam optimizer.

    Args:
        kernels: `"fast"` for TensorFlow's fused kernel, `"keras"` for stock Keras.

    Returns:
        A subclass of `keras.optimizers.Adam`, or that class itself.

    Raises:
        ValueError: `kernels` is neither of the two.

    Example:
        >>> optimizer = adam("fast")(1e-3, beta_1=0.5)
    """
    _check(kernels)
    return Adam if kernels == "fast" else keras.optimizers.Adam


def _check(kernels: str) -> None:
    if kernels not in KERNELS:
        raise ValueError(f"kernels: expected one of {', '.join(KERNELS)}, got {kernels!r}")
