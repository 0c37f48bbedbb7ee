"""A `keras.Model` that trains a generator against a discriminator."""

import functools
from collections.abc import Callable
from typing import Any, Literal

import keras
import tensorflow as tf

from common.distribution import replicas
from common.losses.adversarial import AdversarialLoss
from common.losses.penalties import Penalty
from common.priors import PRIORS, as_prior
from gan import step_metrics
from gan.balance.base import Balance, Network
from gan.layers import heads
from gan.lazy import lazily
from gan.path_length import SHRINK, PathLength
from gan.running_means import RunningMeans
from gan.step_metrics import STEP_METRICS, DiscriminatorLosses, GeneratorLosses, gradient_norm
from gan.two_optimizers import TwoOptimizers

Images = Any
"""A nest of tensors (B, H, W, C) in [-1, 1] whose last leaf is full size; usually one tensor."""
LOSS = {"loss": ("loss/discriminator", "loss/generator")}  # what Keras's callbacks expect


@keras.saving.register_keras_serializable("gan")
class GAN(TwoOptimizers):
    """A generator and a discriminator that train against each other.

    Gradients and metrics are means over all replicas, and random numbers are
    drawn for the whole batch, so every replica makes the same updates, those of a
    single one.

    Attributes:
        ema_generator: Exponential moving average of the generator (Yazici et al.
            2019); all sampling uses it.
        images_seen: Real images that the discriminator was trained on so far. All
            schedules and logs count in it.
        latent_size: Dimensionality of the latent vector.
        prior: Distribution of the latent vectors.
        conditional: Whether both networks take labels.
        scalars: Running means of the metrics.
    """

    def __init__(
        self,
        generator: keras.Model,
        discriminator: keras.Model,
        ema_generator: keras.Model,
        *,
        loss: AdversarialLoss,
        balance: Balance,
        real_inputs: Callable[[tf.Tensor], Images] | None = None,
        penalty: Penalty | None = None,
        penalty_weight: float = 0.0,
        penalty_interval: int = 1,
        generator_regularizer: PathLength | None = None,
        label_smoothing: float = 0.0,
        update: Literal["alternating", "simultaneous"] = "alternating",
        discriminator_steps: int = 1,
        generator_steps: int = 1,
        ema_kimg: float = 40.0,
        ema_rampup: float = 0.05,
        prior: Any = PRIORS["normal"],
        seed: int = 0,
    ):
        """Assemble the model from three built networks.

        Args:
            generator: Latents (B, Z), or a list of them and labels (B,), to images
                (B, H, W, C) in [-1, 1], or a nest of images.
            discriminator: Images, or a flat list of them and labels, to logits (B,).
            ema_generator: Same architecture as the generator; overwritten.
            loss: Adversarial loss.
            balance: Controls of the balance between the networks.
            real_inputs: Maps real images (B, H, W, C) to a nest like the generator's
                output. None if that is one tensor.
            penalty: Gradient penalty of the discriminator.
            penalty_weight: Its weight in the discriminator's loss.
            penalty_interval: Discriminator updates per penalty, which it multiplies.
            generator_regularizer: A further term of the generator's loss.
            label_smoothing: Amount subtracted from the target 1 of real images; only
                for losses with labels.
            update: "alternating" is Goodfellow et al. 2014, algorithm 1.
                "simultaneous" computes both gradients before either update, as the
                TensorFlow tutorial does; for one step of each network.
            discriminator_steps: Discriminator updates per training step.
            generator_steps: Generator updates per training step.
            ema_kimg: Half-life of the average in thousand images; 0: no average.
            ema_rampup: Largest half-life as a fraction of the images seen, so that
                the average forgets the beginning.
            prior: Distribution of the latents; see `common.priors.as_prior`.
            seed: Of the latents and of gradient penalties.
        """
        super().__init__(name="gan")
        self.generator = generator
        self.discriminator = discriminator
        self.ema_generator = ema_generator
        self.ema_generator.set_weights(generator.get_weights())
        self.ema_generator.trainable = False
        self.balance = balance
        self.loss_pair = loss
        self.given_real_inputs = real_inputs
        self.real_inputs = real_inputs or (lambda images: images)
        self.penalty, self.penalty_weight = penalty, penalty_weight
        self.penalty_interval, self.both_logits = penalty_interval, heads.both_logits(discriminator)
        self.generator_regularizer = generator_regularizer
        self.regularize = generator_regularizer and generator_regularizer.bind(generator)
        self.label_smoothing, self.update = label_smoothing, update
        self.discriminator_steps, self.generator_steps = discriminator_steps, generator_steps
        self.ema_kimg, self.ema_rampup = ema_kimg, ema_rampup
        self.latent_size = generator.inputs[0].shape[-1]
        self.prior = as_prior(prior)
        self.conditional = len(generator.inputs) > 1
        self.initial_seed, self.seed = seed, keras.random.SeedGenerator(seed)
        self.images_seen = self.add_weight(
            shape=(), initializer="zeros", dtype="int64", trainable=False, name="images_seen"
        )
        balance_names = tuple(balance.scalars(self.images_seen.value))
        self.scalars = RunningMeans(STEP_METRICS + balance_names, LOSS)
        self.built = True  # or fit() would call the model on real images

    @property
    def metrics(self):
        return [self.scalars]

    def call(self, latents, labels=None, training=False):
        """Generate images (B, H, W, C) in [-1, 1] with the EMA generator."""
        return self.ema_generator(self.with_labels(latents, labels), training=training)

    def train_step(self, data):
        """Train on images (`discriminator_steps` * B, H, W, C) and their labels."""
        parts = [tf.split(part, self.discriminator_steps) for part in data]
        batches = list(zip(*parts, strict=True))
        step = self._simultaneous_step if self.update == "simultaneous" else self._alternating_step
        metrics = step(batches)
        batch_size = replicas.count() * tf.shape(data[0], out_type=tf.int64)[0]
        self.images_seen.assign_add(batch_size)
        self._update_ema(batch_size)
        metrics |= {
            f"learning_rate/{network}": rate.in_effect() for network, rate in self.rates.items()
        }
        self.scalars.update_state(metrics | self.balance.scalars(self.images_seen.value))
        return self.scalars.result()

    def _alternating_step(self, batches):
        """Update the discriminator k times, then the generator: Goodfellow et al. 2014, Alg. 1.

        Deviation: the generator's update uses the images of the last discriminator
        update, which saves a forward pass.
        """
        *earlier, (real, labels) = batches
        for earlier_real, earlier_labels in earlier:  # the first k - 1 updates
            fake = self._generate(earlier_labels)
            with tf.GradientTape() as discriminator_tape:
                losses = self._discriminator_losses(earlier_real, fake, earlier_labels)
            gradients, _ = self._discriminator_gradients(discriminator_tape, losses)
            self._update_discriminator(gradients)

        with tf.GradientTape() as generator_tape:
            fake = self._generate(labels)
            with generator_tape.stop_recording():
                with tf.GradientTape() as discriminator_tape:
                    losses = self._discriminator_losses(real, fake, labels)
                gradients, metrics = self._discriminator_gradients(discriminator_tape, losses)
                self._update_discriminator(gradients)
            losses = self._generator_losses(real, fake, labels)  # by the updated discriminator
        gradients, generator_metrics = self._generator_gradients(generator_tape, losses)
        self._update_generator(gradients)

        for _ in range(self.generator_steps - 1):
            with tf.GradientTape() as generator_tape:
                losses = self._generator_losses(real, self._generate(labels), labels)
            gradients, generator_metrics = self._generator_gradients(generator_tape, losses)
            self._update_generator(gradients)
        return metrics | generator_metrics

    def _simultaneous_step(self, batches):
        """Compute the gradients of both networks at the same point, then update both."""
        ((real, labels),) = batches
        with tf.GradientTape() as generator_tape:
            fake = self._generate(labels)
            with generator_tape.stop_recording():
                with tf.GradientTape() as discriminator_tape:
                    losses = self._discriminator_losses(real, fake, labels)
                gradients, metrics = self._discriminator_gradients(discriminator_tape, losses)
            losses = self._generator_losses(real, fake, labels)
        generator_gradients, more = self._generator_gradients(generator_tape, losses)
        self._update_discriminator(gradients)
        self._update_generator(generator_gradients)
        return metrics | more

    def _generate(self, labels) -> Images:
        """Generate images for labels (B,) from new latents."""
        return self.generator(self.with_labels(self._latents(labels), labels), training=True)

    def _latents(self, labels) -> tf.Tensor:
        """Draw latents (B, Z) for labels (B,)."""
        shape = (tf.shape(labels)[0], self.latent_size)
        return replicas.draw(lambda sizes: self.prior.sample(*sizes, self.seed), shape)

    def _discriminator_losses(self, real, fake: Images, labels) -> DiscriminatorLosses:
        real = self.real_inputs(real)
        fake = tf.nest.map_structure(tf.stop_gradient, fake)
        real_logits, real_direction = self.both_logits(self._presented(real, labels))  # (B,), (B,)
        fake_logits, fake_direction = self.both_logits(self._presented(fake, labels))
        as_real, as_fake = self.balance.swap_labels(real_logits, fake_logits)
        smoothing = {"real_label": 1.0 - self.label_smoothing} if self.label_smoothing else {}
        loss = tf.reduce_mean(self.loss_pair.discriminator(real=as_real, fake=as_fake, **smoothing))
        weighted, penalty = self._penalty(real, fake, labels)
        slicing = tf.reduce_mean(fake_direction) - tf.reduce_mean(real_direction)
        total = self.discriminator_optimizer.scale_loss(loss + slicing) + weighted
        return DiscriminatorLosses(real_logits, fake_logits, loss, penalty, total)

    def _generator_losses(self, real, fake: Images, labels) -> GeneratorLosses:
        real_logits = None
        if self.loss_pair.generator_sees_real:
            real_logits = self._discriminate(self.real_inputs(real), labels)  # (B,)
        fake_logits = self._discriminate(fake, labels)  # (B,)
        loss = tf.reduce_mean(self.loss_pair.generator(real=real_logits, fake=fake_logits))
        total = self.generator_optimizer.scale_loss(loss)
        if self.regularize is not None:
            labels = labels[::SHRINK]
            inputs = self.with_labels(self._latents(labels), labels)
            total += self.regularize(inputs, self.seed, self.generator_optimizer)
        return GeneratorLosses(loss, total)

    def _discriminate(self, images: Images, labels):
        """Return logits (B,) of images as the balance controls present them."""
        return self.discriminator(self._presented(images, labels), training=True)

    def _presented(self, images: Images, labels) -> Any:
        seen = self.images_seen.value
        images = tf.nest.map_structure(lambda leaf: self.balance.augment(leaf, seen), images)
        return self.with_labels(images, labels)

    def _penalty(self, real: Images, fake: Images, labels):
        """Return the penalty as a part of the scaled loss, and before its weight."""
        if self.penalty is None:
            return tf.constant(0.0), tf.constant(0.0)
        mix = replicas.draw(keras.random.uniform, tf.shape(labels), seed=self.seed)  # (B,)

        def term():
            critic = functools.partial(self._discriminate, labels=labels)
            penalty = tf.reduce_mean(self.penalty(critic, real, fake, mix))
            return self.penalty_weight * penalty, self.penalty_interval * penalty

        return lazily(term, self.penalty_interval, self.discriminator, self.discriminator_optimizer)

    def _discriminator_gradients(self, tape: tf.GradientTape, losses: DiscriminatorLosses):
        """Return the gradient and the metrics, which the balance controls observe."""
        gradients = _gradients(tape, losses.total, self.discriminator)
        metrics = step_metrics.of_discriminator(losses, self.loss_pair)
        norm = gradient_norm(gradients, self.discriminator_optimizer)
        metrics = replicas.mean_of_scalars(metrics | {"gradient_norm/discriminator": norm})
        images = replicas.count() * tf.shape(losses.real_logits)[0]
        self.balance.observe(metrics | {"images": images})
        return gradients, metrics

    def _generator_gradients(self, tape: tf.GradientTape, losses: GeneratorLosses):
        gradients = _gradients(tape, losses.total, self.generator)
        norm = gradient_norm(gradients, self.generator_optimizer)
        metrics = {"loss/generator": losses.loss, "gradient_norm/generator": norm}
        return gradients, replicas.mean_of_scalars(metrics)

    def _update_discriminator(self, gradients):
        self._apply("discriminator", self.discriminator_optimizer, gradients)
        self.balance.constrain(self.discriminator)

    def _update_generator(self, gradients):
        self._apply("generator", self.generator_optimizer, gradients)

    def _apply(self, network: Network, optimizer: keras.optimizers.Optimizer, gradients):
        variables = getattr(self, network).trainable_variables
        before = [tf.identity(v.value) for v in variables] if self.balance.limits_updates else []
        with self.rates[network].in_step():
            optimizer.apply(gradients, variables)
        if before:
            self.balance.limit_update(network, variables, before, self.images_seen.value)

    def _update_ema(self, batch_size):
        """Replace half of the average every `ema_kimg` thousand images, or sooner early on."""
        seen = tf.cast(self.images_seen.value, tf.float32)
        half_life = tf.minimum(1000.0 * self.ema_kimg, self.ema_rampup * seen)
        keep = tf.pow(0.5, tf.cast(batch_size, tf.float32) / half_life)
        for average, value in zip(self.ema_generator.weights, self.generator.weights, strict=True):
            counts = not keras.backend.is_float_dtype(average.dtype)  # as Normalization has
            average.assign(value if counts else value + keep * (average - value))

    def with_labels(self, inputs: Any, labels: Any) -> Any:
        """Return the inputs of either network: `inputs`, with labels (B,) if it is conditional."""
        return [*tf.nest.flatten(inputs), labels] if self.conditional else inputs


def _gradients(tape: tf.GradientTape, loss: tf.Tensor, network: keras.Model) -> list[tf.Tensor]:
    """Average gradients over replicas; dense, as the rows of a repeated label add up in norms."""
    gradients = tape.gradient(loss, network.trainable_variables)
    return replicas.mean([tf.convert_to_tensor(gradient) for gradient in gradients])
