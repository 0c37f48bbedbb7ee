"""A `keras.Model` that trains a generator against a discriminator."""

from collections.abc import Callable, Sequence
from typing import Any, Literal

import keras
import tensorflow as tf

from common.distribution import replicas
from common.losses.adversarial import AdversarialLoss
from common.losses.penalties import Penalty
from common.priors import PRIORS, as_prior
from gan import moving_average, step_metrics
from gan.balance.base import Balance
from gan.path_length import PathLength
from gan.reconstruction.reconstruction import Reconstruction
from gan.running_means import RunningMeans
from gan.stages import Networks, trained
from gan.step_losses import Images, StepLosses
from gan.step_metrics import STEP_METRICS, DiscriminatorLosses, GeneratorLosses, gradient_norm

LOSS = {"loss": ("loss/discriminator", "loss/generator")}  # what Keras's callbacks expect


@keras.saving.register_keras_serializable("gan")
class GAN(StepLosses):
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
        stages: What trains in each stage of a training that grows; one otherwise.
        current: What trains at present. The three networks above are full size.
        grown: Images seen when each stage but the first began.
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
        reconstruction: Reconstruction | None = None,
        stages: Sequence[Networks] = (),
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
            reconstruction: Adds a loss to the generator's, whose images are then
                reconstructions of the real ones; it needs a generator with a memory.
            stages: Parts of the three networks, sharing their layers, that are trained
                in turn; see `gan.stages.grow`. Empty: all of them from the start.
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
        whole = trained(
            generator, discriminator, ema_generator, reconstructs=reconstruction is not None
        )
        self.stages = list(stages) or [whole]
        self.current, self.grown = self.stages[0], []
        self.balance = balance
        self.loss_pair = loss
        self.given_real_inputs = real_inputs
        self.real_inputs = real_inputs or (lambda images: images)
        self.reconstruction = reconstruction
        self.penalty, self.penalty_weight = penalty, penalty_weight
        self.penalty_interval = penalty_interval
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
        more = ("loss/reconstruction",) if reconstruction else ()
        self.scalars = RunningMeans(STEP_METRICS + more + balance_names, LOSS)
        self.built = True  # or fit() would call the model on real images

    @property
    def metrics(self):
        return [self.scalars]

    def call(self, latents, labels=None, training=False):
        """Generate images (B, H, W, C) in [-1, 1] with the EMA generator."""
        images = self.ema_generator(self.with_labels(latents, labels), training=training)
        return tf.nest.flatten(images)[-1]

    def train_step(self, data):
        """Train on images (`discriminator_steps` * B, H, W, C) and their labels."""
        parts = [tf.split(part, self.discriminator_steps) for part in data]
        batches = list(zip(*parts, strict=True))
        step = self._simultaneous_step if self.update == "simultaneous" else self._alternating_step
        metrics = step(batches)
        batch_size = replicas.count() * tf.shape(data[0], out_type=tf.int64)[0]
        self.images_seen.assign_add(batch_size)
        moving_average.update(
            self.current.ema_generator,
            self.current.generator,
            batch_size,
            self.images_seen.value,
            kimg=self.ema_kimg,
            rampup=self.ema_rampup,
        )
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
            fake, _ = self.generate(earlier_real, earlier_labels)
            with tf.GradientTape() as discriminator_tape:
                losses = self.discriminator_losses(earlier_real, fake, earlier_labels)
            gradients, _ = self._discriminator_gradients(discriminator_tape, losses)
            self._update_discriminator(gradients)

        with tf.GradientTape() as generator_tape:
            fake, cost = self.generate(real, labels)
            with generator_tape.stop_recording():
                with tf.GradientTape() as discriminator_tape:
                    losses = self.discriminator_losses(real, fake, labels)
                gradients, metrics = self._discriminator_gradients(discriminator_tape, losses)
                self._update_discriminator(gradients)
            losses = self.generator_losses(real, fake, labels, cost)  # by the updated D
        gradients, generator_metrics = self._generator_gradients(generator_tape, losses)
        self._update_generator(gradients)

        for _ in range(self.generator_steps - 1):
            with tf.GradientTape() as generator_tape:
                fake, cost = self.generate(real, labels)
                losses = self.generator_losses(real, fake, labels, cost)
            gradients, generator_metrics = self._generator_gradients(generator_tape, losses)
            self._update_generator(gradients)
        return metrics | generator_metrics

    def _simultaneous_step(self, batches):
        """Compute the gradients of both networks at the same point, then update both."""
        ((real, labels),) = batches
        with tf.GradientTape() as generator_tape:
            fake, cost = self.generate(real, labels)
            with generator_tape.stop_recording():
                with tf.GradientTape() as discriminator_tape:
                    losses = self.discriminator_losses(real, fake, labels)
                gradients, metrics = self._discriminator_gradients(discriminator_tape, losses)
            losses = self.generator_losses(real, fake, labels, cost)
        generator_gradients, more = self._generator_gradients(generator_tape, losses)
        self._update_discriminator(gradients)
        self._update_generator(generator_gradients)
        return metrics | more

    def _discriminator_gradients(self, tape: tf.GradientTape, losses: DiscriminatorLosses):
        """Return the gradient and the metrics, which the balance controls observe."""
        gradients = _gradients(tape, losses.total, self.training("discriminator"))
        metrics = step_metrics.of_discriminator(losses, self.loss_pair)
        norm = gradient_norm(gradients, self.discriminator_optimizer)
        metrics = replicas.mean_of_scalars(metrics | {"gradient_norm/discriminator": norm})
        images = replicas.count() * tf.shape(losses.real_logits)[0]
        self.balance.observe(metrics | {"images": images})
        return gradients, metrics

    def _generator_gradients(self, tape: tf.GradientTape, losses: GeneratorLosses):
        gradients = _gradients(tape, losses.total, self.training("generator"))
        norm = gradient_norm(gradients, self.generator_optimizer)
        metrics = {"loss/generator": losses.loss, "gradient_norm/generator": norm}
        if self.reconstruction:
            metrics["loss/reconstruction"] = losses.reconstruction
        return gradients, replicas.mean_of_scalars(metrics)

    def _update_discriminator(self, gradients):
        self.apply("discriminator", self.discriminator_optimizer, gradients)
        self.balance.constrain(self.current.discriminator)

    def _update_generator(self, gradients):
        self.apply("generator", self.generator_optimizer, gradients)


def _gradients(tape: tf.GradientTape, loss: tf.Tensor, variables: list) -> list[tf.Tensor]:
    """Average gradients over replicas; dense, as the rows of a repeated label add up in norms."""
    gradients = tape.gradient(loss, variables)
    return replicas.mean([tf.convert_to_tensor(gradient) for gradient in gradients])
