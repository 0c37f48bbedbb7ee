"""Losses of a training step: what both networks see, and what is computed of their outputs."""

import functools
from typing import Any

import keras
import tensorflow as tf

from common.distribution import replicas
from gan.layers import heads
from gan.lazy import lazily
from gan.path_length import SHRINK
from gan.step_metrics import DiscriminatorLosses, GeneratorLosses
from gan.two_optimizers import TwoOptimizers

Images = Any
"""A nest of tensors (B, H, W, C) in [-1, 1] whose last leaf is full size; usually one tensor."""


class StepLosses(TwoOptimizers):
    """The losses of `gan.model.GAN`, whose attributes they read."""

    def generate(self, real, labels) -> tuple[Images, tf.Tensor]:
        """Generate images for labels (B,) from new latents, or from the codes of real images.

        Returns:
            The images, and the divergence of the codes, a scalar.
        """
        if self.reconstruction:
            vectors, cost = self.reconstruction.encode(real)
        else:
            vectors, cost = self._latents(labels), tf.constant(0.0)
        return self.current.generator(self.with_labels(vectors, labels), training=True), cost

    def _latents(self, labels) -> tf.Tensor:
        """Draw latents (B, Z) for labels (B,)."""
        shape = (tf.shape(labels)[0], self.latent_size)
        return replicas.draw(lambda sizes: self.prior.sample(*sizes, self.seed), shape)

    def discriminator_losses(self, real, fake: Images, labels) -> DiscriminatorLosses:
        """Compute the discriminator's losses of real images (B, H, W, C) and generated ones."""
        real = self.real_inputs(real)
        fake = tf.nest.map_structure(tf.stop_gradient, fake)
        discriminate = heads.both_logits(self.current.discriminator)
        real_logits, real_direction = discriminate(self._presented(real, labels))  # (B,), (B,)
        fake_logits, fake_direction = discriminate(self._presented(fake, labels))
        as_real, as_fake = self.balance.swap_labels(real_logits, fake_logits)
        smoothing = {"real_label": 1.0 - self.label_smoothing} if self.label_smoothing else {}
        loss = tf.reduce_mean(self.loss_pair.discriminator(real=as_real, fake=as_fake, **smoothing))
        weighted, penalty = self._penalty(real, fake, labels)
        slicing = tf.reduce_mean(fake_direction) - tf.reduce_mean(real_direction)
        total = self.discriminator_optimizer.scale_loss(loss + slicing) + weighted
        return DiscriminatorLosses(real_logits, fake_logits, loss, penalty, total)

    def generator_losses(self, real, fake: Images, labels, cost) -> GeneratorLosses:
        """Compute the generator's losses; `real` and `cost` are those of `generate`."""
        real_logits = None
        if self.loss_pair.generator_sees_real:
            real_logits = self._discriminate(self.real_inputs(real), labels)  # (B,)
        fake_logits = self._discriminate(fake, labels)  # (B,)
        loss = tf.reduce_mean(self.loss_pair.generator(real=real_logits, fake=fake_logits))
        if self.reconstruction:
            cost += self.reconstruction.distance(real, tf.nest.flatten(fake)[-1])
        total = self.generator_optimizer.scale_loss(loss + cost)
        if self.regularize is not None:
            labels = labels[::SHRINK]
            inputs = self.with_labels(self._latents(labels), labels)
            total += self.regularize(inputs, self.seed, self.generator_optimizer)
        return GeneratorLosses(loss, cost, total)

    def _discriminate(self, images: Images, labels):
        """Return logits (B,) of images as the balance controls present them."""
        return self.current.discriminator(self._presented(images, labels), training=True)

    def _presented(self, images: Images, labels) -> Any:
        leaves = self.balance.augment_scales(tf.nest.flatten(images), self.images_seen.value)
        return self.with_labels(tf.nest.pack_sequence_as(images, leaves), labels)

    def _penalty(self, real: Images, fake: Images, labels):
        """Return the penalty as a part of the scaled loss, and before its weight."""
        if self.penalty is None:
            return tf.constant(0.0), tf.constant(0.0)
        mix = replicas.draw(keras.random.uniform, tf.shape(labels), seed=self.seed)  # (B,)

        def term():
            critic = functools.partial(self._discriminate, labels=labels)
            penalty = tf.reduce_mean(self.penalty(critic, real, fake, mix))
            return self.penalty_weight * penalty, self.penalty_interval * penalty

        return lazily(
            term,
            self.penalty_interval,
            self.current.discriminator,
            self.discriminator_optimizer,
        )

    def with_labels(self, inputs: Any, labels: Any) -> Any:
        """Return the inputs of either network: `inputs`, with labels (B,) if it is conditional."""
        return [*tf.nest.flatten(inputs), labels] if self.conditional else inputs
