"""Losses as pure functions: logits or features in, one value per example out.

The caller reduces. An adversarial loss is a pair of functions that take the
discriminator's logits by keyword, `real` and `fake`, each of shape (B,).
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import tensorflow as tf

Critic = Callable[[tf.Tensor], tf.Tensor]
Transform = Callable[[tf.Tensor], tf.Tensor]


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


def squared_input_gradient(critic: Critic, images: tf.Tensor) -> tf.Tensor:
    """The squared L2 norm of d critic / d image, one per picture.

    Args:
        critic: (B, H, W, C) -> (B,) logits. Its normalisation must not mix the
            pictures of a batch, or the gradient is not one picture's own.
        images: (B, H, W, C).

    Returns:
        (B,) float32. No root is taken, so its own gradient is finite at zero.
    """
    with tf.GradientTape(watch_accessed_variables=False) as tape:
        tape.watch(images)
        logits = critic(images)
    gradient = tf.cast(tape.gradient(logits, images), tf.float32)  # (B, H, W, C)
    return tf.reduce_sum(tf.square(gradient), axis=[1, 2, 3])


def r1_penalty(critic: Critic, real: tf.Tensor, fake: tf.Tensor, mix: tf.Tensor) -> tf.Tensor:
    """|grad D|^2 / 2 at real pictures: Mescheder et al. 2018, equation 9."""
    del fake, mix
    return 0.5 * squared_input_gradient(critic, real)


def r2_penalty(critic: Critic, real: tf.Tensor, fake: tf.Tensor, mix: tf.Tensor) -> tf.Tensor:
    """|grad D|^2 / 2 at generated pictures: Mescheder et al. 2018, equation 10."""
    del real, mix
    return 0.5 * squared_input_gradient(critic, fake)


def r1_r2_penalty(critic: Critic, real: tf.Tensor, fake: tf.Tensor, mix: tf.Tensor) -> tf.Tensor:
    """R1 + R2, as Huang et al. 2024 (R3GAN), section 2.2, ask for."""
    return r1_penalty(critic, real, fake, mix) + r2_penalty(critic, real, fake, mix)


def wgan_gp_penalty(critic: Critic, real: tf.Tensor, fake: tf.Tensor, mix: tf.Tensor) -> tf.Tensor:
    """(|grad D| - 1)^2 on lines between real and fake: Gulrajani et al. 2017, equation 3.

    `mix`, (B,) in [0, 1], is the share of the real picture. Deviation: 1e-12
    inside the root keeps the gradient finite where grad D is zero.
    """
    share = tf.cast(mix, real.dtype)[:, None, None, None]  # (B, 1, 1, 1)
    between = share * real + (1.0 - share) * fake  # (B, H, W, C)
    norm = tf.sqrt(squared_input_gradient(critic, between) + 1e-12)  # (B,)
    return tf.square(norm - 1.0)


Penalty = Callable[[Critic, tf.Tensor, tf.Tensor, tf.Tensor], tf.Tensor]

PENALTIES: dict[str, Penalty] = {
    "r1": r1_penalty,
    "r2": r2_penalty,
    "r1_r2": r1_r2_penalty,
    "wgan_gp": wgan_gp_penalty,
}


class Moments(NamedTuple):
    """What a layer knows of a picture once the places are forgotten.

    Attributes:
        mean: E[f], (C,) float32.
        second: E[f f^T], (C, C) float32: the Gram matrix divided by the number of places.
    """

    mean: tf.Tensor
    second: tf.Tensor

    def covariance(self) -> tf.Tensor:
        """E[f f^T] - E[f] E[f]^T, (C, C)."""
        return self.second - self.mean[:, None] * self.mean[None, :]


def moments(features: tf.Tensor) -> Moments:
    """The moments of (B, H, W, C) over all places and pictures.

    Deviation from Gatys et al. 2016, equation 3: the mean instead of the sum,
    so that a value means the same at every size.
    """
    return Moments(*_moments(features))


@tf.custom_gradient
def _moments(features: tf.Tensor) -> tuple[tuple[tf.Tensor, tf.Tensor], Callable[..., tf.Tensor]]:
    """Mean and second moment of (B, H, W, C) over B, H and W.

    The gradient is written out: one 1x1 convolution, which a processor does
    several times faster than the two products of automatic differentiation.
    """
    flat = tf.reshape(features, (-1, features.shape[-1]))  # (BHW, C)
    count = tf.cast(tf.shape(flat)[0], tf.float32)
    # The sum as a product: it adds up in float32 even where `flat` is bfloat16.
    total = tf.matmul(tf.ones_like(flat[:, :1]), flat, transpose_a=True)[0]  # (C,)
    second = tf.matmul(flat, flat, transpose_a=True)  # (C, C)

    def gradient(mean_upstream: tf.Tensor, second_upstream: tf.Tensor) -> tf.Tensor:
        both = (second_upstream + tf.transpose(second_upstream)) / count
        kernel = tf.cast(both, features.dtype)[None, None]  # (1, 1, C, C)
        product = tf.nn.conv2d(features, kernel, 1, "VALID")
        return tf.nn.bias_add(product, tf.cast(mean_upstream / count, features.dtype))

    return (tf.cast(total, tf.float32) / count, tf.cast(second, tf.float32) / count), gradient


def gram_distance(value: Moments, target: Moments) -> tf.Tensor:
    """|G - G*|^2 / |G*|^2, Frobenius norms: Gatys et al. 2016, equation 4.

    Deviation: divided by the target's own squared norm instead of 4 N^2 M^2, so
    that layers, extractors and styles weigh alike.
    """
    return gram_to(target)(value)


def wasserstein_distance(value: Moments, target: Moments) -> tf.Tensor:
    """The squared Wasserstein-2 distance of two Gaussians over E*|f|^2.

    |m - m*|^2 + tr(S + S* - 2 (S*^1/2 S S*^1/2)^1/2), Dowson and Landau 1982,
    equation 16, divided by the trace of the target's second moment.
    """
    return wasserstein_to(target)(value)


def gram_to(target: Moments) -> Callable[[Moments], tf.Tensor]:
    """`gram_distance` to a frozen target, whose own part is computed here, once."""
    size = _positive(tf.reduce_sum(tf.square(target.second)))
    return lambda value: tf.reduce_sum(tf.square(value.second - target.second)) / size


def wasserstein_to(target: Moments) -> Callable[[Moments], tf.Tensor]:
    """`wasserstein_distance` to a frozen target, whose root is taken here, once."""
    root = symmetric_root(target.covariance())
    own_spread = tf.linalg.trace(target.covariance())
    size = _positive(tf.linalg.trace(target.second))

    def distance(value: Moments) -> tf.Tensor:
        covariance = value.covariance()
        spread = tf.linalg.trace(covariance) + own_spread
        shift = tf.reduce_sum(tf.square(value.mean - target.mean))
        return (shift + spread - 2.0 * trace_of_root(root @ covariance @ root)) / size

    return distance


def symmetric_root(matrix: tf.Tensor) -> tf.Tensor:
    """The positive square root of a positive semi-definite (C, C) matrix, without a gradient."""
    values, vectors = tf.linalg.eigh(tf.stop_gradient(matrix))
    return (vectors * tf.sqrt(tf.maximum(values, 0.0))) @ tf.transpose(vectors)


@tf.custom_gradient
def trace_of_root(matrix: tf.Tensor) -> tuple[tf.Tensor, Callable[[tf.Tensor], tf.Tensor]]:
    """The trace of the square root of a positive semi-definite (C, C) matrix.

    By coupled Newton-Schulz iterations (Higham 2008, equation 6.35), which
    yield the root and its inverse; half the inverse is the gradient, so none of
    the iterations is kept. Deviation: a millionth of the norm is added to the
    diagonal, as the inverse of a singular root has no end.
    """
    size = matrix.shape[-1]
    identity = tf.eye(size)
    norm = _positive(tf.norm(matrix))
    root = matrix / norm + 1e-6 * identity
    inverse = identity
    for _ in range(NEWTON_SCHULZ_STEPS):
        step = 1.5 * identity - 0.5 * inverse @ root
        root, inverse = root @ step, step @ inverse

    def gradient(upstream: tf.Tensor) -> tf.Tensor:
        return upstream * 0.5 * tf.transpose(inverse) / tf.sqrt(norm)

    return tf.linalg.trace(root) * tf.sqrt(norm), gradient


NEWTON_SCHULZ_STEPS = 16  # each multiplies the smallest eigenvalues by 2.25 until they arrive

STYLE: dict[str, Callable[[Moments], Callable[[Moments], tf.Tensor]]] = {
    "gram": gram_to,
    "wasserstein": wasserstein_to,
}


def squared_distance(value: tf.Tensor, target: tf.Tensor) -> tf.Tensor:
    """mean((f - f*)^2) / mean(f*^2): Gatys et al. 2016, equation 1.

    Deviation: divided by the target's mean square instead of 2.
    """
    value, target = tf.cast(value, tf.float32), tf.cast(target, tf.float32)
    return _mean(tf.square(value - target)) / _positive(_mean(tf.square(target)))


def huber_distance(value: tf.Tensor, target: tf.Tensor) -> tf.Tensor:
    """As `squared_distance`, but linear beyond one root mean square of the target.

    Huber 1964, times 2. Forgives the few places where a stroke must replace the
    content.
    """
    value, target = tf.cast(value, tf.float32), tf.cast(target, tf.float32)
    unit = tf.sqrt(_positive(_mean(tf.square(target))))
    error = tf.abs(value - target) / unit
    return _mean(tf.where(error < 1.0, tf.square(error), 2.0 * error - 1.0))


def total_variation(image: tf.Tensor) -> tf.Tensor:
    """The mean absolute difference of neighbours, across plus down, of (1, H, W, C).

    Rudin et al. 1992, in the anisotropic form.
    """
    return _roughness(image, tf.sign, degree=1)


def squared_total_variation(image: tf.Tensor) -> tf.Tensor:
    """The mean squared difference of neighbours: Mahendran and Vedaldi 2015, equation 4, beta 2."""
    return _roughness(image, _double, degree=2)


def _double(values: tf.Tensor) -> tf.Tensor:
    return 2.0 * values


def _roughness(image: tf.Tensor, slope: Transform, degree: int) -> tf.Tensor:
    """The mean cost of the differences of neighbours, across plus down, of (1, H, W, C).

    The cost is |difference|^degree, so that the gradient tells the value as well
    (Euler's theorem on homogeneous functions: degree times the value is the
    product of picture and gradient). It is written out and compiled: half the
    time of automatic differentiation.

    Args:
        slope: the derivative of the cost of a difference, 0 at 0.
    """
    row = image.shape[2] * image.shape[3]

    @tf.custom_gradient
    def loss(image: tf.Tensor) -> tuple[tf.Tensor, Transform]:
        flat = tf.reshape(image, (-1,))
        # not in the compiled part, which would look up every number's place one by one
        extended = tf.concat([flat[:row], flat, flat[-row:]], axis=0)
        gradient = tf.reshape(_slopes(extended, tuple(image.shape), slope), image.shape)
        value = tf.reduce_sum(image * gradient) / degree
        return value, lambda upstream: upstream * gradient

    return loss(image)


@tf.function(jit_compile=True)
def _slopes(extended: tf.Tensor, shape: tuple[int, ...], slope: Transform) -> tf.Tensor:
    """The gradient of `_roughness`, (H, W C).

    All neighbours are slices of one long vector. What a row's end then takes for
    a neighbour, a number of another row, has no weight.

    Args:
        extended: (H W C + 2 W C,), the picture with its first and last row once more.
        shape: of the picture, (1, H, W, C).
    """
    _, height, width, channels = shape
    row, count = width * channels, height * width * channels

    def moved(by: int) -> tf.Tensor:
        return tf.reshape(extended[row + by : row + by + count], (height, row))

    across = np.full((1, row), 1.0 / max(1, height * (width - 1) * channels), np.float32)
    to_left, to_right = across.copy(), across.copy()
    to_left[:, :channels] = to_right[:, -channels:] = 0.0
    down = 1.0 / max(1, (height - 1) * row)
    here = moved(0)
    gradient = slope(here - moved(-channels)) * to_left - slope(moved(channels) - here) * to_right
    return gradient + (slope(here - moved(-row)) - slope(moved(row) - here)) * down


SMOOTHNESS: dict[str, Callable[[tf.Tensor], tf.Tensor]] = {
    "absolute": total_variation,
    "squared": squared_total_variation,
}


def _mean(values: tf.Tensor) -> tf.Tensor:
    """The mean, and 0 of nothing."""
    return tf.reduce_sum(values) / max(1, values.shape.num_elements())


def _positive(value: tf.Tensor) -> tf.Tensor:
    """A divisor that a black or flat target does not turn to zero."""
    return tf.maximum(value, 1e-12)
