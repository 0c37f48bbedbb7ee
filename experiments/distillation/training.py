"""What both distillations share: data streams, training, evaluation and the model card."""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from common import npz, runs
from common.distribution import devices
from common.files import atomic_path, write_bytes
from experiments.distillation import lesson
from experiments.distillation.lesson import LessonConfig

Errors = Callable[[tf.Tensor], dict[str, tf.Tensor]]


@dataclass(frozen=True)
class Lesson:
    """What training needs beside the model.

    Attributes:
        source: Training batches, float32 (B, side, side, 3) in [0, 1].
        stream: The same iterator as a tf.data stream.
        test: Batches of held-out crops.
        dtype: Of the convolutions.
        folder: For TensorBoard.
        started: Reading of `time.perf_counter`.
    """

    source: Iterator[np.ndarray]
    stream: tf.data.Dataset
    test: tf.data.Dataset
    dtype: str
    folder: Path
    started: float

    @property
    def minutes(self) -> float:
        """Minutes since the lesson began."""
        return (time.perf_counter() - self.started) / 60


def begin(config: LessonConfig, paths: tuple[list[Path], list[Path]]) -> Lesson:
    """Set the seed, make the run folder and load the images."""
    keras.utils.set_random_seed(config.seed)
    folder = runs.create(config.run_dir, "distill")
    dtype = devices.resolve_precision("auto")
    return Lesson(*datasets(config, paths), dtype, folder, time.perf_counter())


def finish(errors: dict[str, float], digits: int, out: Path, folder: Path) -> int:
    """Print the result and return the exit code."""
    print({layer: round(error, digits) for layer, error in errors.items()})
    print(f"weights: {out}, card beside them; curves: tensorboard --logdir {folder}")
    return 0


def datasets(
    config: LessonConfig, paths: tuple[list[Path], list[Path]]
) -> tuple[Iterator[np.ndarray], tf.data.Dataset, tf.data.Dataset]:
    """Build the streams of batches, float32 (B, side, side, 3) in [0, 1].

    Args:
        config: What to train on.
        paths: Image files to train on and held out, from `lesson.split`.

    Returns:
        An iterator over training batches, the same as a tf.data stream, and
        batches of held-out crops.
    """
    training, held_out = (lesson.load(each, config.crop, config.sides) for each in paths)
    source = lesson.batches(training, config)
    shape = (config.batch_size, config.crop, config.crop, 3)
    stream = tf.data.Dataset.from_generator(
        lambda: source, output_signature=tf.TensorSpec(shape, tf.float32)
    ).prefetch(4)
    random = np.random.default_rng(config.seed + 1)
    crops = [lesson.crop(image, random, config.crop) for image in held_out]
    test = tf.data.Dataset.from_tensor_slices(np.stack(crops).astype(np.float32))
    return source, stream, test.batch(config.batch_size, drop_remainder=True)


def adam(highest: float, steps: int) -> keras.optimizers.Adam:
    """Build an Adam whose learning rate warms up and falls to 2 % along a cosine."""
    rate = keras.optimizers.schedules.CosineDecay(
        0.02 * highest, steps, warmup_target=highest, warmup_steps=min(50, steps // 2)
    )
    return keras.optimizers.Adam(rate, beta_1=0.9, beta_2=0.99)


class Student(keras.Model):
    """A model that is trained to minimize the sum of its errors.

    Subclasses implement `prepare`, and `errors` of what it returns.

    Attributes:
        kernels: The convolutions by name, which subclasses add.
    """

    def __init__(self):
        super().__init__()
        self.kernels: dict[str, keras.Variable] = {}

    def read(self, path: Path) -> None:
        """Load the convolutions from a file of weights.

        Raises:
            InputError: The file does not fit.
        """
        arrays = npz.read(path)
        for name, weight in self.kernels.items():
            weight.assign(npz.take(path, arrays, name, weight.shape))

    def prepare(self, images: tf.Tensor) -> Any:
        """Turn images (B, H, W, 3) into the argument of `errors`."""
        return images

    def errors(self, prepared: Any) -> dict[str, tf.Tensor]:
        """Mean squared error of every layer in units of the teacher's mean square."""
        raise NotImplementedError

    def loss_of(self, prepared: Any) -> tf.Tensor:
        """What training minimizes: the sum of the errors."""
        return tf.add_n(list(self.errors(prepared).values()))

    def after_step(self, prepared: Any) -> None:
        """Called after the weights have moved."""

    def train_step(self, images):
        with tf.GradientTape() as tape:
            prepared = self.prepare(images)
            errors, loss = self.errors(prepared), self.loss_of(prepared)
        variables = self.trainable_variables
        self.optimizer.apply(tape.gradient(loss, variables), variables)
        self.after_step(prepared)
        return {"loss": loss, **errors}

    def test_step(self, images):
        return self.errors(self.prepare(images))

    @property
    def metrics(self):
        return []


def relative_error(found: tf.Tensor, wanted: tf.Tensor) -> tf.Tensor:
    """Mean squared error in units of the mean square of `wanted`, float32."""
    found, wanted = tf.cast(found, tf.float32), tf.cast(wanted, tf.float32)
    error = tf.reduce_mean(tf.square(found - wanted))
    return error / tf.reduce_mean(tf.square(wanted))


def fit(model: Student, lesson: Lesson, steps: int, **options: Any) -> None:
    """Train with a line and TensorBoard's curves every 200 steps."""
    every = min(200, steps)
    model.fit(
        lesson.stream,
        steps_per_epoch=every,
        epochs=steps // every,
        callbacks=[keras.callbacks.TensorBoard(lesson.folder)],
        shuffle=False,  # the stream is random
        verbose=2,
        **options,
    )


def evaluate(errors: Errors, test: tf.data.Dataset) -> dict[str, float]:
    """Average the errors of every layer over batches."""
    found = [errors(images) for images in test]
    return {layer: float(np.mean([batch[layer] for batch in found])) for layer in found[0]}


def publish(
    arrays: dict[str, np.ndarray],
    out: Path,
    card: str,
    text: str,
    errors: dict[str, str],
    **facts: Any,
) -> None:
    """Write weights in half precision, and a model card beside them.

    Args:
        arrays: The weights.
        out: The .npz file.
        card: File name of the card.
        text: Its beginning, a format string of `facts`, which hold "config".
        errors: Error on held-out crops by layer.
        facts: What the texts mention.
    """
    with atomic_path(out) as temporary:
        np.savez_compressed(temporary, **{k: v.astype(np.float16) for k, v in arrays.items()})
    filled = (text + SHARED).format(
        numbers=sum(values.size for values in arrays.values()),
        kib=out.stat().st_size // 1024,
        teacher=Path(facts["config"].teacher).name,
        date=time.strftime("%Y-%m-%d"),
        errors="\n".join(f"| {layer} | {error} |" for layer, error in errors.items()),
        **facts,
    )
    write_bytes(out.with_name(card), filled.encode())


SHARED = """\
- **Data**: crops of {config.crop} pixels from a folder of photos and paintings, an eighth of
  them held out, and generated noise, gratings and strokes. The weights contain no image.
- **License**: {license}, as the teacher's.

Mean squared error on crops of held-out images, in units of the teacher's mean square:

| layer | error |
|---|---|
{errors}
"""
