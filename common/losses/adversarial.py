"""Adversarial losses: what the discriminator and the generator minimize.

All functions take the discriminator's logits by keyword, `real` and `fake` of
shape (B,), and return one value per example, float (B,). The caller takes the mean.
"""

from collections.abc import Callable
from typing import NamedTuple

import tensorflow as tf


class AdversarialLoss(NamedTuple):
    """A pair of losses, and where the discriminator is undecided.

    Attributes:
        discriminator: (real, fake[, real_label]) -> (B,). A loss that compares with
            labels has the third argument, for one-sided label smoothing.
        generator: (real, fake) -> (B,).
        boundary: Logit of an image that counts as neither real nor generated, to
            measure the discriminator's accuracy. None for a critic, whose logits
            have no zero: only their order matters.
        generator_sees_real: Whether `generator` uses `real`; otherwise it may be None.

    Example:
        >>> loss = ADVERSARIAL["hinge"]
        >>> loss.discriminator(real=tf.constant([2.0]), fake=tf.constant([0.0])).numpy()
        array([1.], dtype=float32)
        >>> loss.generator(real=None, fake=tf.constant([0.5])).numpy()
        array([-0.5], dtype=float32)
    """

    discriminator: Callable[..., tf.Tensor]
    generator: Callable[..., tf.Tensor]
    boundary: float | None = 0.0
    generator_sees_real: bool = False


def cross_entropy(logits: tf.Tensor, label: float) -> tf.Tensor:
    """Compute the binary cross-entropy of logits with one label.

    Args:
        logits: (B,).
        label: In [0, 1].

    Returns:
        (B,), in nats; finite for logits of any size.

    Example:
        >>> cross_entropy(tf.constant([0.0]), 1.0).numpy()  # log 2
        array([0.6931472], dtype=float32)
    """
    return label * tf.nn.softplus(-logits) + (1.0 - label) * tf.nn.softplus(logits)


def logistic_discriminator(real: tf.Tensor, fake: tf.Tensor, real_label: float = 1.0) -> tf.Tensor:
    """Compute -log D(x) - log(1 - D(G(z))): Goodfellow et al. 2014, equation 1.

    Args:
        real: Logits (B,) of real images.
        fake: Logits (B,) of generated images.
        real_label: Target of real images. Below 1 it is the one-sided label
            smoothing of Salimans et al. 2016, section 3.4.

    Returns:
        (B,).

    Example:
        >>> logistic_discriminator(tf.constant([0.0]), tf.constant([0.0])).numpy()  # 2 log 2
        array([1.3862944], dtype=float32)
    """
    return cross_entropy(real, real_label) + cross_entropy(fake, 0.0)


def non_saturating_generator(real: tf.Tensor | None, fake: tf.Tensor) -> tf.Tensor:
    """Compute -log D(G(z)): Goodfellow et al. 2014, section 3.

    Args:
        real: Not used.
        fake: Logits (B,) of generated images.

    Returns:
        (B,).

    Example:
        >>> non_saturating_generator(None, tf.constant([0.0])).numpy()
        array([0.6931472], dtype=float32)
    """
    del real
    return cross_entropy(fake, 1.0)


def minimax_generator(real: tf.Tensor | None, fake: tf.Tensor) -> tf.Tensor:
    """Compute log(1 - D(G(z))): Goodfellow et al. 2014, equation 1.

    Its gradient vanishes where the discriminator is sure.

    Args:
        real: Not used.
        fake: Logits (B,) of generated images.

    Returns:
        (B,).

    Example:
        >>> minimax_generator(None, tf.constant([0.0])).numpy()
        array([-0.6931472], dtype=float32)
    """
    del real
    return -cross_entropy(fake, 0.0)


def least_squares_discriminator(
    real: tf.Tensor, fake: tf.Tensor, real_label: float = 1.0
) -> tf.Tensor:
    """Compute ((D(x) - 1)^2 + D(G(z))^2) / 2: Mao et al. 2017, equation 9.

    Args:
        real: Outputs (B,) for real images.
        fake: Outputs (B,) for generated images.
        real_label: Target of real images.

    Returns:
        (B,).

    Example:
        >>> least_squares_discriminator(tf.constant([0.0]), tf.constant([1.0])).numpy()
        array([1.], dtype=float32)
    """
    return 0.5 * (tf.square(real - real_label) + tf.square(fake))


