"""The part of a GAN that Keras's `compile`, `save` and callbacks use."""

import keras
import tensorflow as tf

from common.distribution import replicas
from common.distribution.training import ReplicatedModel
from gan import learning_rates, saving
from gan.balance.base import Network
from gan.stages import Networks


class TwoOptimizers(ReplicatedModel):
    """A model of a generator and a discriminator, each with its own optimizer.

    Attributes:
        generator_optimizer: Also `optimizer`, which Keras's callbacks read and change.
        discriminator_optimizer: Its learning rate follows the generator's.
        rates: The `LearningRate` of each network.
        rate_factor: By how much callbacks have changed both.
    """

    def compile(
        self,
        generator_optimizer: str | keras.optimizers.Optimizer,
        discriminator_optimizer: str | keras.optimizers.Optimizer,
        **kwargs,
    ):
        """Attach two optimizers of any kind, by name or as objects.

        Both learning rates are multiplied by what the balance controls ask for.
        A Keras callback that changes `optimizer.learning_rate`, the generator's,
        changes the discriminator's by the same factor.

        Raises:
            ValueError: Both are the same object.
        """
        if generator_optimizer is discriminator_optimizer and not isinstance(
            generator_optimizer, str
        ):
            raise ValueError("expected two optimizers, got one object for both networks")
        self.rate_factor = learning_rates.Factor()
        self.rates = {}
        self.generator_optimizer = self._prepare("generator", generator_optimizer)
        self.discriminator_optimizer = self._prepare("discriminator", discriminator_optimizer)
        super().compile(optimizer=self.generator_optimizer, **kwargs)
        self.compile_options = kwargs

    def trained_by(self, network: Network) -> list[keras.Variable]:
        """List the variables that the optimizer of a network trains, in any stage."""
        return self._of_stage(network, self.stages[-1])

    def training(self, network: Network) -> list[keras.Variable]:
        """List those of them that train in the present stage."""
        return self._of_stage(network, self.current)

    def _of_stage(self, network: Network, stage: Networks) -> list[keras.Variable]:
        variables = getattr(stage, network).trainable_variables
        if network == "generator" and self.reconstruction:
            return variables + self.reconstruction.encoder.trainable_variables
        return variables

    def apply(self, network: Network, optimizer: keras.optimizers.Optimizer, gradients):
        """Update a network by the gradients of `training`, as the balance controls allow."""
        variables = self.training(network)
        before = [tf.identity(v.value) for v in variables] if self.balance.limits_updates else []
        with self.rates[network].in_step():
            optimizer.apply(gradients, variables)
        if before:
            self.balance.limit_update(network, variables, before, self.images_seen.value)

    def _prepare(self, network: Network, optimizer: str | keras.optimizers.Optimizer):
        """Build an optimizer on the variables of a network, with loss scaling in float16."""
        optimizer = keras.optimizers.get(optimizer)
        scaled = isinstance(optimizer, keras.optimizers.LossScaleOptimizer)
        if self.compute_dtype == "float16" and not scaled:
            optimizer = keras.optimizers.LossScaleOptimizer(optimizer)
        self.rates[network] = learning_rates.follow(
            optimizer,
            images_seen=lambda: self.images_seen.value,
            factor=self.rate_factor.variable,
            scale=lambda: self.balance.learning_rate_scale(network),
        )
        if not optimizer.built:
            optimizer.build(self.trained_by(network))
        replicas.expect_mean_gradients(optimizer)
        return optimizer

    def get_config(self):
        return saving.to_config(self)

    @classmethod
    def from_config(cls, config):
        model = cls(**saving.from_config(config))
        saving.restore_random_streams(model, config)
        return model

    def get_compile_config(self):
        return saving.to_compile_config(self) if self.compiled else {}

    def compile_from_config(self, config):
        saving.compile_from(self, config)

    def save(self, filepath, overwrite=True, **kwargs):
        """Save everything as `keras.Model.save` does; an unsuitable part is refused beforehand."""
        saving.check(self)
        super().save(filepath, overwrite=overwrite, **kwargs)

    @property
    def input_shape(self):
        """Shape of the latents, or of the latents and labels; MLflow reads it."""
        return self.generator.input_shape
