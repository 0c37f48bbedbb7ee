"""The rows of `make bench` on style transfer: an iteration of ours beside a bare pass.

Ours is an iteration of `stylize` as it is: Keras's `fit`, objective, Adam,
averaged iterates, guards, TensorBoard. The bare pass is a `tf.function` that
does nothing but run the extractor to the Gram matrices of the same layers and
back to the picture. VGG-19 has random weights, which take as long as the true
ones.
"""

import statistics
import tempfile
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from common import cli
from style_transfer.config import Config, OptimizationConfig


def bare_pass(extractor, layers: Sequence[str], picture: np.ndarray):
    """A function that runs the extractor to the Gram matrices of `layers` and back, n times."""
    import tensorflow as tf

    variable = tf.Variable(picture)

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


def iteration(name: str, size: int, precision: str, turns: int) -> dict[str, float]:
    """Seconds of an iteration of ours and of a bare pass, taking turns; medians.

    Args:
        name: "compact", "reference", which is compact's, or "vgg19": its
            architecture to relu5_1.
    """
    cli.import_tensorflow()
    import keras

    from common.callbacks import Ending, Interrupt, Progress, TimeBudget
    from common.summaries import SummaryWriter
    from experiments.beside_the_teacher import whole_vgg
    from style_transfer import extractors
    from style_transfer.optimize import STEPS_PER_EXECUTION, paint
    from style_transfer.plan import choose_weights
    from style_transfer.progress import Pyramid, Trace

    compact = extractors.load("compact", dtype=precision)
    extractor = {"compact": compact, "reference": compact.reference}.get(name) or whole_vgg(
        precision
    )
    chunk = (2 if name == "compact" else 1) * STEPS_PER_EXECUTION  # iterations of a turn
    config = Config(size=size)
    weights = choose_weights(config, extractor)
    layers = sorted({*weights.style, *weights.content})

    class TakeTurns(keras.callbacks.Callback):
        """Called last: after a turn of ours, as many bare passes."""

        def on_train_begin(self, logs=None):
            self.ours, self.bare, self.done = [], [], 0
            self.loop = bare_pass(extractor, layers, self.model.picture.numpy())
            self.loop(2)  # traces
            self.resumed = time.perf_counter()

        def on_train_batch_end(self, batch, logs=None):
            count = self.model.steps_done - self.done
            if count < chunk:
                return
            ended = time.perf_counter()
            self.done += count
            self.loop(count)
            again = time.perf_counter()
            self.ours.append((ended - self.resumed) / count)
            self.bare.append((again - ended) / count)
            self.resumed = time.perf_counter()

    turn, ending = TakeTurns(), Ending()
    search = OptimizationConfig(
        iterations=chunk * (turns + 1), smallest=size, tolerance=0.0, refine=0.0, correct=0
    )
    random = np.random.default_rng(0)
    content, style = random.random((2, size * 3 // 4, size, 3), np.float32)
    pyramid = Pyramid(1)
    pyramid.begin([((size, size * 3 // 4), search.iterations)])
    progress = Progress(pyramid.share, pyramid.iterations, pyramid.describe, [("loss", "loss")])
    with tempfile.TemporaryDirectory() as folder:
        own = [
            Interrupt(ending),
            TimeBudget(None, ending),
            pyramid,
            progress,
            Trace(Path(folder), SummaryWriter(Path(folder))),
        ]
        paint(content, style, replace(config, optimization=search), [*own, turn], extractor, ending)
    ours, bare = turn.ours[1:], turn.bare[1:]  # the first turn traces
    return {
        "ours_seconds": statistics.median(ours),
        "bare_seconds": statistics.median(bare),
        "ratio": statistics.median(o / b for o, b in zip(ours, bare, strict=True)),
    }
