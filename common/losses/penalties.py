"""Losses as pure functions: logits or features in, one value per example out.

The caller reduces. An adversarial loss is a pair of functions that take the
discriminator's logits by keyword, `real` and `fake`, each of shape (B,).
"""

from collections.abc import Callable

import tensorflow as tf

Critic = Callable[[tf.Tensor], tf.Tensor]


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
