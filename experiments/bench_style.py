"""The style rows of `make bench`: an iteration of ours beside a bare pass of the same extractor.

    python -m experiments.bench_style                   about 3 minutes on 2 cores

For `compact` and for VGG-19's architecture to relu5_1 (random weights take as
long as the true ones), at 256 and 512 pixels, in float32 and, where the
processor has it, bfloat16. Ours is an iteration of `stylize` as it is: Keras's
`fit`, objective, Adam, averaged iterates, guards, TensorBoard. The bare pass is
a `tf.function` that does nothing but run the extractor to the Gram matrices of
the same layers and back to the picture. Both take turns within one run.
Expected: ours at most 1.1 times the bare pass; bfloat16 at least 1.5 times as
fast as float32.
"""

import statistics
import tempfile
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from common import cli, devices
from style_transfer.config import Config, SearchConfig
from style_transfer.stylize import choose_weights, paint

SIZES = (256, 512)
CHUNK = 10  # iterations of a turn


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


def measure(extractor, size: int, turns: int) -> dict[str, float]:
    """Seconds of an iteration of ours and of a bare pass, and the median of their ratios."""
    import keras

    from common.callbacks import Ending, Interrupt, Progress, TimeBudget
    from common.summaries import Events
    from style_transfer.callbacks import Pyramid, Trace

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
            if count < CHUNK:
                return
            ended = time.perf_counter()
            self.done += count
            self.loop(count)
            again = time.perf_counter()
            self.ours.append((ended - self.resumed) / count)
            self.bare.append((again - ended) / count)
            self.resumed = time.perf_counter()

    turn, ending = TakeTurns(), Ending()
    search = SearchConfig(iterations=CHUNK * (turns + 1), smallest=size, settled=0.0)
    random = np.random.default_rng(0)
    content, style = random.random((2, size * 3 // 4, size, 3), np.float32)
    pyramid = Pyramid(1)
    pyramid.begin([(size, size * 3 // 4)], [search.iterations])
    progress = Progress(pyramid.share, pyramid.iterations, pyramid.describe, [("loss", "loss")])
    with tempfile.TemporaryDirectory() as folder:
        own = [
            Interrupt(ending),
            TimeBudget(None, ending),
            pyramid,
            progress,
            Trace(Path(folder), Events(Path(folder))),
        ]
        paint(content, style, replace(config, search=search), [*own, turn], extractor, ending)
    ours, bare = turn.ours[1:], turn.bare[1:]  # the first turn traces
    return {
        "ours_seconds": statistics.median(ours),
        "bare_seconds": statistics.median(bare),
        "ratio": statistics.median(o / b for o, b in zip(ours, bare, strict=True)),
    }


def rows(turns: int = 8) -> list[dict[str, object]]:
    """All combinations, printed as they come."""
    from experiments.beside_the_teacher import whole_vgg
    from style_transfer import features

    native = devices.resolve_precision("auto")
    found: list[dict[str, object]] = []
    for name, build in (
        ("compact", lambda dtype: features.load("compact", dtype=dtype)),
        ("VGG-19 to relu5_1", whole_vgg),
    ):
        for size in SIZES:
            for precision in sorted({"float32", native}, reverse=True):
                row = {"extractor": name, "size": size, "precision": precision}
                found.append(row | measure(build(precision), size, turns))
    titles = f"{'ours ms':>9} {'bare ms':>9} {'ratio':>6} {'x float32':>9}"
    print(f"\n{'style, an iteration at':40} {'precision':10} {titles}")
    slow = {(r["extractor"], r["size"]): r for r in found if r["precision"] == "float32"}
    for row in found:
        base = slow[row["extractor"], row["size"]]["ours_seconds"]
        row["times_float32"] = base / row["ours_seconds"]
        print(
            f"{row['extractor'] + ', ' + str(row['size']) + ' px':40} {row['precision']:10} "
            f"{1000 * row['ours_seconds']:9.1f} {1000 * row['bare_seconds']:9.1f} "
            f"{row['ratio']:6.2f} {row['times_float32']:9.2f}"
        )
    return found


def main() -> int:
    cli.import_tensorflow()
    rows()
    return 0


if __name__ == "__main__":
    cli.run(main)
