"""The sliced Wasserstein style loss: sorted projections of activations."""

import tensorflow as tf

from common.losses.feature_map import FeatureMap, StyleLoss, positive

SEED = 0
DIRECTIONS = 64  # per layer; Heitz et al. 2021 take as many as there are channels


def sliced(target: FeatureMap) -> StyleLoss:
    """Compare all activations by their sorted projections on random directions.

    Heitz et al. 2021, A Sliced Wasserstein Loss for Neural Texture Synthesis:
    unlike moments it compares whole distributions. Divided by the mean
    square of the target's projections, so that 1 is the distance of features that
    are all 0.

    Deviations: the directions are drawn once instead of at each step, so that the
    loss is a function and L-BFGS can minimize it; the quantiles of a target with
    another number of places are interpolated.

    Args:
        target: Features of the style image.

    Returns:
        A function of the features of an image, to (B,).

    Example:
        >>> loss = sliced(extractor(style)["relu1_1"])
        >>> loss(extractor(image)["relu1_1"])  # (B,)
    """
    channels = target.expanded().shape[-1]
    drawn = tf.random.stateless_normal((channels, DIRECTIONS), seed=(SEED, channels))
    directions = tf.math.l2_normalize(drawn, axis=0)  # (C, D)

    def project(features: FeatureMap) -> tf.Tensor:
        values = tf.cast(features.expanded(), tf.float32)  # (B, H, W, C)
        flat = tf.reshape(values, (-1, values.shape[1] * values.shape[2], channels))
        projected = tf.matmul(flat, directions[None])  # (B, H W, D)
        return tf.sort(tf.transpose(projected, (0, 2, 1)), axis=-1)  # (B, D, H W)

    goal = project(target)  # (1, D, h w)
    size = positive(tf.reduce_mean(tf.square(goal), axis=(1, 2)))

    def loss(value: FeatureMap) -> tf.Tensor:
        found = project(value)
        difference = found - quantiles(goal, found.shape[-1])
        return tf.reduce_mean(tf.square(difference), axis=(1, 2)) / size

    return loss


def quantiles(ordered: tf.Tensor, count: int) -> tf.Tensor:
    """Interpolate sorted numbers linearly at `count` evenly spaced places.

    Args:
        ordered: (B, D, N), ascending along the last axis.
        count: Number of quantiles.

    Returns:
        (B, D, count). Each stands for an equal share, so the outermost are not the
        extremes if count is below N.

    Example:
        >>> quantiles(tf.constant([[[0.0, 1.0, 2.0, 3.0]]]), 2).numpy().tolist()
        [[[0.5, 2.5]]]
    """
    have = ordered.shape[-1]
    if have == count:
        return ordered
    places = (tf.range(count, dtype=tf.float32) + 0.5) * (have / count) - 0.5
    places = tf.clip_by_value(places, 0.0, have - 1.0)
    lower = tf.floor(places)
    upper = tf.minimum(tf.cast(lower, tf.int32) + 1, have - 1)
    share = places - lower
    below, above = (
        tf.gather(ordered, tf.cast(lower, tf.int32), axis=-1),
        tf.gather(ordered, upper, axis=-1),
    )
    return below + share * (above - below)
