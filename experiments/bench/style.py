"""The rows of `make bench` on style transfer: an iteration of ours beside a bare pass.

Ours is an iteration of `stylize` as it is: Keras's `fit`, objective, Adam,
averaged iterates, guards, TensorBoard. The bare pass is a `tf.function` that only
computes the extractor's Gram matrices of the same layers and the gradient on
the image. VGG-19 has random weights, which take as long as the trained ones.
"""

import statistics
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf

from common.callbacks import Ending, Interrupt, Progress, TimeBudget
from common.summaries import SummaryWriter
from style_transfer import extractors, vgg
from style_transfer.config import Config, OptimizationConfig
from style_transfer.extractors import Extractor
from style_transfer.image_model import StyledImage
from style_transfer.optimize import paint
from style_transfer.plan import choose_weights
from style_transfer.progress import Pyramid, Trace


def whole_vgg(dtype: str) -> Extractor:
    """Build VGG-19 to relu5_1 with random weights."""
    arrays = vgg.read_keras("VGG19", None)
    layers = vgg.vgg_layers(arrays)
    layers = layers[: layers.index("relu5_1") + 1]
    kept = {key: value for key, value in arrays.items() if key.split("/")[0] in (*layers, "input")}
    return extractors.vgg("vgg19 to relu5_1", kept, "max", dtype)


def load(name: str, precision: str) -> Extractor:
    """Load "compact", "reference", which is compact's, or "vgg19", which is `whole_vgg`."""
    if name == "vgg19":
        return whole_vgg(precision)
    compact = extractors.load("compact", dtype=precision)
    return compact.reference if name == "reference" else compact


def bare_pass(
    extractor: Extractor, layers: Sequence[str], image: np.ndarray
) -> Callable[[int], None]:
    """Build a loop that computes Gram matrices and their gradient on the image.

    Args:
        extractor: Computes the features.
        layers: Whose Gram matrices to compute.
        image: (1, H, W, 3) in [0, 1].

    Returns:
        A function that runs a number of passes and waits for the last one.
    """
    variable = tf.Variable(image)

    @tf.function
    def run_once():
        image = variable.read_value()
        with tf.GradientTape() as tape:
            tape.watch(image)
            features = extractor(image)
            loss = tf.add_n(
                [tf.reduce_sum(tf.square(features[layer].moments().second)) for layer in layers]
            )
        return tf.reduce_sum(tape.gradient(loss, image))

    def run(count: int) -> None:
        for _ in range(count):
            last = run_once()
        last.numpy()

    return run


class TakeTurns(keras.callbacks.Callback):
    """The last callback: after a turn of ours, as many bare passes.

    Args:
        extractor: Computes the features of both.
        layers: Of the bare pass.
        count: Iterations per turn.

    Attributes:
        ours, bare: Seconds per iteration in every turn.
    """

    def __init__(self, extractor: Extractor, layers: Sequence[str], count: int):
        super().__init__()
        self.extractor, self.layers, self.count = extractor, layers, count
        self.ours, self.bare, self.done = [], [], 0

    def on_train_begin(self, logs=None):
        self.loop = bare_pass(self.extractor, self.layers, self.model.image.numpy())
        self.loop(2)  # traces
        self.resumed = time.perf_counter()

    def on_train_batch_end(self, batch, logs=None):
        count = self.model.steps_done - self.done
        if count < self.count:
            return
        ended = time.perf_counter()
        self.done += count
        self.loop(count)
        again = time.perf_counter()
        self.ours.append((ended - self.resumed) / count)
        self.bare.append((again - ended) / count)
        self.resumed = time.perf_counter()


def iteration(name: str, size: int, precision: str, turns: int) -> dict[str, float]:
    """Measure seconds of an iteration of ours and of a bare pass, alternately; medians.

    Args:
        name: An extractor as in `load`.
        size: Longer side in pixels.
        precision: Of the convolutions.
        turns: Turns, after one that traces.
    """
    extractor = load(name, precision)
    count = (2 if name == "compact" else 1) * StyledImage.EXECUTION
    config = Config(
        size=size,
        optimization=OptimizationConfig(
            iterations=count * (turns + 1), smallest=size, tolerance=0.0, refine=0.0, correct=0
        ),
    )
    weights = choose_weights(config, extractor)
    turn = TakeTurns(extractor, sorted({*weights.style, *weights.content}), count)
    content, style = np.random.default_rng(0).random((2, size * 3 // 4, size, 3), np.float32)
    ending, pyramid = Ending(), Pyramid(1)
    pyramid.begin([((size, size * 3 // 4), config.optimization.iterations, 1.0)])
    progress = Progress(pyramid.share, pyramid.iterations, pyramid.describe, [("loss", "loss")])
    with tempfile.TemporaryDirectory() as folder:
        trace = Trace(Path(folder), SummaryWriter(Path(folder)))
        usual = [Interrupt(ending), TimeBudget(None, ending), pyramid, progress, trace]
        paint(content, style, config, [*usual, turn], extractor, ending)
    ours, bare = turn.ours[1:], turn.bare[1:]  # the first turn traces
    return {
        "ours_seconds": statistics.median(ours),
        "bare_seconds": statistics.median(bare),
        "ratio": statistics.median(o / b for o, b in zip(ours, bare, strict=True)),
    }
