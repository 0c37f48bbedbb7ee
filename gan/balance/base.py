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

    moderates = False
    """Whether `moderate` is to be called, which costs a copy of the weights."""

    def corrupt(self, images: tf.Tensor, images_seen: tf.Tensor) -> tf.Tensor:
        """Changes what the discriminator sees: (B, H, W, C), real and fake alike."""
        return images

    def relabel(self, real: tf.Tensor, fake: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        """Changes which logits (B,) the discriminator's loss counts as real and as fake."""
        return real, fake

    def observe(self, figures: dict[str, tf.Tensor]) -> None:
        """Learns how the last discriminator step went, from figures of the whole batch."""

    def learn(self, by_heart: float) -> None:
        """Learns from time to time how far the discriminator overfits: `health.by_heart`."""

    def share(self, network: Network) -> tf.Tensor | float:
        """The factor on a network's learning rate; 0 skips its update."""
        return 1.0

    def constrain(self, discriminator: keras.Model) -> None:
        """Changes the discriminator's weights after an update."""

    def moderate(
        self,
        network: Network,
        variables: Sequence[keras.Variable],
        before: Sequence[tf.Tensor],
        images_seen: tf.Tensor,
    ) -> None:
        """Shortens an update that led from `before` to what `variables` hold now."""

    def wake(self) -> None:
        """Lets a resting control act."""

    def figures(self, images_seen: tf.Tensor) -> dict[str, tf.Tensor]:
        """What to log: scalars by name."""
        return {}


class Balance(Control):
    """All controls of a run as one."""

    def __init__(self, controls: list[Control], name: str = "balance"):
        super().__init__(name=name)
        self.controls = controls
        self.moderates = any(control.moderates for control in controls)

    def corrupt(self, images, images_seen):
        for control in self.controls:
            images = control.corrupt(images, images_seen)
        return images

    def relabel(self, real, fake):
        for control in self.controls:
            real, fake = control.relabel(real, fake)
        return real, fake

    def observe(self, figures):
        for control in self.controls:
            control.observe(figures)

    def learn(self, by_heart):
        for control in self.controls:
            control.learn(by_heart)

    def share(self, network):
        product = 1.0
        for control in self.controls:
            product = product * control.share(network)
        return product

    def constrain(self, discriminator):
        for control in self.controls:
            control.constrain(discriminator)

    def moderate(self, network, variables, before, images_seen):
        for control in self.controls:
            control.moderate(network, variables, before, images_seen)

    def wake(self) -> None:
        """Lets resting controls act."""
        for control in self.controls:
            control.wake()

    def figures(self, images_seen):
        logged = {
            f"balance/{network}_share": tf.convert_to_tensor(self.share(network), tf.float32)
            for network in NETWORKS
        }
        for control in self.controls:
            logged |= control.figures(images_seen)
        return logged
