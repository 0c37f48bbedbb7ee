"""Differentiable augmentation of the discriminator's inputs.

Real and generated images are augmented equally. Each operation changes each image
with the same probability. While that is below about 0.8, the generator does not
learn to produce augmented images (Karras et al. 2020, section 3.1: the mixture can
be inverted). The operations are pure functions of images (B, H, W, C) in [-1, 1],
a mask (B,) of the images to change, and a random key, int (2,); gradients pass
through them.
"""

from collections.abc import Callable

import keras
import tensorflow as tf

from common.distribution import replicas
from gan.balance.base import Control
from gan.config import MAX_AUGMENT, BalanceConfig

SHIFT = 0.125  # of each side, at most: Zhao et al. 2020, appendix B.1 (DiffAugment)
CUTOUT = 0.5  # of each side
BRIGHTNESS = 0.2  # standard deviation: Karras et al. 2020, appendix B
CONTRAST = 0.5  # standard deviation of log2 of the factor


def translate(images: tf.Tensor, chosen: tf.Tensor, key: tf.Tensor) -> tf.Tensor:
    """Shift images by whole pixels, up to an eighth of each side, and repeat the border.

    Zhao et al. 2020 (DiffAugment), appendix B.1. Deviation: they fill with zeros.

    Args:
        images: (B, H, W, C).
        chosen: bool (B,).
        key: int (2,).

    Returns:
        (B, H, W, C).
    """
    batch, sides = tf.shape(images)[0], images.shape[1:3]
    reach = max(1, round(SHIFT * max(sides)))
    # not drawn as integers, so that one key moves all sizes of an image equally far
    place = tf.floor(_uniform((2, batch), key, axis=1) * (2 * reach + 1))
    shift = tf.minimum(place, 2.0 * reach) - reach
    shift = shift * tf.cast(chosen, tf.float32)[None, :]  # (2, B), of the longer side
    for axis, side in enumerate(sides, start=1):
        scaled = tf.cast(tf.round(shift[axis - 1] * (side / max(sides))), tf.int32)  # (B,)
        places = tf.range(side)[None, :] + scaled[:, None]  # (B, side)
        places = tf.clip_by_value(places, 0, side - 1)
        images = tf.gather(images, places, axis=axis, batch_dims=1)
    return images


def flip(images: tf.Tensor, chosen: tf.Tensor, key: tf.Tensor) -> tf.Tensor:
    """Flip images left to right; for datasets whose flipped images are realistic.

    Args and Returns: as for `translate`.
    """
    del key
    return tf.where(chosen[:, None, None, None], images[:, :, ::-1], images)


def cutout(images: tf.Tensor, chosen: tf.Tensor, key: tf.Tensor) -> tf.Tensor:
    """Set a rectangle of half of each side around a random position to zero.

    DeVries and Taylor 2017; of squares, a square.

    Args and Returns: as for `translate`.
    """
    centres = _uniform((2, tf.shape(images)[0], 1), key, axis=1)  # as a share of each side

    def near(axis: int) -> tf.Tensor:
        side = images.shape[axis + 1]
        pixels = tf.range(side, dtype=tf.float32) + 0.5
        return tf.abs(pixels - side * centres[axis]) < 0.5 * CUTOUT * side  # (B, side)

    hole = near(0)[:, :, None] & near(1)[:, None, :] & chosen[:, None, None]  # (B, H, W)
    return tf.where(hole[..., None], tf.zeros_like(images), images)


def brighten(images: tf.Tensor, chosen: tf.Tensor, key: tf.Tensor) -> tf.Tensor:
    """Add one normal random number to all pixels of an image.

    Args and Returns: as for `translate`.
    """
    change = BRIGHTNESS * _normal(images, key)
    return images + tf.where(chosen[:, None, None, None], change, 0.0)


