"""The image as the one trainable weight of a Keras model."""

from collections.abc import Callable, Sequence

import keras
import numpy as np
import tensorflow as tf

from common.fast.loops import clip_and_average, repeat
from style_transfer.objective import Terms

MOMENTS = ("momentum", "velocity")  # Adam's state besides its step count


class StyledImage(keras.Model):
    """A model whose weight is the image; `fit` minimizes the terms of an objective.

    Attributes:
        image: (1, H, W, 3) float32, kept in [0, 1].
        average: The running average of the iterates, with the weight on recent
            ones. Smoother than any of them, as the noise of the last steps
            cancels: Polyak and Juditsky 1992.
        first_step: Iterations of the earlier stages.
        EXECUTION: Iterations between two checks of the time limit and of
            Ctrl-C.

    Example:
        >>> model = StyledImage(content[None], objective)
        >>> model.compile(keras.optimizers.Adam(0.02), steps_per_execution=10)
        >>> ticks = tf.data.Dataset.from_tensors(0.0).repeat()
        >>> model.fit(ticks, steps_per_epoch=100)
        >>> model.average.numpy()[0]  # (H, W, 3)
    """

    EXECUTION = 10

    def __init__(
        self, initial: np.ndarray, terms: Terms, first_step: int = 0, horizon: float = 50.0
    ):
        """Start at an image.

        Args:
            initial: (1, H, W, 3) in [0, 1].
            terms: A function from an image to the losses to add up, {name: (1,)}.
            first_step: Iterations of the earlier stages.
            horizon: Iterations that the average reaches back.
        """
        super().__init__()
        self.terms, self.first_step, self.horizon = terms, first_step, horizon
        self.compiled_by_xla = False

        def start(shape, dtype=None):
            return tf.constant(initial, tf.float32)

        self.image = self.add_weight(
            shape=initial.shape, initializer=start, dtype="float32", name="image"
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
        """Iterations of this stage."""
        return int(self.iteration)

    def compile(self, optimizer: keras.optimizers.Optimizer, *, xla: bool = False, **kwargs):
        """Set the optimizer.

        Args:
            optimizer: Any Keras optimizer.
            xla: Compile the iteration with XLA.
            **kwargs: Of `keras.Model.compile`, such as `steps_per_execution`.
        """
        super().compile(optimizer=optimizer, **kwargs)
        self.compiled_by_xla = xla
        optimizer.build(self.trainable_variables)

    @property
    def metrics(self):
        return []

    def loss_and_gradient(self) -> tuple[dict[str, tf.Tensor], tf.Tensor]:
        """Compute the terms, their sum as "loss", and the gradient of the sum.

        Returns:
            {name: scalar}, and (1, H, W, 3).
        """
        image = tf.convert_to_tensor(self.image)
        with tf.GradientTape(watch_accessed_variables=False) as tape:
            tape.watch(image)
            terms = {name: tf.reduce_sum(value) for name, value in self.terms(image).items()}
            loss = tf.add_n(list(terms.values()))
        return {"loss": loss, **terms}, tape.gradient(loss, image)

    def train_step(self, data=None) -> dict[str, tf.Tensor]:
        """Take one step of the optimizer, clip the image to [0, 1] and move the average."""
        del data  # the image is a weight
        logs, gradient = self.loss_and_gradient()
        self.optimizer.apply([gradient], [self.image])
        self.follow()
        return logs

    def restart(self, image: np.ndarray) -> None:
        """Begin anew at an image (1, H, W, 3), with the optimizer as it was when it was built."""
        for weight in (self.image, self.average):
            weight.assign(image)
        self.iteration.assign(0.0)
        moments = [v for v in self.optimizer.variables if v.name.endswith(MOMENTS)]
        for variable in (*moments, self.optimizer.iterations):
            variable.assign(tf.zeros_like(variable.value))

    def evaluation(self) -> Callable[[], tuple[dict[str, tf.Tensor], tf.Tensor]]:
        """Return `loss_and_gradient` as one graph."""
        return tf.function(self.loss_and_gradient, autograph=False)

    def follow(self) -> None:
        """Clip the image to [0, 1] and move the average towards it."""
        variables = (weight.value for weight in (self.image, self.average, self.iteration))
        clip_and_average(*variables, tf.constant(self.horizon))

    def make_train_function(self, force=False):
        """Build the function that runs `steps_per_execution` steps and returns the last logs."""
        if self.train_function is None or force:
            execute = repeat(self.train_step, self.compiled_by_xla)
            self.train_function = lambda iterator: execute(self.steps_per_execution)
        return self.train_function


class TiledImage(StyledImage):
    """A `StyledImage` whose iterations run eagerly, as the losses of tiles must: see `tiling`.

    One iteration takes seconds, so each is an execution, after which Ctrl-C and
    the time limit are checked.
    """

    EXECUTION = 1

    def make_train_function(self, force=False):
        """Build the function that runs one step and returns its logs."""

        def execute(iterator):
            return {name: float(value) for name, value in self.train_step().items()}

        self.train_function = execute
        return execute

    def evaluation(self) -> Callable[[], tuple[dict[str, tf.Tensor], tf.Tensor]]:
        """Return `loss_and_gradient`, which must not be traced."""
        return self.loss_and_gradient


def optimizer_state(optimizer: keras.optimizers.Adam) -> tuple[float, list[np.ndarray]]:
    """Return Adam's step count and its two moments, (1, H, W, 3) each."""
    moments = [v.numpy() for v in optimizer.variables if v.name.endswith(MOMENTS)]
    return float(optimizer.iterations), moments


def resize_optimizer_state(
    optimizer: keras.optimizers.Adam, steps: float, moments: Sequence[np.ndarray]
) -> None:
    """Give a built Adam the state of another size, resized bilinearly.

    Without it every level would start with full-sized steps in random
    directions. Bilinear weights keep the second moments positive.

    Args:
        optimizer: Built for an image (1, H, W, 3).
        steps: Step count.
        moments: Both moments at another size, (1, h, w, 3).
    """
    slots = [v for v in optimizer.variables if v.name.endswith(MOMENTS)]
    for slot, values in zip(slots, moments, strict=True):
        slot.assign(tf.image.resize(values, slot.shape[1:3], "bilinear"))
    optimizer.iterations.assign(steps)
