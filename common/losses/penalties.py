"""Gradient penalties of the discriminator, one value per example.

All take the same arguments: a critic, real and generated images (B, H, W, C), and
random mixing weights (B,). Images may be nests of tensors, as multi-scale
networks use them; gradients are then taken with respect to all leaves.
"""

from collections.abc import Callable
from typing import Any

import tensorflow as tf

Images = Any
"""A tensor (B, H, W, C), or a nest of them with one batch size."""
Critic = Callable[[Images], tf.Tensor]
Penalty = Callable[[Critic, Images, Images, tf.Tensor], tf.Tensor]


def squared_input_gradient(critic: Critic, images: Images) -> tf.Tensor:
    """Compute the squared L2 norm of the critic's gradient with respect to each image.

    Args:
        critic: Images -> logits (B,). Its normalization must not mix the images of
            a batch, or the gradient is not that of one image.
        images: (B, H, W, C), or a nest of such.

    Returns:
        float32 (B,), summed over the leaves of a nest. No root is taken, so its own
        gradient is finite at zero.

    Example:
        >>> critic = lambda images: tf.reduce_sum(images, axis=[1, 2, 3])
        >>> squared_input_gradient(critic, tf.zeros((1, 2, 2, 1))).numpy()
        array([4.], dtype=float32)
    """
    with tf.GradientTape(watch_accessed_variables=False) as tape:
        tape.watch(images)
        logits = critic(images)  # (B,)
    gradients = tf.nest.flatten(tape.gradient(logits, images))  # each (B, H, W, C)
    return tf.add_n([_squared_norm(gradient) for gradient in gradients])


def _squared_norm(gradient: tf.Tensor) -> tf.Tensor:
    return tf.reduce_sum(tf.square(tf.cast(gradient, tf.float32)), axis=[1, 2, 3])  # (B,)


def r1_penalty(critic: Critic, real: Images, fake: Images, mix: tf.Tensor) -> tf.Tensor:
    """Compute |grad D|^2 / 2 at real images: Mescheder et al. 2018, equation 9.

    Args:
        critic: Images -> logits (B,).
        real: Real images.
        fake: Not used.
        mix: Not used.

    Returns:
        float32 (B,).

    Example:
        >>> critic = lambda images: tf.reduce_sum(images, axis=[1, 2, 3])
        >>> r1_penalty(critic, tf.zeros((1, 2, 2, 1)), None, None).numpy()
        array([2.], dtype=float32)
    """
    del fake, mix
    return 0.5 * squared_input_gradient(critic, real)


def r2_penalty(critic: Critic, real: Images, fake: Images, mix: tf.Tensor) -> tf.Tensor:
    """Compute |grad D|^2 / 2 at generated images: Mescheder et al. 2018, equation 10.

    Args:
        critic: Images -> logits (B,).
        real: Not used.
        fake: Generated images.
        mix: Not used.

    Returns:
        float32 (B,).

    Example:
        >>> critic = lambda images: tf.reduce_sum(images, axis=[1, 2, 3])
        >>> r2_penalty(critic, None, tf.zeros((1, 2, 2, 1)), None).numpy()
        array([2.], dtype=float32)
    """
    del real, mix
    return 0.5 * squared_input_gradient(critic, fake)


def r1_r2_penalty(critic: Critic, real: Images, fake: Images, mix: tf.Tensor) -> tf.Tensor:
    """Compute R1 + R2, as in Huang et al. 2024 (R3GAN), section 2.2.

    Args:
        critic: Images -> logits (B,).
        real: Real images.
        fake: Generated images.
        mix: Not used.

    Returns:
        float32 (B,).

    Example:
        >>> critic = lambda images: tf.reduce_sum(images, axis=[1, 2, 3])
        >>> zeros = tf.zeros((1, 2, 2, 1))
        >>> r1_r2_penalty(critic, zeros, zeros, None).numpy()
        array([4.], dtype=float32)
    """
    return r1_penalty(critic, real, fake, mix) + r2_penalty(critic, real, fake, mix)


def wgan_gp_penalty(critic: Critic, real: Images, fake: Images, mix: tf.Tensor) -> tf.Tensor:
    """Compute (|grad D| - 1)^2 between real and generated images.

    Gulrajani et al. 2017, equation 3. Deviation: 1e-12 is added inside the root,
    which keeps the gradient finite where grad D is zero.

    Args:
        critic: Images -> logits (B,).
        real: Real images.
        fake: Generated images.
        mix: (B,) in [0, 1], the weight of each real image on the line between the two.

    Returns:
        float32 (B,).

    Example:
        >>> critic = lambda images: tf.reduce_sum(images, axis=[1, 2, 3])  # |grad D| is 2
        >>> zeros = tf.zeros((1, 2, 2, 1))
        >>> wgan_gp_penalty(critic, zeros, zeros, tf.constant([0.5])).numpy()
        array([1.], dtype=float32)
    """

    def interpolate(real: tf.Tensor, fake: tf.Tensor) -> tf.Tensor:
        weight = tf.cast(mix, real.dtype)[:, None, None, None]  # (B, 1, 1, 1)
        return weight * real + (1.0 - weight) * fake  # (B, H, W, C)

    between = tf.nest.map_structure(interpolate, real, fake)
    norm = tf.sqrt(squared_input_gradient(critic, between) + 1e-12)  # (B,)
    return tf.square(norm - 1.0)


PENALTIES: dict[str, Penalty] = {
    "r1": r1_penalty,
    "r2": r2_penalty,
    "r1_r2": r1_r2_penalty,
    "wgan_gp": wgan_gp_penalty,
}
"""The gradient penalties by name: the choices of `--penalty`, beside none."""
