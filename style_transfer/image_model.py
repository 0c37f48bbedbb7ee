"""The picture as the one trainable weight of a Keras model."""

from collections.abc import Sequence

import keras
import numpy as np
import tensorflow as tf

from style_transfer.objective import Terms

MOMENTS = ("momentum", "velocity")  # Adam's state beside its step count


class StyledPicture(keras.Model):
    """Moves a picture downhill; `fit` and callbacks drive it.

    Attributes:
        picture: (1, H, W, 3) float32, kept in [0, 1].
        average: the mean of the iterates, the recent ones counting most. Smoother
            than any of them: the noise of the last steps cancels out (Polyak and
            Juditsky 1992).
    """

    def __init__(
        self, initial: np.ndarray, terms: Terms, first_step: int = 0, horizon: float = 50.0
    ):
        """Begins at a picture.

        Args:
            initial: (1, H, W, 3) in [0, 1].
            terms: a picture to the losses to add up, by name.
            first_step: iterations that other pictures have had before.
            horizon: iterations that the average reaches back.
        """
        super().__init__()
        self.terms, self.first_step, self.horizon = terms, first_step, horizon

        def start(shape, dtype=None):
            return tf.constant(initial, tf.float32)

        self.picture = self.add_weight(
            shape=initial.shape, initializer=start, dtype="float32", name="picture"
        )
        self.average = self.add_weight(
            shape=initial.shape,
            initializer=start,
            dtype="float32",
            trainable=False,
            name="average",
        )
        self.iteration = self.add_weight(
            shape=(), initializer="zeros", dtype="float32", trainable=False, name="iteration"
        )
        self.built = True

    @property
    def steps_done(self) -> int:
        return int(self.iteration)

    def compile(self, optimizer: keras.optimizers.Optimizer, **kwargs):
        super().compile(optimizer=optimizer, **kwargs)
        optimizer.build(self.trainable_variables)

    @property
    def metrics(self):
        return []

    def loss_and_gradient(self) -> tuple[dict[str, tf.Tensor], tf.Tensor]:
        """The terms with their sum as "loss", and the gradient on the picture (1, H, W, 3)."""
        picture = tf.convert_to_tensor(self.picture)
        with tf.GradientTape(watch_accessed_variables=False) as tape:
            tape.watch(picture)
            terms = self.terms(picture)
            loss = tf.add_n(list(terms.values()))
        return {"loss": loss, **terms}, tape.gradient(loss, picture)

    def make_train_function(self, force=False):
        """`steps_per_execution` steps in a plain loop; the logs are those of the last.

        Keras's own loop asks at every step whether there is more data, which
        costs 2 %. There is none: one picture is all there is. Nor are the other
        steps' losses computed, unless XLA compiles the step, which costs 5 %:
        their gradients do without.
        """
        # not False, which would keep TensorFlow from seeing into the step
        step = tf.function(self.train_step, jit_compile=self.jit_compile or None)
        names: list[str] = []

        @tf.function
        def execute(count: tf.Tensor) -> tf.Tensor:
            for _ in tf.range(count - 1):
                step(None)
            logs = step(None)
            names[:] = logs
            return tf.stack(list(logs.values()))

        def train_function(iterator):
            latest = execute(tf.constant(self.steps_per_execution)).numpy()
            return dict(zip(names, latest, strict=True))

        self.train_function = train_function
        return train_function

    def train_step(self, data):
        del data
        logs, gradient = self.loss_and_gradient()
        self.move(gradient)
        return logs

    def move(self, gradient: tf.Tensor) -> None:
        """One step of the optimizer, back into the range, and the average after it."""
        self.optimizer.apply([gradient], [self.picture])
        self.follow()

    @tf.function(jit_compile=True)
    def follow(self) -> None:
        """Clamps the picture and moves the average there: a plain mean, then an exponential one.

        Compiled: two passes over the picture instead of six.
        """
        self.picture.assign(tf.clip_by_value(self.picture.value, 0.0, 1.0))
        self.iteration.assign_add(1.0)
        share = tf.maximum(1.0 / self.iteration, 1.0 / self.horizon)
        self.average.assign_add(share * (self.picture.value - self.average.value))


def state(optimizer: keras.optimizers.Adam) -> tuple[float, list[np.ndarray]]:
    """Adam's step count and its two moments, (1, H, W, 3) each."""
    moments = [v.numpy() for v in optimizer.variables if v.name.endswith(MOMENTS)]
    return float(optimizer.iterations), moments


def carry(optimizer: keras.optimizers.Adam, steps: float, moments: Sequence[np.ndarray]) -> None:
    """Gives a built Adam the state of one at another size, resized bilinearly.

    A picture that goes on where a smaller one stopped then takes no first,
    full-sized steps in random directions. Velocities stay positive.
    """
    slots = [v for v in optimizer.variables if v.name.endswith(MOMENTS)]
    for slot, values in zip(slots, moments, strict=True):
        slot.assign(tf.image.resize(values, slot.shape[1:3], "bilinear"))
    optimizer.iterations.assign(steps)
