"""Differentiable augmentation: what the discriminator sees, real and generated alike.

Each operation touches each picture with the same probability. As long as that
stays below about .8 a generator does not learn to produce the augmented look
(Karras et al. 2020, section 3.1: such a mixture can be inverted). Gradients go
through every operation.
"""

from collections.abc import Callable

import keras
import tensorflow as tf

from common import replicas

SHIFT = 0.125  # of the side, at most: Zhao et al. 2020, appendix B.1 (DiffAugment)
CUTOUT = 0.5  # of the side
BRIGHTNESS = 0.2  # standard deviation, pictures in [-1, 1]: Karras et al. 2020, appendix B
CONTRAST = 0.5  # standard deviation of log2 of the factor

Seed = keras.random.SeedGenerator


def translate(images: tf.Tensor, chosen: tf.Tensor, seed: Seed) -> tf.Tensor:
    """Shifts by whole pixels, up to an eighth of the side; the border is repeated."""
    batch, side = tf.shape(images)[0], images.shape[1]
    reach = max(1, round(SHIFT * side))
    bounds = (-reach, reach + 1)
    shift = replicas.draw(keras.random.randint, (2, batch), *bounds, axis=1, seed=seed)  # (2, B)
    shift = shift * tf.cast(chosen, tf.int32)[None, :]
    for axis in (1, 2):
        places = tf.range(side)[None, :] + shift[axis - 1][:, None]  # (B, side)
        places = tf.clip_by_value(places, 0, side - 1)
        images = tf.gather(images, places, axis=axis, batch_dims=1)
    return images


def flip(images: tf.Tensor, chosen: tf.Tensor, seed: Seed) -> tf.Tensor:
    """Left becomes right; for pictures whose mirror image is as real as they are."""
    del seed
    return tf.where(chosen[:, None, None, None], images[:, :, ::-1], images)


def cutout(images: tf.Tensor, chosen: tf.Tensor, seed: Seed) -> tf.Tensor:
    """Blanks a square of half the side around a random place (DeVries and Taylor 2017)."""
    batch, side = tf.shape(images)[0], images.shape[1]
    centre = replicas.draw(keras.random.uniform, (2, batch, 1), 0.0, side, axis=1, seed=seed)
    near = tf.abs(tf.range(side, dtype=tf.float32) + 0.5 - centre) < 0.5 * CUTOUT * side
    hole = near[0][:, :, None] & near[1][:, None, :] & chosen[:, None, None]  # (B, H, W)
    return tf.where(hole[..., None], tf.zeros_like(images), images)


def brighten(images: tf.Tensor, chosen: tf.Tensor, seed: Seed) -> tf.Tensor:
    """Adds one normal number to all of a picture."""
    change = BRIGHTNESS * _normal(images, seed)
    return images + tf.where(chosen[:, None, None, None], change, 0.0)


def change_contrast(images: tf.Tensor, chosen: tf.Tensor, seed: Seed) -> tf.Tensor:
    """Multiplies the distance from middle gray by a log-normal factor."""
    exponent = CONTRAST * _normal(images, seed)
    return images * tf.where(chosen[:, None, None, None], tf.pow(2.0, exponent), 1.0)


def _normal(images: tf.Tensor, seed: Seed) -> tf.Tensor:
    """One number for each picture, (B, 1, 1, 1)."""
    return replicas.draw(keras.random.normal, (tf.shape(images)[0], 1, 1, 1), seed=seed)


OPERATIONS: dict[str, Callable[[tf.Tensor, tf.Tensor, Seed], tf.Tensor]] = {
    "translate": translate,
    "flip": flip,
    "cutout": cutout,
    "brightness": brighten,
    "contrast": change_contrast,
}


def augment(
    images: tf.Tensor, probability: tf.Tensor, operations: tuple[str, ...], seed: Seed
) -> tf.Tensor:
    """Applies each of `operations` to each picture (B, H, W, C) with `probability`."""
    images = tf.cast(images, tf.float32)
    for name in operations:
        draw = replicas.draw(keras.random.uniform, (tf.shape(images)[0],), seed=seed)
        images = OPERATIONS[name](images, draw < probability, seed)
    return images
