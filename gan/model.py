"""The adversarial step, and nothing that a callback can do."""

from typing import Literal

import keras
import tensorflow as tf

from common.distribution import replicas
from common.losses.adversarial import AdversarialLoss
from common.losses.penalties import Penalty
from gan.balance.base import Balance
from gan.running_means import RunningMeans

METRICS = (
    "loss/discriminator",
    "loss/generator",
    "loss/penalty",
    "discriminator/real",
    "discriminator/fake",
    "discriminator/over_chance",
    "discriminator/spread",
    "discriminator/accuracy",
    "discriminator/r_t",
    "gradient_norm/discriminator",
    "gradient_norm/generator",
    "learning_rate/discriminator",
    "learning_rate/generator",
)


class GAN(keras.Model):
    """A generator and a discriminator that train against each other.

    Attributes:
        ema_generator: the exponential moving average of the generator,
            which all sampling uses (Yazici et al. 2019).
        images_seen: real pictures that the discriminator was shown so far; the
            clock of everything that is scheduled or logged.
    """

    def __init__(
        self,
        generator: keras.Model,
        discriminator: keras.Model,
        ema_generator: keras.Model,
        *,
        loss: AdversarialLoss,
        balance: Balance,
        penalty: Penalty | None = None,
        penalty_weight: float = 0.0,
        label_smoothing: float = 0.0,
        update: Literal["alternating", "simultaneous"] = "alternating",
        discriminator_steps: int = 1,
        generator_steps: int = 1,
        ema_kimg: float = 40.0,
        ema_rampup: float = 0.05,
        seed: int = 0,
    ):
        """Puts the step together; the three networks share one architecture where it matters.

        Args:
            generator, ema_generator: latents (B, Z) [and labels (B,)] to
                pictures (B, H, W, C) in [-1, 1]. The second is overwritten.
            discriminator: pictures [and labels] to logits (B,).
            penalty, penalty_weight: added to the discriminator's loss.
            label_smoothing: lowers the target of real pictures; only for losses
                with labels.
            update: "alternating" is Goodfellow et al. 2014, algorithm 1: the
                generator meets the updated discriminator. "simultaneous" takes
                both gradients first, as the TensorFlow tutorial does.
            ema_kimg: half-life of the average, in thousand images; 0: no average.
            ema_rampup: the half-life is at most this share of the images seen,
                so that the average forgets the beginning.
        """
        super().__init__(name="gan")
        self.generator = generator
        self.discriminator = discriminator
        self.ema_generator = ema_generator
        self.ema_generator.set_weights(generator.get_weights())
        self.ema_generator.trainable = False
        self.balance = balance
        self.loss_pair = loss
        self.label_smoothing = label_smoothing
        self.penalty, self.penalty_weight = penalty, penalty_weight
        self.update = update
        self.discriminator_steps, self.generator_steps = discriminator_steps, generator_steps
        self.ema_kimg, self.ema_rampup = ema_kimg, ema_rampup
        self.latent_size = generator.inputs[0].shape[-1]
        self.conditional = len(generator.inputs) > 1
        self.seed = keras.random.SeedGenerator(seed)
        self.images_seen = self.add_weight(
            shape=(), initializer="zeros", dtype="int64", trainable=False, name="images_seen"
        )
        balance_names = tuple(balance.scalars(self.images_seen.value))
        self.scalars = RunningMeans(METRICS + balance_names)
        self.built = True  # or fit() would call the model on real pictures

    def compile(
        self,
        generator_optimizer: keras.optimizers.Optimizer,
        discriminator_optimizer: keras.optimizers.Optimizer,
        **kwargs,
    ):
        """Takes two independent optimizers and builds each on its own network's variables."""
        super().compile(optimizer=generator_optimizer, **kwargs)
        self.generator_optimizer = generator_optimizer
        self.discriminator_optimizer = discriminator_optimizer
        generator_optimizer.build(self.generator.trainable_variables)
        discriminator_optimizer.build(self.discriminator.trainable_variables)
        for optimizer in (generator_optimizer, discriminator_optimizer):
            replicas.expect_mean_gradients(optimizer)

    @property
    def metrics(self):
        return [self.scalars]

    def _maybe_symbolic_build(self, iterator=None, data_batch=None):
        """Nothing: all is built. Keras 3.15 would fail on a share of several workers' batch."""

    def make_train_function(self, force=False):
        """Keras's own for one replica; in 3.15 several replicas cannot go more than one step."""
        strategy = self.distribute_strategy
        if strategy.num_replicas_in_sync == 1:
            return super().make_train_function(force)
        step = tf.autograph.experimental.do_not_convert(self.train_step)

        @tf.function
        def execute(iterator):
            for _ in tf.range(self.steps_per_execution):
                strategy.run(step, args=(next(iterator),))

        def train_function(iterator):
            execute(iterator)
            return self.scalars.result()

        self.train_function = train_function
        return train_function

    def call(self, latents, labels=None, training=False):
        """Pictures (B, H, W, C) in [-1, 1] from the averaged generator."""
        return self.ema_generator(self.with_labels(latents, labels), training=training)

    def train_step(self, data):
        """One round of the game on a batch of `discriminator_steps` x B pictures.

        Each of several replicas does this with its share of the batch. Gradients and
        metrics are means over all of them and random numbers are drawn for all of
        them, so every replica makes the same updates, those of a single one.
        """
        batches = [tf.split(part, self.discriminator_steps) for part in data]
        step = self._simultaneous_step if self.update == "simultaneous" else self._alternating_step
        metrics = step(list(zip(*batches, strict=True)))
        batch_size = replicas.count() * tf.shape(data[0], out_type=tf.int64)[0]
        self.images_seen.assign_add(batch_size)
        self._update_average(batch_size)
        metrics |= {
            "learning_rate/discriminator": self.discriminator_optimizer.learning_rate,
            "learning_rate/generator": self.generator_optimizer.learning_rate,
        }
        self.scalars.update_state(metrics | self.balance.scalars(self.images_seen.value))
        return self.scalars.result()

    def _alternating_step(self, batches):
        """Goodfellow et al. 2014, algorithm 1.

        Deviation: the generator's first update reuses the pictures that the
        discriminator has just been trained on, which saves a forward pass.
        """
        for real, labels in batches:
            generator_tape, fake = self._generate(labels)
            gradients, discriminator_figures = self._discriminator_gradients(real, fake, labels)
            self._update_discriminator(gradients)
        for repeat in range(self.generator_steps):
            if repeat > 0:
                generator_tape, fake = self._generate(labels)
            gradients, generator_figures = self._generator_gradients(
                generator_tape, real, fake, labels
            )
            self._update_generator(gradients)
        return discriminator_figures | generator_figures

    def _simultaneous_step(self, batches):
        """Both gradients at the same point, then both updates."""
        ((real, labels),) = batches
        generator_tape, fake = self._generate(labels)
        for_discriminator, discriminator_figures = self._discriminator_gradients(real, fake, labels)
        for_generator, generator_figures = self._generator_gradients(
            generator_tape, real, fake, labels
        )
        self._update_discriminator(for_discriminator)
        self._update_generator(for_generator)
        return discriminator_figures | generator_figures

    def _generate(self, labels):
        """Fresh pictures (B, H, W, C), and the tape that saw them being made."""
        shape = (tf.shape(labels)[0], self.latent_size)
        latents = replicas.draw(keras.random.normal, shape, seed=self.seed)
        with tf.GradientTape() as tape:
            fake = self.generator(self.with_labels(latents, labels), training=True)
        return tape, fake

    def _discriminator_gradients(self, real, fake, labels):
        fake = tf.stop_gradient(fake)
        with tf.GradientTape() as tape:
            real_logits = self._judge(real, labels)  # (B,)
            fake_logits = self._judge(fake, labels)  # (B,)
            shown = self.balance.swap_labels(real_logits, fake_logits)
            smoothing = {"real_label": 1.0 - self.label_smoothing} if self.label_smoothing else {}
            loss = tf.reduce_mean(
                self.loss_pair.discriminator(real=shown[0], fake=shown[1], **smoothing)
            )
            penalty = self._penalty(real, fake, labels)
            total = self.discriminator_optimizer.scale_loss(loss + self.penalty_weight * penalty)
        gradients = _gradients(tape, total, self.discriminator)
        metrics = {
            "loss/discriminator": loss,
            "loss/penalty": penalty,
            "discriminator/real": tf.reduce_mean(tf.sigmoid(real_logits)),
            "discriminator/fake": tf.reduce_mean(tf.sigmoid(fake_logits)),
            "discriminator/over_chance": loss - self._chance(real_logits),
            "discriminator/spread": tf.math.reduce_std(
                tf.concat([real_logits, fake_logits], axis=0)
            ),
            "discriminator/accuracy": self._accuracy(real_logits, fake_logits),
            "discriminator/r_t": self._r_t(real_logits, fake_logits),
            "gradient_norm/discriminator": _norm(gradients, self.discriminator_optimizer),
        }
        metrics = replicas.mean_of_scalars(metrics)
        self.balance.observe(metrics | {"images": replicas.count() * tf.shape(real)[0]})
        return gradients, metrics

    def _generator_gradients(self, tape, real, fake, labels):
        real_logits = self._judge(real, labels) if self.loss_pair.generator_sees_real else None
        with tape:  # goes on recording from where the pictures were made
            fake_logits = self._judge(fake, labels)  # (B,)
            loss = tf.reduce_mean(self.loss_pair.generator(real=real_logits, fake=fake_logits))
            total = self.generator_optimizer.scale_loss(loss)
        gradients = _gradients(tape, total, self.generator)
        return gradients, replicas.mean_of_scalars(
            {
                "loss/generator": loss,
                "gradient_norm/generator": _norm(gradients, self.generator_optimizer),
            }
        )

    def _update_discriminator(self, gradients):
        self._apply("discriminator", self.discriminator_optimizer, gradients)
        self.balance.constrain(self.discriminator)

    def _update_generator(self, gradients):
        self._apply("generator", self.generator_optimizer, gradients)

    def _apply(self, network, optimizer, gradients):
        variables = getattr(self, network).trainable_variables
        before = [tf.identity(v.value) for v in variables] if self.balance.limits_updates else []
        optimizer.apply(gradients, variables)
        if before:
            self.balance.limit_update(network, variables, before, self.images_seen.value)

    def _judge(self, images, labels):
        images = self.balance.augment(images, self.images_seen.value)
        return self.discriminator(self.with_labels(images, labels), training=True)

    def _penalty(self, real, fake, labels):
        if self.penalty is None:
            return tf.constant(0.0)
        mix = replicas.draw(keras.random.uniform, tf.shape(labels), seed=self.seed)  # (B,)
        return tf.reduce_mean(
            self.penalty(lambda images: self._judge(images, labels), real, fake, mix)
        )

    def _chance(self, logits):
        """The loss of a discriminator that cannot tell real from generated and says so."""
        blind = tf.fill(tf.shape(logits), float(self.loss_pair.boundary or 0.0))
        return tf.reduce_mean(self.loss_pair.discriminator(real=blind, fake=blind))

    def _accuracy(self, real_logits, fake_logits):
        """The share of pictures on the right side; of pairs, where only order has a meaning."""
        boundary = self.loss_pair.boundary
        if boundary is None:
            return tf.reduce_mean(tf.cast(real_logits > fake_logits, tf.float32))
        right = tf.concat([real_logits > boundary, fake_logits < boundary], axis=0)
        return tf.reduce_mean(tf.cast(right, tf.float32))

    def _r_t(self, real_logits, fake_logits):
        """The mean sign of D(real): near 1 when it knows the real pictures by heart.

        Karras et al. 2020, equation 1, r_t. Deviation: a critic, whose logits
        have no zero, is measured from its mean for the fakes.
        """
        boundary = self.loss_pair.boundary
        zero = replicas.mean(tf.reduce_mean(fake_logits)) if boundary is None else boundary
        return tf.reduce_mean(tf.sign(real_logits - zero))

    def _update_average(self, batch_size):
        """Half of the average is replaced every `ema_kimg` thousand images (or sooner, early)."""
        seen = tf.cast(self.images_seen.value, tf.float32)
        half_life = tf.minimum(1000.0 * self.ema_kimg, self.ema_rampup * seen)
        keep = tf.pow(0.5, tf.cast(batch_size, tf.float32) / half_life)
        for average, value in zip(self.ema_generator.weights, self.generator.weights, strict=True):
            average.assign(value + keep * (average - value))

    def with_labels(self, inputs, labels):
        """What both networks take: `inputs`, and `labels` too where they are told them."""
        return [inputs, labels] if self.conditional else inputs


def _gradients(tape, loss, network):
    """Means over replicas; dense, since rows of a repeated label must be summed before any norm."""
    gradients = tape.gradient(loss, network.trainable_variables)
    return replicas.mean([tf.convert_to_tensor(gradient) for gradient in gradients])


def _norm(gradients, optimizer):
    """Of the whole gradient; 0 where it overflowed under a loss scale and the update is skipped."""
    norm = tf.linalg.global_norm(gradients)
    if not isinstance(optimizer, keras.optimizers.LossScaleOptimizer):
        return norm
    return tf.where(tf.math.is_finite(norm), norm, 0.0) / optimizer.dynamic_scale.value
