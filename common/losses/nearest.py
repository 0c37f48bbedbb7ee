"""The nearest-neighbor style loss: every place wants to look like some place of the style."""

import tensorflow as tf

from common.losses.feature_map import FeatureMap, StyleLoss

MOST_PLACES = 1024  # of the style, in one layer
CHUNK = 2**14  # places of the image that are compared at once: 64 MiB of cosines
SHARE = 0.01  # of the style's features: differences well below count as none


def nearest(target: FeatureMap) -> StyleLoss:
    """Compare each place with the nearest place of the style, by their cosine distance.

    The mean of 1 - cos(f - m, s - m) over the places f of the image, where s is the
    place of the style with the largest cosine and m the style's mean: Kolkin et al.
    2022, Neural Neighbor Style Transfer. As in the paper's last pass, each layer is
    compared by itself and neighbors are found again at each step. Strokes are taken as
    they are in the style, but nothing asks for all of its colors.

    Deviations: the style's mean is subtracted from both images, so that colors count,
    where the paper subtracts each one's own; no rotated copies of the style; of a large
    style, at most `MOST_PLACES` on a grid are compared; one more channel, a hundredth
    of the features, makes places equal that hardly differ, as in a flat image.

    Args:
        target: Features of the style image.

    Returns:
        A function of the features of an image, to (B,), in [0, 2].

    Example:
        >>> loss = nearest(extractor(style)["fire4"])
        >>> loss(extractor(image)["fire4"])  # (B,)
    """
    target_values = tf.cast(target.expanded(), tf.float32)
    values = _flat(target_values)  # (1, h w, C)
    mean = tf.reduce_mean(values, axis=1, keepdims=True)  # (1, 1, C)
    size = tf.reduce_mean(tf.reduce_sum(tf.square(values), axis=-1))
    constant = SHARE * tf.sqrt(size) + 1e-6

    def unit(flat: tf.Tensor) -> tf.Tensor:
        """Scale f - m to length 1, with one more channel that is the same everywhere."""
        return tf.math.l2_normalize(
            tf.concat([flat - mean, tf.fill([*tf.unstack(tf.shape(flat))[:2], 1], constant)], -1),
            axis=-1,
        )

    candidates = unit(_flat(on_a_grid(target_values, MOST_PLACES)))[0]  # (M, C + 1)

    def loss(value: FeatureMap) -> tf.Tensor:
        found = unit(_flat(tf.cast(value.expanded(), tf.float32)))  # (B, H W, C + 1)
        fixed, indices = tf.stop_gradient(found), []
        for start in range(0, found.shape[1], CHUNK):
            part = fixed[:, start : start + CHUNK]
            indices.append(tf.argmax(part @ tf.transpose(candidates), axis=-1))
        chosen = tf.gather(candidates, tf.concat(indices, axis=1))  # (B, H W, C + 1)
        distance = 1.0 - tf.reduce_sum(found * chosen, axis=-1)  # (B, H W)
        return tf.reduce_mean(tf.maximum(distance, 0.0), axis=1)

    return loss


def on_a_grid(values: tf.Tensor, most: int) -> tf.Tensor:
    """Take at most `most` places of a feature map (1, H, W, C), evenly spaced in both directions.

    Example:
        >>> on_a_grid(tf.zeros((1, 64, 100, 3)), 1024).shape
        TensorShape([1, 22, 34, 3])
    """
    _, height, width, _ = values.shape
    step = 1
    while -(-height // step) * -(-width // step) > most:
        step += 1
    return values[:, (height - 1) % step // 2 :: step, (width - 1) % step // 2 :: step]


def _flat(values: tf.Tensor) -> tf.Tensor:
    return tf.reshape(values, (-1, values.shape[1] * values.shape[2], values.shape[3]))
