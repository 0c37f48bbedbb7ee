"""Metrics of a training step as pure functions of logits and gradients."""

from collections.abc import Sequence
from typing import NamedTuple

import keras
import tensorflow as tf

from common.distribution import replicas
from common.losses.adversarial import AdversarialLoss

STEP_METRICS = (
    "loss/discriminator",
    "loss/generator",
    "loss/penalty",
    "discriminator/real",
    "discriminator/fake",
    "discriminator/over_chance",
    "discriminator/spread",
    "discriminator/accuracy",
    "discriminator/r_t",
    "gradient_norm/discriminator",
    "gradient_norm/generator",
    "learning_rate/discriminator",
    "learning_rate/generator",
)


class DiscriminatorLosses(NamedTuple):
    """What the discriminator's loss is made of.

    Attributes:
        real_logits: (B,).
        fake_logits: (B,).
        loss: Adversarial loss, a scalar.
        penalty: Gradient penalty before its weight, a scalar.
        total: What is minimized, multiplied by the optimizer's loss scale.
    """

    real_logits: tf.Tensor
    fake_logits: tf.Tensor
    loss: tf.Tensor
    penalty: tf.Tensor
    total: tf.Tensor


class GeneratorLosses(NamedTuple):
    """The generator's loss.

    Attributes:
        loss: Adversarial loss, a scalar.
        reconstruction: That of reconstructions, a scalar; 0 without them.
        total: What is minimized: the sum multiplied by the optimizer's loss scale.
    """

    loss: tf.Tensor
    reconstruction: tf.Tensor
    total: tf.Tensor


def of_discriminator(
    losses: DiscriminatorLosses, functions: AdversarialLoss
) -> dict[str, tf.Tensor]:
    """Compute all metrics of a discriminator step, except the norm of its gradient.

    Args:
        losses: Of the step.
        functions: The adversarial loss that was used.

    Returns:
        Scalars by name; of this replica's share of the batch.
    """
    real, fake = losses.real_logits, losses.fake_logits
    return {
        "loss/discriminator": losses.loss,
        "loss/penalty": losses.penalty,
        "discriminator/real": tf.reduce_mean(tf.sigmoid(real)),
        "discriminator/fake": tf.reduce_mean(tf.sigmoid(fake)),
        "discriminator/over_chance": losses.loss - chance_loss(real, functions),
        "discriminator/spread": tf.math.reduce_std(tf.concat([real, fake], axis=0)),
        "discriminator/accuracy": accuracy(real=real, fake=fake, boundary=functions.boundary),
        "discriminator/r_t": r_t(real=real, fake=fake, boundary=functions.boundary),
    }


def chance_loss(logits: tf.Tensor, functions: AdversarialLoss) -> tf.Tensor:
    """Compute the loss of a discriminator that returns its boundary for every image.

    Args:
        logits: (B,); only their number counts.
        functions: The adversarial loss.

    Returns:
        A scalar, 2 log 2 for the non-saturating loss.

    Example:
        >>> float(chance_loss(tf.zeros((4,)), ADVERSARIAL["hinge"]))
        2.0
    """
    undecided = tf.fill(tf.shape(logits), float(functions.boundary or 0.0))
    return tf.reduce_mean(functions.discriminator(real=undecided, fake=undecided))


def accuracy(*, real: tf.Tensor, fake: tf.Tensor, boundary: float | None) -> tf.Tensor:
    """Compute the fraction of images on the right side of the boundary.

    Args:
        real: Logits (B,) of real images.
        fake: Logits (B,) of generated images.
        boundary: Logit of an undecided discriminator. None for a critic whose
            logits have no zero: then the fraction of pairs in the right order.

    Returns:
        A scalar in [0, 1].

    Example:
        >>> real, fake = tf.constant([2.0, -1.0]), tf.constant([-2.0, -1.0])
        >>> float(accuracy(real=real, fake=fake, boundary=0.0))
        0.75
    """
    if boundary is None:
        return tf.reduce_mean(tf.cast(real > fake, tf.float32))
    right = tf.concat([real > boundary, fake < boundary], axis=0)  # (2B,)
    return tf.reduce_mean(tf.cast(right, tf.float32))


def r_t(*, real: tf.Tensor, fake: tf.Tensor, boundary: float | None) -> tf.Tensor:
    """Compute the mean sign of D(real), an overfitting heuristic.

    Karras et al. 2020, equation 1, r_t: near 1 if the discriminator is sure of
    all training images. Deviation: a critic, whose logits have no zero, is
    measured from its mean for generated images.

    Args:
        real: Logits (B,) of real images.
        fake: Logits (B,) of generated images.
        boundary: Logit of an undecided discriminator; None for a critic.

    Returns:
        A scalar in [-1, 1].

    Example:
        >>> float(r_t(real=tf.constant([3.0, 1.0]), fake=tf.constant([-1.0, 0.0]), boundary=0.0))
        1.0
    """
    zero = replicas.mean(tf.reduce_mean(fake)) if boundary is None else boundary
    return tf.reduce_mean(tf.sign(real - zero))


def gradient_norm(
    gradients: Sequence[tf.Tensor], optimizer: keras.optimizers.Optimizer
) -> tf.Tensor:
    """Compute the global norm of a gradient, without the optimizer's loss scale.

    Args:
        gradients: Of the loss that `optimizer.scale_loss` returned.
        optimizer: Of the network.

    Returns:
        A scalar; 0 if the gradient overflowed under a loss scale, as the update is
        then skipped.
    """
    norm = tf.linalg.global_norm(gradients)
    if not isinstance(optimizer, keras.optimizers.LossScaleOptimizer):
        return norm
    return tf.where(tf.math.is_finite(norm), norm, 0.0) / optimizer.dynamic_scale.value