def least_squares_generator(real: tf.Tensor | None, fake: tf.Tensor) -> tf.Tensor:
    """Compute (D(G(z)) - 1)^2 / 2: Mao et al. 2017, equation 9.

    Args:
        real: Not used.
        fake: Outputs (B,) for generated images.

    Returns:
        (B,).

    Example:
        >>> least_squares_generator(None, tf.constant([0.0])).numpy()
        array([0.5], dtype=float32)
    """
    del real
    return 0.5 * tf.square(fake - 1.0)


def hinge_discriminator(real: tf.Tensor, fake: tf.Tensor) -> tf.Tensor:
    """Compute max(0, 1 - D(x)) + max(0, 1 + D(G(z))): Miyato et al. 2018, equation 16.

    Args:
        real: Logits (B,) of real images.
        fake: Logits (B,) of generated images.

    Returns:
        (B,).

    Example:
        >>> hinge_discriminator(tf.constant([0.0]), tf.constant([-2.0])).numpy()
        array([1.], dtype=float32)
    """
    return tf.nn.relu(1.0 - real) + tf.nn.relu(1.0 + fake)


def wasserstein_discriminator(real: tf.Tensor, fake: tf.Tensor) -> tf.Tensor:
    """Compute D(G(z)) - D(x): Arjovsky et al. 2017, equation 2.

    It is unbounded, so the critic needs a gradient penalty or weight clipping.

    Args:
        real: Outputs (B,) for real images.
        fake: Outputs (B,) for generated images.

    Returns:
        (B,).

    Example:
        >>> wasserstein_discriminator(tf.constant([3.0]), tf.constant([1.0])).numpy()
        array([-2.], dtype=float32)
    """
    return fake - real


def critic_generator(real: tf.Tensor | None, fake: tf.Tensor) -> tf.Tensor:
    """Compute -D(G(z)), the generator's part of the hinge and the Wasserstein loss.

    Arjovsky et al. 2017, equation 3; Miyato et al. 2018, equation 17.

    Args:
        real: Not used.
        fake: Outputs (B,) for generated images.

    Returns:
        (B,).

    Example:
        >>> critic_generator(None, tf.constant([3.0])).numpy()
        array([-3.], dtype=float32)
    """
    del real
    return -fake


def relativistic_discriminator(real: tf.Tensor, fake: tf.Tensor) -> tf.Tensor:
    """Compute softplus(D(G(z)) - D(x)), the RSGAN of Jolicoeur-Martineau 2018.

    Huang et al. 2024 (R3GAN), equation 2, combine it with the penalties R1 and R2.

    Args:
        real: Outputs (B,) for real images.
        fake: Outputs (B,) for generated images, each paired with a real one.

    Returns:
        (B,).

    Example:
        >>> relativistic_discriminator(tf.constant([1.0]), tf.constant([1.0])).numpy()
        array([0.6931472], dtype=float32)
    """
    return tf.nn.softplus(fake - real)


def relativistic_generator(real: tf.Tensor, fake: tf.Tensor) -> tf.Tensor:
    """Compute softplus(D(x) - D(G(z))), the generator's part of the RSGAN.

    Args:
        real: Outputs (B,) for real images.
        fake: Outputs (B,) for generated images, each paired with a real one.

    Returns:
        (B,).

    Example:
        >>> relativistic_generator(tf.constant([1.0]), tf.constant([1.0])).numpy()
        array([0.6931472], dtype=float32)
    """
    return tf.nn.softplus(real - fake)


ADVERSARIAL: dict[str, AdversarialLoss] = {
    "non_saturating": AdversarialLoss(logistic_discriminator, non_saturating_generator),
    "minimax": AdversarialLoss(logistic_discriminator, minimax_generator),
    "least_squares": AdversarialLoss(
        least_squares_discriminator, least_squares_generator, boundary=0.5
    ),
    "hinge": AdversarialLoss(hinge_discriminator, critic_generator),
    "wasserstein": AdversarialLoss(wasserstein_discriminator, critic_generator, boundary=None),
    "relativistic": AdversarialLoss(
        relativistic_discriminator, relativistic_generator, boundary=None, generator_sees_real=True
    ),
}
"""The adversarial losses by name: the choices of `--loss`."""

WITH_LABELS = ("non_saturating", "minimax", "least_squares")  # those that take `real_label`
