"""The learning rates of both networks: their start, a common factor, and the balance."""

import contextlib
import math
from collections.abc import Callable, Iterator
from typing import Any

import keras
import tensorflow as tf
from keras.optimizers.schedules import LearningRateSchedule


@keras.saving.register_keras_serializable("gan")
class ByImagesSeen(LearningRateSchedule):
    """A schedule that counts the images seen instead of the optimizer's steps.

    Args:
        schedule: Called with the number of images seen.

    Example:
        >>> half_at_100_kimg = keras.optimizers.schedules.InverseTimeDecay(0.01, 1e5, 1.0)
        >>> optimizer = keras.optimizers.Adam(ByImagesSeen(half_at_100_kimg))
    """

    def __init__(self, schedule: LearningRateSchedule):
        self.schedule = schedule

    def __call__(self, step):
        return self.schedule(step)

    def get_config(self):
        return {"schedule": keras.saving.serialize_keras_object(self.schedule)}

    @classmethod
    def from_config(cls, config):
        return cls(keras.saving.deserialize_keras_object(config["schedule"]))


@keras.saving.register_keras_serializable("gan")
class LearningRate:
    """The learning rate that replaces the one an optimizer was made with.

    It is the optimizer's own rate or schedule times `factor`, and within a training
    step also times `scale`. Keras's callbacks read it without the scale and assign
    to it, which changes the factor.

    Args:
        own: The optimizer's rate: a number, a Keras schedule or a function.
        iterations: Returns the steps so far, which Keras schedules count.
        images_seen: Returns the images seen, which `ByImagesSeen` counts.
        factor: Shared by both networks.
        scale: Returns the factor that the balance controls ask for.

    Example:
        >>> gan.generator_optimizer.learning_rate = 1e-3  # the discriminator's changes as much
    """

    def __init__(
        self,
        own: Any,
        *,
        iterations: Callable[[], tf.Tensor],
        images_seen: Callable[[], tf.Tensor],
        factor: keras.Variable,
        scale: Callable[[], tf.Tensor | float],
    ):
        self.own, self.factor, self.scale = own, factor, scale
        self.iterations, self.images_seen = iterations, images_seen
        self.scaled = False

    def start(self) -> tf.Tensor:
        """Return the rate as it would be without callbacks and balance controls."""
        if isinstance(self.own, ByImagesSeen):
            return self.own(self.images_seen())
        if isinstance(self.own, LearningRateSchedule):
            return self.own(self.iterations())
        return tf.convert_to_tensor(self.own() if callable(self.own) else self.own, tf.float32)

    def __call__(self) -> tf.Tensor:
        rate = self.start() * self.factor.value
        return rate * self.scale() if self.scaled else rate

    def assign(self, value: float) -> None:
        """Change the factor, so that the rate is `value`; nothing if its start is 0."""
        start = float(self.start())
        if start and math.isfinite(start):
            self.factor.assign(float(value) / start)

    @contextlib.contextmanager
    def in_step(self) -> Iterator[None]:
        """Apply the scale of the balance controls within this block."""
        self.scaled = True
        try:
            yield
        finally:
            self.scaled = False

    def in_effect(self) -> tf.Tensor:
        """Return the rate of a training step."""
        with self.in_step():
            return self()

    def get_config(self):
        return {"own": keras.saving.serialize_keras_object(self.own)}

    @classmethod
    def from_config(cls, config):
        """Return the optimizer's own rate; `GAN.compile` makes the rest."""
        return keras.saving.deserialize_keras_object(config["own"])


class Factor:
    """The factor by which callbacks have changed both learning rates.

    It is not a weight of the model, so that a model's weights do not depend on how
    it is compiled.
    """

    def __init__(self):
        self.variable = keras.Variable(
            1.0,
            trainable=False,
            dtype="float32",
            aggregation="only_first_replica",
            name="learning_rate_factor",
        )


def follow(optimizer: keras.optimizers.Optimizer, **parts: Any) -> LearningRate:
    """Exchange an optimizer's learning rate for a `LearningRate`.

    Args:
        optimizer: Of any kind, with any kind of learning rate.
        parts: The keyword arguments of `LearningRate`, without `iterations`.

    Returns:
        Its new learning rate.
    """
    inner = getattr(optimizer, "inner_optimizer", optimizer)
    own = inner._learning_rate  # the public property has already called a schedule
    if isinstance(own, LearningRate):
        own = own.own
    elif isinstance(own, keras.Variable):
        own = float(own.numpy())
    rate = LearningRate(own, iterations=lambda: inner.iterations, **parts)
    inner.learning_rate = rate
    return rate
