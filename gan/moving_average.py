"""The exponential moving average of a generator's weights (Yazici et al. 2019)."""

import keras
import tensorflow as tf


def update(
    average: keras.Model,
    network: keras.Model,
    batch_size: tf.Tensor,
    images_seen: tf.Tensor,
    *,
    kimg: float,
    rampup: float,
) -> None:
    """Move an average towards a network.

    Args:
        average: Same architecture as `network`; changed in place.
        network: In training.
        batch_size: Images since the last update, int64.
        images_seen: Images since the beginning, int64.
        kimg: Half-life in thousand images; 0: no average.
        rampup: Largest half-life as a fraction of the images seen, so that the
            average forgets the beginning.
    """
    half_life = tf.minimum(1000.0 * kimg, rampup * tf.cast(images_seen, tf.float32))
    keep = tf.pow(0.5, tf.cast(batch_size, tf.float32) / half_life)
    for mean, value in zip(average.weights, network.weights, strict=True):
        counts = not keras.backend.is_float_dtype(mean.dtype)  # as Normalization has
        mean.assign(value if counts else value + keep * (mean - value))
