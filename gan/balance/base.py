"""The contract of a balance control.

A control is one module of this package with a class that overrides the hooks it
needs, and a function `build(config, seed)` that returns such a control, several
in a list, or None if `config` switches it off. `Balance` calls all controls of a
run in turn, so the training step never asks which are on. Their states and random
streams are variables of the model and saved with it.

Three further controls need no module: separate learning rates (two time scales,
Heusel et al. 2017), the steps per network, and gradient clipping.

Example: a complete control, as the file gan/balance/fade.py, switched on by
`--set balance.options=fade.kimg=50`:

    class Fade(Control):
        def __init__(self, kimg):
            super().__init__(name="fade")
            self.kimg = kimg

        def augment(self, images, images_seen):
            passed = tf.cast(images_seen, tf.float32) / (1000.0 * self.kimg)
            return images * tf.minimum(passed, 1.0)

    def build(config, seed):
        kimg = option(config, "fade.kimg", 0.0)
        return Fade(kimg) if kimg else None
"""

from collections.abc import Sequence
from typing import Literal, get_args

import keras
import tensorflow as tf

from gan.balance.options import option
from gan.config import BalanceConfig

__all__ = ["NETWORKS", "Balance", "Control", "Network", "option"]

Network = Literal["discriminator", "generator"]
NETWORKS: tuple[Network, ...] = get_args(Network)


class Control(keras.layers.Layer):
    """One way to keep the networks in balance. By default every hook changes nothing."""

    limits_updates = False
    """Whether `limit_update` must be called, which costs a copy of the weights."""

    def augment(self, images: tf.Tensor, images_seen: tf.Tensor) -> tf.Tensor:
        """Change the images that the discriminator sees, real and generated ones equally.

        Args:
            images: (B, H, W, C) in [-1, 1].
            images_seen: int64 scalar, real images that training used so far.

        Returns:
            (B, H, W, C).
        """
        return images

    def augment_scales(
        self, scales: Sequence[tf.Tensor], images_seen: tf.Tensor
    ) -> list[tf.Tensor]:
        """Change the same images at one or several resolutions; by default each on its own.

        Args:
            scales: (B, H, W, C) each, full size last.
            images_seen: int64 scalar.

        Returns:
            As `scales`.
        """
        return [self.augment(images, images_seen) for images in scales]

    def swap_labels(self, real: tf.Tensor, fake: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        """Choose which logits the discriminator's loss counts as real and which as fake.

        Args:
            real: Logits (B,) of real images.
            fake: Logits (B,) of generated images.

        Returns:
            Logits (B,) to count as real, and (B,) to count as fake.
        """
        return real, fake

    def observe(self, metrics: dict[str, tf.Tensor]) -> None:
        """Update the control's state; called with the metrics of each discriminator step.

        Args:
            metrics: Scalars of the whole batch, named as in the logs, and "images",
                the size of the batch.
        """

    def update_overfitting(self, r_v: float) -> None:
        """Update the control's state; called with each new overfitting estimate.

        Args:
            r_v: Karras et al. 2020, equation 1: 0 without overfitting, 1 if the
                discriminator takes held-out images for generated ones.
        """

    def learning_rate_scale(self, network: Network) -> tf.Tensor | float:
        """Return the factor of a network's learning rate; 0 skips its update."""
        return 1.0

    def constrain(self, discriminator: keras.Model) -> None:
        """Change the discriminator's weights after an update."""

    def limit_update(
        self,
        network: Network,
        variables: Sequence[keras.Variable],
        before: Sequence[tf.Tensor],
        images_seen: tf.Tensor,
    ) -> None:
        """Shorten an update.

        Args:
            network: Which one was updated.
            variables: Its trainable variables, updated.
            before: Their values before the update.
            images_seen: int64 scalar.
        """

    def enable(self) -> None:
        """Activate a control that was built inactive; called when an alarm asks for it."""

    def scalars(self, images_seen: tf.Tensor) -> dict[str, tf.Tensor]:
        """Return the scalars to log, by name."""
        return {}


class Balance(Control):
    """All controls of a run as one.

    Attributes:
        built_from: The configuration and the seed that `build_balance` made it from.

    Example:
        >>> balance = Balance([InstanceNoise(0.1, kimg=0.0, seed=0)])
        >>> balance.augment(images, images_seen).shape == images.shape
        True
    """

    built_from: tuple[BalanceConfig, int] | None = None

    def __init__(self, controls: list[Control], name: str = "balance"):
        super().__init__(name=name)
        self.controls = controls
        self.limits_updates = any(control.limits_updates for control in controls)

    def augment(self, images, images_seen):
        for control in self.controls:
            images = control.augment(images, images_seen)
        return images

    def augment_scales(self, scales, images_seen):
        for control in self.controls:
            scales = control.augment_scales(scales, images_seen)
        return list(scales)

    def swap_labels(self, real, fake):
        for control in self.controls:
            real, fake = control.swap_labels(real, fake)
        return real, fake

    def observe(self, metrics):
        for control in self.controls:
            control.observe(metrics)

    def update_overfitting(self, r_v):
        for control in self.controls:
            control.update_overfitting(r_v)

    def learning_rate_scale(self, network):
        product = 1.0
        for control in self.controls:
            product = product * control.learning_rate_scale(network)
        return product

    def constrain(self, discriminator):
        for control in self.controls:
            control.constrain(discriminator)

    def limit_update(self, network, variables, before, images_seen):
        for control in self.controls:
            control.limit_update(network, variables, before, images_seen)

    def enable(self):
        for control in self.controls:
            control.enable()

    def scalars(self, images_seen):
        logged = {
            f"balance/{network}_share": tf.convert_to_tensor(
                self.learning_rate_scale(network), tf.float32
            )
            for network in NETWORKS
        }
        for control in self.controls:
            logged |= control.scalars(images_seen)
        return logged
