"""Losses as pure functions: logits or features in, one value per example out.

The caller reduces. An adversarial loss is a pair of functions that take the
discriminator's logits by keyword, `real` and `fake`, each of shape (B,).
"""

from collections.abc import Callable
from typing import NamedTuple

import tensorflow as tf


class AdversarialLoss(NamedTuple):
    """What each network minimises, and where the discriminator is undecided.

    Attributes:
        discriminator: (real, fake[, real_label]) -> (B,).
        generator: (real, fake) -> (B,).
        boundary: the logit at which a picture counts as neither real nor fake,
            for measuring the discriminator's accuracy. None for a critic whose
            logits have no zero: there only `real > fake` means something.
        generator_sees_real: whether `generator` uses `real`; otherwise None will do.
    """

    discriminator: Callable[..., tf.Tensor]
    generator: Callable[..., tf.Tensor]
    boundary: float | None = 0.0
    generator_sees_real: bool = False


def cross_entropy(logits: tf.Tensor, label: float) -> tf.Tensor:
    """Binary cross-entropy of `logits` (B,) against one `label` in [0, 1], in nats."""
    return label * tf.nn.softplus(-logits) + (1.0 - label) * tf.nn.softplus(logits)


def logistic_discriminator(real: tf.Tensor, fake: tf.Tensor, real_label: float = 1.0) -> tf.Tensor:
    """-log D(x) - log(1 - D(G(z))): Goodfellow et al. 2014, equation 1.

    `real_label` below 1 is the one-sided smoothing of Salimans et al. 2016,
    section 3.4.
    """
    return cross_entropy(real, real_label) + cross_entropy(fake, 0.0)


def non_saturating_generator(real: tf.Tensor | None, fake: tf.Tensor) -> tf.Tensor:
    """-log D(G(z)): Goodfellow et al. 2014, section 3."""
    del real
    return cross_entropy(fake, 1.0)


def minimax_generator(real: tf.Tensor | None, fake: tf.Tensor) -> tf.Tensor:
    """log(1 - D(G(z))): Goodfellow et al. 2014, equation 1. Vanishes where D wins."""
    del real
    return -cross_entropy(fake, 0.0)


def least_squares_discriminator(
    real: tf.Tensor, fake: tf.Tensor, real_label: float = 1.0
) -> tf.Tensor:
    """((D(x) - 1)^2 + D(G(z))^2) / 2: Mao et al. 2017, equation 9."""
    return 0.5 * (tf.square(real - real_label) + tf.square(fake))


def least_squares_generator(real: tf.Tensor | None, fake: tf.Tensor) -> tf.Tensor:
    """(D(G(z)) - 1)^2 / 2: Mao et al. 2017, equation 9."""
    del real
    return 0.5 * tf.square(fake - 1.0)


def hinge_discriminator(real: tf.Tensor, fake: tf.Tensor) -> tf.Tensor:
    """max(0, 1 - D(x)) + max(0, 1 + D(G(z))): Miyato et al. 2018, equation 16."""
    return tf.nn.relu(1.0 - real) + tf.nn.relu(1.0 + fake)


def wasserstein_discriminator(real: tf.Tensor, fake: tf.Tensor) -> tf.Tensor:
    """D(G(z)) - D(x): Arjovsky et al. 2017, equation 2. Wants a penalty or weight clipping."""
    return fake - real


def critic_generator(real: tf.Tensor | None, fake: tf.Tensor) -> tf.Tensor:
    """-D(G(z)): the generator's side of the hinge and the Wasserstein loss."""
    del real
    return -fake


def relativistic_discriminator(real: tf.Tensor, fake: tf.Tensor) -> tf.Tensor:
    """softplus(D(G(z)) - D(x)): the pairing of Jolicoeur-Martineau 2018 (RSGAN).

    Huang et al. 2024 (R3GAN), equation 2, pair it with R1 and R2.
    """
    return tf.nn.softplus(fake - real)


def relativistic_generator(real: tf.Tensor, fake: tf.Tensor) -> tf.Tensor:
    """softplus(D(x) - D(G(z))): the same pairing seen from the generator."""
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
