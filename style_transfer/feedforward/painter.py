"""The Keras model that trains a network against the objective, one batch of crops a step."""

from collections.abc import Callable, Sequence

import keras
import tensorflow as tf

from style_transfer.feedforward import motion, waves
from style_transfer.feedforward.crop_objective import CropObjective

GROUPS = ("loss", "style", "content", "total_variation")  # of the terms, in the logs
WARP = "warp"  # the name of the warp loss there
RAMP = 0.05  # the half-life of the average is at most this share of the crops seen


class Painter(keras.Model):
    """A model that trains an image transformation network; `fit` gives it crops and styles.

    Attributes:
        network: The network in training, as of `network.build`.
        ema: The same network with the moving average of its weights, which paints.
        images_seen: Crops seen.

    Example:
        >>> painter = Painter(build(shape, movable=True), build(shape), objective, side=256)
        >>> painter.compile(keras.optimizers.Adam(1e-3))
        >>> painter.fit(batches(...), steps_per_epoch=100)
    """

    def __init__(
        self,
        network: keras.Model,
        ema: keras.Model,
        objective: CropObjective,
        *,
        side: int,
        trained: Sequence[keras.Variable] | None = None,
        first_style: int = 0,
        ema_images: float = 1000.0,
        warp_weight: float = 0.0,
    ):
        """Prepare the model.

        Args:
            network: The network; it can be moved (see `network.build`).
            ema: A network of the same shape that need not be; it gets the weights of the first.
            objective: Of crops.
            side: Of the window of every painted crop that the objective sees, in pixels.
            trained: The weights to train; all by default.
            first_style: Number of styles of the network before the objective's.
            ema_images: Half-life of the average in crops.
            warp_weight: Of `motion.warp_loss`; 0 leaves it out.
        """
        super().__init__()
        self.network, self.ema, self.objective, self.side = network, ema, objective, side
        self.trained = list(network.trainable_variables if trained is None else trained)
        self.first_style, self.ema_images = first_style, ema_images
        self.warp_weight = warp_weight
        self.images_seen = self.add_weight(
            shape=(), initializer="zeros", dtype="int64", trainable=False, name="images_seen"
        )
        self.groups = (*GROUPS, WARP) if warp_weight else GROUPS
        self.means = [keras.metrics.Mean(name=name) for name in self.groups]
        ema.set_weights(network.get_weights())
        self.built = True

    def compile(self, optimizer: keras.optimizers.Optimizer, **options):
        """Set the optimizer.

        Args:
            optimizer: Any Keras optimizer.
            **options: Of `keras.Model.compile`, such as `steps_per_execution`.
        """
        super().compile(optimizer=optimizer, **options)
        optimizer.build(self.trained)

    @property
    def metrics(self):
        return self.means

    def train_step(self, data: tuple[tf.Tensor, tf.Tensor, tf.Tensor]) -> dict[str, tf.Tensor]:
        """Take one step: paint the crops, compute the objective, follow its gradient.

        Args:
            data: Crops (B, H, W, 3) in [0, 1], larger than the window of the objective; what the
                content loss compares their paintings with, of the same shape; and the style of
                each among the objective's, int32 (B,).
        """
        crops, goals, styles = data
        weights = tf.one_hot(self.first_style + styles, self.network.inputs[1].shape[-1])  # (B, S)
        corners = self._random((tf.shape(crops)[0], 2), waves.CORNERS, 2)
        window = self._window(crops.shape)

        def paint(images: tf.Tensor) -> tf.Tensor:
            return self.network([images, weights, tf.cast(corners, tf.float32)], training=True)

        with tf.GradientTape(watch_accessed_variables=False) as tape:
            for variable in self.trained:
                tape.watch(variable.value)
            painted = paint(crops)  # (B, H, W, 3)
            terms = self.objective.of_crops(window(painted), window(goals), styles)  # {term: (B,)}
            loss = tf.reduce_mean(tf.add_n(list(terms.values())))
            if self.warp_weight:
                seed = tf.stack([tf.cast(self.images_seen, tf.int32), 1])
                terms[WARP] = self.warp_weight * motion.warp_loss(crops, painted, paint, seed)
                loss += terms[WARP]
        gradients = tape.gradient(loss, [variable.value for variable in self.trained])
        self.optimizer.apply(gradients, self.trained)
        self.images_seen.assign_add(tf.shape(crops, out_type=tf.int64)[0])
        self._follow(tf.shape(crops)[0])
        for mean in self.means:
            parts = [v for name, v in terms.items() if name.split("/")[0] == mean.name]
            mean.update_state(loss if mean.name == "loss" else tf.reduce_mean(sum(parts, 0.0)))
        return {mean.name: mean.result() for mean in self.means}

    def _window(self, shape: tf.TensorShape) -> Callable[[tf.Tensor], tf.Tensor]:
        """Choose a random window of images of a shape; return the function that cuts it out.

        The grids of the network and of the extractor then meet at every offset, or the
        network learns patterns of the size of a grid's cell that the extractor overlooks.
        """
        room = [shape[axis] - self.side + 1 for axis in (1, 2)]
        place = tf.math.floormod(self._random((2,), 2**30, self.images_seen), room)
        start, size = [0, place[0], place[1], 0], [-1, self.side, self.side, -1]
        static = (shape[0], self.side, self.side, shape[3])
        return lambda images: tf.ensure_shape(tf.slice(images, start, size), static)

    def _random(self, shape: Sequence[int], end: int, seed: tf.Tensor | int) -> tf.Tensor:
        """Draw int32 numbers from 0 to below `end`, a function of the seed and the crops seen."""
        seeds = tf.stack([tf.cast(self.images_seen, tf.int64), tf.cast(seed, tf.int64)])
        return tf.random.stateless_uniform(shape, seeds, 0, end, tf.int32)

    def _follow(self, count: tf.Tensor) -> None:
        """Move the average of the weights by a batch of `count` crops."""
        half = tf.minimum(self.ema_images, RAMP * tf.cast(self.images_seen, tf.float32))
        kept = tf.pow(0.5, tf.cast(count, tf.float32) / tf.maximum(half, 1e-6))
        for average, weight in zip(self.ema.weights, self.network.weights, strict=True):
            average.assign(weight + kept * (average - weight))

    def state_variables(self) -> list[keras.Variable]:
        """List all variables on which the rest of a run depends, those of the average first."""
        return [
            *self.ema.weights,
            *self.network.weights,
            self.images_seen,
            *self.optimizer.variables,
        ]