def change_contrast(images: tf.Tensor, chosen: tf.Tensor, key: tf.Tensor) -> tf.Tensor:
    """Multiply the distance from middle gray by a log-normal factor.

    Args and Returns: as for `translate`.
    """
    exponent = CONTRAST * _normal(images, key)
    return images * tf.where(chosen[:, None, None, None], tf.pow(2.0, exponent), 1.0)


def _normal(images: tf.Tensor, key: tf.Tensor) -> tf.Tensor:
    """Draw one number per image, (B, 1, 1, 1)."""
    shape = (tf.shape(images)[0], 1, 1, 1)
    return replicas.draw(tf.random.stateless_normal, shape, seed=key)


def _uniform(shape: tuple, key: tf.Tensor, axis: int = 0, **between) -> tf.Tensor:
    """Draw numbers in [0, 1), or as `between` says; `axis` is that of the batch."""
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
    """Apply each operation to each image with a probability.

    The same key changes an image of another size equally, its shift rounded to whole
    pixels.

    Args:
        images: (B, H, W, C) in [-1, 1].
        probability: Scalar.
        operations: Names in `OPERATIONS`.
        key: int (2,).

    Returns:
        float32 (B, H, W, C).

    Example:
        >>> augment(images, tf.constant(0.5), ("cutout", "flip"), tf.constant([0, 1])).shape
        TensorShape([8, 32, 32, 3])
    """
    images = tf.cast(images, tf.float32)
    keys = tf.random.split(key, 2 * len(operations))  # (2 x operations, 2)
    for at, name in enumerate(operations):
        draw = _uniform((tf.shape(images)[0],), keys[2 * at])
        images = OPERATIONS[name](images, draw < probability, keys[2 * at + 1])
    return images


class Augmentation(Control):
    """Augment real and generated images with a fixed or adapted probability.

    Adaptation follows Karras et al. 2020, section 3.2: the probability rises while
    r_t, the mean sign of D(real), is above the target, and falls otherwise.
    Deviations: it changes at every step instead of every fourth, and faster, as
    small networks overfit sooner.

    Args:
        probability: Of each operation; the initial one if it is adapted.
        operations: Names in `OPERATIONS`.
        seed: Of the random stream.
        target: Of r_t; 0 keeps the probability fixed.
        kimg: Thousand images in which the probability can rise from 0 to 1.
    """

    MOMENTUM = 0.95  # of the running mean of r_t, per step

    def __init__(
        self,
        probability: float,
        operations: tuple[str, ...],
        seed: int,
        target: float = 0.0,
        kimg: float = 20.0,
    ):
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
        return self.augment_scales([images], images_seen)[0]

    def augment_scales(self, scales, images_seen):
        """Apply the same operations at all resolutions."""
        probability, key = self.probability.value, self.seed.next()
        return tf.cond(
            probability > 0.0,
            lambda: [augment(images, probability, self.operations, key) for images in scales],
            lambda: [tf.cast(images, tf.float32) for images in scales],
        )

    def observe(self, metrics):
        if not self.target:
            return
        r_t = metrics["discriminator/r_t"]
        self.running.assign(self.MOMENTUM * self.running + (1.0 - self.MOMENTUM) * r_t)
        self.move(tf.sign(self.running - self.target), metrics["images"])

    def move(self, speed: tf.Tensor, images: tf.Tensor) -> None:
        """Change the probability.

        Args:
            speed: Fraction of full speed, -1 to 1.
            images: Number of images since the last change.
        """
        step = speed * tf.cast(images, tf.float32) / (1000.0 * self.kimg)
        self.probability.assign(tf.clip_by_value(self.probability + step, 0.0, MAX_AUGMENT))

    def scalars(self, images_seen):
        return {"balance/augment": tf.convert_to_tensor(self.probability)}


def build(config: BalanceConfig, seed: int) -> Augmentation | None:
    """Build the control if `augment` or `augment_target` is set."""
    if not config.augment and not config.augment_target:
        return None
    return Augmentation(
        config.augment,
        config.augment_operations,
        seed + 3,
        target=config.augment_target,
        kimg=config.augment_kimg,
    )
