"""Differentiable augmentation: what the discriminator sees, real and generated alike.

Each operation touches each picture with the same probability. As long as that
stays below about .8 a generator does not learn to produce the augmented look
(Karras et al. 2020, section 3.1: such a mixture can be inverted). Gradients go
through every operation. Pure functions: random numbers come from a key, int (2,).
"""

from collections.abc import Callable

import keras
import tensorflow as tf

from common.distribution import replicas
from gan.balance.base import Control
from gan.config import MAX_AUGMENT

SHIFT = 0.125  # of the side, at most: Zhao et al. 2020, appendix B.1 (DiffAugment)
CUTOUT = 0.5  # of the side
BRIGHTNESS = 0.2  # standard deviation, pictures in [-1, 1]: Karras et al. 2020, appendix B
CONTRAST = 0.5  # standard deviation of log2 of the factor


def translate(images: tf.Tensor, chosen: tf.Tensor, key: tf.Tensor) -> tf.Tensor:
    """Shifts by whole pixels, up to an eighth of the side; the border is repeated."""
    batch, side = tf.shape(images)[0], images.shape[1]
    reach = max(1, round(SHIFT * side))
    between = {"minval": -reach, "maxval": reach + 1, "dtype": tf.int32}
    shift = _uniform((2, batch), key, axis=1, **between)
    shift = shift * tf.cast(chosen, tf.int32)[None, :]
    for axis in (1, 2):
        places = tf.range(side)[None, :] + shift[axis - 1][:, None]  # (B, side)
        places = tf.clip_by_value(places, 0, side - 1)
        images = tf.gather(images, places, axis=axis, batch_dims=1)
    return images


def flip(images: tf.Tensor, chosen: tf.Tensor, key: tf.Tensor) -> tf.Tensor:
    """Left becomes right; for pictures whose horizontal_flip image is as real as they are."""
    del key
    return tf.where(chosen[:, None, None, None], images[:, :, ::-1], images)


def cutout(images: tf.Tensor, chosen: tf.Tensor, key: tf.Tensor) -> tf.Tensor:
    """Blanks a square of half the side around a random place (DeVries and Taylor 2017)."""
    batch, side = tf.shape(images)[0], images.shape[1]
    centre = _uniform((2, batch, 1), key, axis=1, maxval=side)
    near = tf.abs(tf.range(side, dtype=tf.float32) + 0.5 - centre) < 0.5 * CUTOUT * side
    hole = near[0][:, :, None] & near[1][:, None, :] & chosen[:, None, None]  # (B, H, W)
    return tf.where(hole[..., None], tf.zeros_like(images), images)


def brighten(images: tf.Tensor, chosen: tf.Tensor, key: tf.Tensor) -> tf.Tensor:
    """Adds one normal number to all of a picture."""
    change = BRIGHTNESS * _normal(images, key)
    return images + tf.where(chosen[:, None, None, None], change, 0.0)


def change_contrast(images: tf.Tensor, chosen: tf.Tensor, key: tf.Tensor) -> tf.Tensor:
    """Multiplies the distance from middle gray by a log-normal factor."""
    exponent = CONTRAST * _normal(images, key)
    return images * tf.where(chosen[:, None, None, None], tf.pow(2.0, exponent), 1.0)


def _normal(images: tf.Tensor, key: tf.Tensor) -> tf.Tensor:
    """One number for each picture, (B, 1, 1, 1)."""
    shape = (tf.shape(images)[0], 1, 1, 1)
    return replicas.draw(tf.random.stateless_normal, shape, seed=key)


def _uniform(shape: tuple, key: tf.Tensor, axis: int = 0, **between) -> tf.Tensor:
    """In [0, 1) unless told; `axis` is the batch's."""
    return replicas.draw(tf.random.stateless_uniform, shape, axis=axis, seed=key, **between)


OPERATIONS: dict[str, Callable[[tf.Tensor, tf.Tensor, tf.Tensor], tf.Tensor]] = {
    "translate": translate,
    "flip": flip,
    "cutout": cutout,
    "brightness": brighten,
    "contrast": change_contrast,
}


def augment(
    images: tf.Tensor, probability: tf.Tensor, operations: tuple[str, ...], key: tf.Tensor
) -> tf.Tensor:
    """Applies each of `operations` to each picture (B, H, W, C) with `probability`."""
    images = tf.cast(images, tf.float32)
    keys = tf.random.split(key, 2 * len(operations))  # (2 x operations, 2)
    for at, name in enumerate(operations):
        draw = _uniform((tf.shape(images)[0],), keys[2 * at])
        images = OPERATIONS[name](images, draw < probability, keys[2 * at + 1])
    return images


class Augmentation(Control):
    """Augments real and fake pictures with a probability, fixed or adapted.

    Adapted as in Karras et al. 2020, section 3.2: it rises while the
    discriminator is surer of real pictures than `target`, the mean sign of its
    logits for them, and falls otherwise. Deviations: it moves at every step
    instead of every fourth, and faster, as small networks overfit sooner.
    """

    MOMENTUM = 0.95  # of the running mean sign, per step

    def __init__(
        self,
        probability: float,
        operations: tuple[str, ...],
        seed: int,
        target: float = 0.0,
        kimg: float = 20.0,
    ):
        """`target` 0 keeps the probability; `kimg` is the way from 0 to 1 in thousand images."""
        super().__init__(name="augment")
        self.operations, self.target, self.kimg = operations, target, kimg
        self.seed = keras.random.SeedGenerator(seed)
        self.probability = self.add_weight(
            name="probability",
            initializer=keras.initializers.Constant(probability),
            trainable=False,
        )
        if target:
            self.running = self.add_weight(
                name="running", initializer=keras.initializers.Constant(target), trainable=False
            )

    def augment(self, images, images_seen):
        probability, key = self.probability.value, self.seed.next()
        return tf.cond(
            probability > 0.0,
            lambda: augment(images, probability, self.operations, key),
            lambda: tf.cast(images, tf.float32),
        )

    def observe(self, metrics):
        if not self.target:
            return
        sign = metrics["discriminator/r_t"]
        self.running.assign(self.MOMENTUM * self.running + (1.0 - self.MOMENTUM) * sign)
        self.move(tf.sign(self.running - self.target), metrics["images"])

    def move(self, speed: tf.Tensor, images: tf.Tensor) -> None:
        """Raises the probability at a part of full speed, -1 to 1, for so many images."""
        step = speed * tf.cast(images, tf.float32) / (1000.0 * self.kimg)
        self.probability.assign(tf.clip_by_value(self.probability + step, 0.0, MAX_AUGMENT))

    def scalars(self, images_seen):
        return {"balance/augment": tf.convert_to_tensor(self.probability)}
