"""Distils the reference that the compact extractor's last iterations go through.

    python -m experiments.distill_reference --teacher vgg19 --pictures FOLDER

The reference has VGG-19's shape to relu3_1, but each convolution after the
first is two thinner ones: 3x3 to fewer channels, then 1x1 to all of them; half
the numbers and half the arithmetic. It starts from the principal components of
the teacher's responses (Zhang et al. 2016, "Accelerating very deep
convolutional networks for classification and detection", section 3.1) and is
then trained as a whole on the pictures and textures of
`experiments.distill_extractor`.

About 4 minutes for 800 steps on two cores with bfloat16. Curves: TensorBoard
over runs/.
"""

import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from common import cli, runs
from common.distribution import devices
from experiments.distill_extractor import (
    LessonConfig,
    adam,
    datasets,
    evaluate,
    fit,
    load_pictures,
    publish,
)
from style_transfer.validation import check_extractor

RANKS = {"relu1_2": 32, "relu2_1": 64, "relu2_2": 64, "relu3_1": 96}


@dataclass(frozen=True)
class ReferenceConfig(LessonConfig):
    """Distils the compact extractor's reference from a VGG-19."""

    steps: int = 800
    """Training steps."""
    learning_rate: float = 0.0002
    """Adam's highest; it falls to zero along a cosine."""
    out: Path = Path("common/weights/reference.npz")
    """The weights; the card goes beside them."""


def thin(
    arrays: Mapping[str, np.ndarray], source: Iterator[np.ndarray], count: int
) -> dict[str, np.ndarray]:
    """The teacher's arrays with every convolution of `RANKS` in two, and no layer beyond them.

    With P the principal components of the responses W x to `count` batches and
    m their mean, W x is about P P^T (W x - m) + m.
    """
    import tensorflow as tf

    from style_transfer.extractors import POOLING, vgg_features

    layers = ("relu1_1", *RANKS)
    names = ("input", *layers)
    kept = {key: values for key, values in arrays.items() if key.split("/")[0] in names}
    weights = {name: tf.constant(values, "float32") for name, values in kept.items()}

    @tf.function
    def responses(images: tf.Tensor) -> dict[str, tuple[tf.Tensor, tf.Tensor]]:
        """Mean and second moment of the convolutions of `RANKS`, before bias and ReLU."""
        features, found = vgg_features(images, weights), {}
        for before, layer in zip(layers, RANKS, strict=False):
            values = features[before]
            values = POOLING["max"](values) if layer.endswith("_1") else values
            values = tf.nn.conv2d(values, weights[layer], 1, "SAME")
            flat = tf.reshape(values, (-1, values.shape[-1]))
            places = tf.cast(tf.shape(flat)[0], tf.float32)
            second = tf.matmul(flat, flat, transpose_a=True) / places
            found[layer] = (tf.reduce_mean(flat, axis=0), second)
        return found

    seen = [responses(tf.constant(next(source))) for _ in range(count)]
    for layer, rank in RANKS.items():
        mean, second = (
            np.mean([batch[layer][which].numpy() for batch in seen], axis=0) for which in (0, 1)
        )
        _, vectors = np.linalg.eigh(second - np.outer(mean, mean))
        parts = vectors[:, -rank:].astype(np.float32)  # (T, rank)
        kept[f"{layer}/bias"] = arrays[f"{layer}/bias"] + mean - parts @ (parts.T @ mean)
        kept[f"{layer}/mix"] = parts.T[None, None]  # (1, 1, rank, T)
        kept[layer] = arrays[layer] @ parts  # (3, 3, C, rank)
    return kept


def build(arrays: Mapping[str, np.ndarray], teacher, dtype: str, config: ReferenceConfig):
    """The reference as a Keras model that learns from batches of pictures."""
    import keras
    import tensorflow as tf

    from style_transfer.extractors import vgg_features

    class Reference(keras.Model):
        def __init__(self):
            super().__init__()
            self.arrays = {
                name: self.add_weight(
                    shape=values.shape,
                    initializer=lambda shape, dtype=None, values=values: tf.constant(values, dtype),
                    trainable=not name.startswith("input"),
                    name=name.replace("/", "_"),
                )
                for name, values in arrays.items()
            }
            self.built = True

        def errors(self, images: tf.Tensor) -> dict[str, tf.Tensor]:
            """Per layer the mean squared error in units of the teacher's mean square."""
            weights = {
                name: tf.cast(array.value, "float32" if name.startswith("input") else dtype)
                for name, array in self.arrays.items()
            }
            wanted, found = teacher(images), {}
            for layer, values in vgg_features(images, weights).items():
                goal = tf.cast(wanted[layer].values, tf.float32)
                error = tf.reduce_mean(tf.square(tf.cast(values, tf.float32) - goal))
                found[layer] = error / tf.reduce_mean(tf.square(goal))
            return found

        def train_step(self, images):
            with tf.GradientTape() as tape:
                errors = self.errors(images)
                loss = tf.add_n(list(errors.values()))
            variables = self.trainable_variables
            self.optimizer.apply(tape.gradient(loss, variables), variables)
            return {"loss": loss, **errors}

        @property
        def metrics(self):
            return []

    model = Reference()
    model.compile(optimizer=adam(config.learning_rate, config.steps))
    return model


CARD = """# The compact extractor's reference

A thinner VGG-19, which the last iterations of a stylization go through.

- **Architecture**: VGG-19 to relu3_1; every convolution after the first leads to fewer channels,
  {ranks}, and a 1x1
  convolution from them to VGG-19's own (`style_transfer/features.py`).
  {numbers:,} numbers, stored as float16: {kib} KiB.
- **Teacher**: VGG-19 (Simonyan and Zisserman 2015, CC BY 4.0), {teacher}.
  The first convolution starts as the teacher's, the thin ones from the principal components of its
  responses.
- **Training**: `experiments/distill_reference.py`, {config.steps} steps of {config.batch_size}
  crops, Adam at most {config.learning_rate:g}, {minutes:.0f} minutes on two cores, {date}.
"""


def main() -> int:
    config = cli.parse(ReferenceConfig, "python -m experiments.distill_reference", None)
    check_extractor(config.teacher)
    learnt, held = load_pictures(config.pictures, config.crop)
    cli.import_tensorflow()
    import keras

    from style_transfer import extractors

    keras.utils.set_random_seed(config.seed)
    dtype = devices.resolve_precision("auto")
    arrays = extractors.read_vgg(config.teacher)
    teacher = extractors.vgg("teacher", arrays, "max", dtype)
    folder = runs.create(config.run_dir, "distill")
    source, stream, test = datasets(learnt, held, config)
    started = time.perf_counter()
    model = build(thin(arrays, source, 8), teacher, dtype, config)
    fit(model, stream, config.steps, folder)
    errors = evaluate(model.errors, test)
    publish(
        {name: np.asarray(values.value) for name, values in model.arrays.items()},
        config.out,
        "REFERENCE_CARD.md",
        CARD,
        errors={layer: f"{error:.4f}" for layer, error in errors.items()},
        config=config,
        ranks=", ".join(f"{rank} ({layer})" for layer, rank in RANKS.items()),
        minutes=(time.perf_counter() - started) / 60,
    )
    print({layer: round(error, 4) for layer, error in errors.items()})
    print(f"weights: {config.out}, card beside them; curves: tensorboard --logdir {folder}")
    return 0


if __name__ == "__main__":
    cli.run(main)
