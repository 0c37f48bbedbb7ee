"""The nearest-neighbor style loss: every place wants to look like some place of the style."""

import tensorflow as tf

from common.losses.feature_map import FeatureMap, StyleLoss

MOST_PAIRS = 2**24  # cosines of one image at once; 64 MiB in float32
MOST_PLACES = 4096  # of the style, in one layer
SHARE = 0.01  # of the style's features: differences well below count as none


def nearest(target: FeatureMap) -> StyleLoss:
    """Compare each place with the nearest place of the style, by their cosine distance.

    The mean of 1 - cos(f - m, s - m) over the places f of the image, where s is the
    place of the style with the largest cosine and m the style's mean: Kolkin et al.
    2022, Neural Neighbor Style Transfer. Strokes are taken as they are in the style,
    but nothing asks for all of its colors.

    Deviations: one layer at a time instead of all of them joined; neighbors are found
    again at each step instead of once per size; no rotated copies of the style; of a
    large style, evenly spaced places are compared; one more channel, a hundredth of
    the features, makes places equal that hardly differ, as in a flat image.

    Args:
        target: Features of the style image.

    Returns:
        A function of the features of an image, to (B,), in [0, 2].

    Example:
        >>> loss = nearest(extractor(style)["fire4"])
        >>> loss(extractor(image)["fire4"])  # (B,)
    """
    values = _flat(tf.cast(target.expanded(), tf.float32))  # (1, h w, C)
    mean = tf.reduce_mean(values, axis=1, keepdims=True)  # (1, 1, C)
    size = tf.reduce_mean(tf.reduce_sum(tf.square(values), axis=-1))
    constant = SHARE * tf.sqrt(size) + 1e-6

    def unit(flat: tf.Tensor) -> tf.Tensor:
        """Scale f - m to length 1, with one more channel that is the same everywhere."""
        return tf.math.l2_normalize(
            tf.concat([flat - mean, tf.fill([*tf.unstack(tf.shape(flat))[:2], 1], constant)], -1),
            axis=-1,
        )

    known = unit(values)  # (1, h w, C + 1)

    def loss(value: FeatureMap) -> tf.Tensor:
        found = unit(_flat(tf.cast(value.expanded(), tf.float32)))  # (B, H W, C + 1)
        most = min(MOST_PLACES, max(1, MOST_PAIRS // found.shape[1]))
        candidates = evenly_spaced(known[0], most)  # (M, C + 1)
        cosines = tf.matmul(tf.stop_gradient(found), candidates[None], transpose_b=True)
        chosen = tf.gather(candidates, tf.argmax(cosines, axis=-1))  # (B, H W, C + 1)
        distance = 1.0 - tf.reduce_sum(found * chosen, axis=-1)  # (B, H W)
        return tf.reduce_mean(tf.maximum(distance, 0.0), axis=1)

    return loss


def evenly_spaced(rows: tf.Tensor, most: int) -> tf.Tensor:
    """Take at most `most` evenly spaced rows of (N, C).

    Example:
        >>> evenly_spaced(tf.constant([[0], [1], [2], [3]]), 2).numpy().tolist()
        [[0], [2]]
    """
    step = -(-rows.shape[0] // most)
    return rows[::step]


def _flat(values: tf.Tensor) -> tf.Tensor:
    return tf.reshape(values, (-1, values.shape[1] * values.shape[2], values.shape[3]))
