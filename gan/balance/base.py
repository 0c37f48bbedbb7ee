"""What keeps the two networks in balance: small controls, each usable alone.

A control overrides the hooks it needs; `Balance` runs through all of them in
order, so the training step asks once and never which controls are on. Their
state and random streams are variables of the model and saved with it. Three
further controls need no code here: the optimizers' own rates (two time
scales: Heusel et al. 2017), the steps per network, and gradient clipping.
"""

from collections.abc import Sequence
from typing import Literal, get_args

import keras
import tensorflow as tf

Network = Literal["discriminator", "generator"]
NETWORKS: tuple[Network, ...] = get_args(Network)


class Control(keras.layers.Layer):
    """One way to hold the balance; every hook does nothing until overridden."""

    limits_updates = False
    """Whether `limit_update` is to be called, which costs a copy of the weights."""

    def augment(self, images: tf.Tensor, images_seen: tf.Tensor) -> tf.Tensor:
        """Changes what the discriminator sees: (B, H, W, C), real and fake alike."""
        return images

    def swap_labels(self, real: tf.Tensor, fake: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        """Changes which logits (B,) the discriminator's loss counts as real and as fake."""
        return real, fake

    def observe(self, metrics: dict[str, tf.Tensor]) -> None:
        """Learns how the last discriminator step went, from metrics of the whole batch."""

    def learn(self, r_v: float) -> None:
        """Learns from time to time how far the discriminator overfits: `health.r_v`."""

    def share(self, network: Network) -> tf.Tensor | float:
        """The factor on a network's learning rate; 0 skips its update."""
        return 1.0

    def constrain(self, discriminator: keras.Model) -> None:
        """Changes the discriminator's weights after an update."""

    def limit_update(
        self,
        network: Network,
        variables: Sequence[keras.Variable],
        before: Sequence[tf.Tensor],
        images_seen: tf.Tensor,
    ) -> None:
        """Shortens an update that led from `before` to what `variables` hold now."""

    def enable(self) -> None:
        """Lets a resting control act."""

    def scalars(self, images_seen: tf.Tensor) -> dict[str, tf.Tensor]:
        """What to log: scalars by name."""
        return {}


class Balance(Control):
    """All controls of a run as one."""

    def __init__(self, controls: list[Control], name: str = "balance"):
        super().__init__(name=name)
        self.controls = controls
        self.limits_updates = any(control.limits_updates for control in controls)

    def augment(self, images, images_seen):
        for control in self.controls:
            images = control.augment(images, images_seen)
        return images

    def swap_labels(self, real, fake):
        for control in self.controls:
            real, fake = control.swap_labels(real, fake)
        return real, fake

    def observe(self, metrics):
        for control in self.controls:
            control.observe(metrics)

    def learn(self, r_v):
        for control in self.controls:
            control.learn(r_v)

    def share(self, network):
        product = 1.0
        for control in self.controls:
            product = product * control.share(network)
        return product

    def constrain(self, discriminator):
        for control in self.controls:
            control.constrain(discriminator)

    def limit_update(self, network, variables, before, images_seen):
        for control in self.controls:
            control.limit_update(network, variables, before, images_seen)

    def enable(self) -> None:
        """Lets resting controls act."""
        for control in self.controls:
            control.enable()

    def scalars(self, images_seen):
        logged = {
            f"balance/{network}_share": tf.convert_to_tensor(self.share(network), tf.float32)
            for network in NETWORKS
        }
        for control in self.controls:
            logged |= control.scalars(images_seen)
        return logged
