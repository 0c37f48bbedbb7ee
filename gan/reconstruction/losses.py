"""Distances between real images and their reconstructions."""

from collections.abc import Callable

import keras
import tensorflow as tf

from common.extractors import deep
from common.losses.content import squared_distance
from gan.layers.deep_features import extractor_dtype, rgb

SCALES = 4  # the full size and three halvings
LAYERS = ("fire3", "fire5")  # of the embedded extractor: places of 4 and 8 pixels


def pyramid_distance(real: tf.Tensor, found: tf.Tensor) -> tf.Tensor:
    """Average the absolute difference at the full size and three halvings of it.

    The coarse scales pull large shapes into place, as a Laplacian pyramid's do
    (Bojanowski et al. 2018, Optimizing the Latent Space of Generative Networks,
    section 3.3).

    Args:
        real: (B, H, W, C).
        found: The same shape.

    Returns:
        A scalar: the mean over images, in units of pixel values.

    Example:
        >>> float(pyramid_distance(tf.zeros((1, 8, 8, 3)), tf.ones((1, 8, 8, 3))))
        1.0
    """
    difference = tf.cast(real, tf.float32) - tf.cast(found, tf.float32)
    scales = []
    for scale in range(SCALES):
        if scale and min(difference.shape[1:3]) > 1:
            difference = tf.nn.avg_pool2d(difference, 2, 2, "SAME")
        scales.append(tf.reduce_mean(tf.abs(difference)))
    return tf.add_n(scales) / SCALES


def feature_distance() -> Callable[[tf.Tensor, tf.Tensor], tf.Tensor]:
    """Make a function that compares deep features of the embedded extractor.

    They are computed in Keras's precision, in float32 in place of float16.

    Returns:
        A function of real images and reconstructions, (B, H, W, C) in [-1, 1] each,
        to a scalar: the mean squared difference relative to the real images' features.
    """
    kind = extractor_dtype(keras.config.dtype_policy().compute_dtype)
    weights = {name: tf.constant(array, kind) for name, array in deep.read().items()}

    def distance(real: tf.Tensor, found: tf.Tensor) -> tf.Tensor:
        goal, have = (deep.student(rgb(images), weights) for images in (real, found))
        each = [tf.reduce_mean(squared_distance(have[name], goal[name])) for name in LAYERS]
        return tf.add_n(each) / len(LAYERS)

    return distance
