"""Rows of `make bench` on image transformation networks, each for a process by itself."""

import statistics
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf
from PIL import Image

from common.fast.threads import overlap_operations
from style_transfer.feedforward import apply, network
from style_transfer.feedforward.config import Config, TrainingConfig, crop_side
from style_transfer.feedforward.fit import train
from style_transfer.feedforward.network import Shape
from style_transfer.feedforward.painter import Painter
from style_transfer.feedforward.palettes import StylePalette

STEPS = 10  # per turn


def bare_loop(painter: Painter, batch: Sequence[np.ndarray]) -> Callable[[int], None]:
    """Build a loop of the update alone, without input, moving average and metrics.

    Args:
        painter: The model; its weights are trained on.
        batch: Crops (B, H, W, 3), their goals of the same shape, and styles (B,).

    Returns:
        A function that runs a number of steps and waits for the last one.
    """
    crops, goals, styles = (tf.constant(each) for each in batch)
    weights = tf.one_hot(styles, painter.network.inputs[1].shape[-1])
    corners, trained = tf.zeros((len(crops), 2)), painter.trained
    optimizer = painter.optimizer.from_config(painter.optimizer.get_config())
    optimizer.build(trained)

    @tf.function
    def step():
        with tf.GradientTape() as tape:
            painted = painter.network([crops, weights, corners], training=True)
            side = painter.side
            seen, content = (each[:, :side, :side] for each in (painted, goals))
            terms = painter.objective.of_crops(seen, content, styles)
            loss = tf.reduce_mean(tf.add_n(list(terms.values())))
        optimizer.apply(tape.gradient(loss, [each.value for each in trained]), trained)
        return loss

    def run(count: int) -> None:
        for _ in range(count):
            last = step()
        last.numpy()

    return run


class TakeTurns(keras.callbacks.Callback):
    """After a turn of ours, as many steps of the bare loop.

    Attributes:
        ours, bare: Seconds per step in every turn.
    """

    def __init__(self, config: Config):
        super().__init__()
        random, side = np.random.default_rng(0), crop_side(config) + network.STRIDE
        count = config.training.batch_size
        crops = random.random((count, side, side, 3), np.float32)
        self.batch = crops, crops, np.zeros(count, np.int32)
        self.ours, self.bare, self.steps = [], [], 0

    def on_train_begin(self, logs=None):
        self.loop = bare_loop(self.model, self.batch)
        self.loop(2)  # traces
        self.resumed = time.perf_counter()

    def on_train_batch_end(self, batch, logs=None):
        count = int(self.model.images_seen.numpy()) // len(self.batch[0]) - self.steps
        if count < STEPS:
            return
        ended = time.perf_counter()
        self.steps += count
        self.loop(count)
        again = time.perf_counter()
        self.ours.append((ended - self.resumed) / count)
        self.bare.append((again - ended) / count)
        self.resumed = time.perf_counter()


def training(precision: str, turns: int) -> dict[str, float]:
    """Measure seconds of a step of `feedforward.train` and of the bare loop, alternately; medians.

    Args:
        precision: Of the convolutions.
        turns: Turns, after one that traces.
    """
    overlap_operations()  # as the command line does
    random = np.random.default_rng(0)
    settings = TrainingConfig(precision=precision, tick_images=100_000)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "photos").mkdir()
        for path in (folder / "style.png", folder / "photos" / "0.png"):
            Image.fromarray(random.integers(0, 256, (384, 512, 3), np.uint8)).save(path)
        config = Config(
            style=(folder / "style.png",),
            photos=folder / "photos",
            steps=STEPS * (turns + 1),
            run_dir=folder / "run",
            training=settings,
        )
        turn = TakeTurns(config)
        train(config, [turn])
    ours, bare = turn.ours[1:], turn.bare[1:]
    return {
        "ours_seconds": statistics.median(ours),
        "bare_seconds": statistics.median(bare),
        "ratio": statistics.median(o / b for o, b in zip(ours, bare, strict=True)),
    }


def painting(width: int, height: int, turns: int) -> dict[str, float]:
    """Measure seconds of painting an image, and of the network alone, alternately; medians.

    Args:
        width: Of the image in pixels.
        height: Of the image in pixels.
        turns: Turns, after one that traces.
    """
    shape = Shape()
    whole = network.build(shape, movable=True)
    pixels = np.random.default_rng(0).integers(0, 256, (height, width, 3), np.uint8)
    brush = apply.brush_of(whole, shape, ["style"], [StylePalette.of(pixels, 1.0)])
    image, style = Image.fromarray(pixels), np.ones((1, 1), np.float32)
    sides = (side // network.STRIDE * network.STRIDE for side in pixels.shape[:2])
    inside = pixels[tuple(map(slice, sides))]
    ours, bare = [], []
    for _ in range(turns + 1):
        started = time.perf_counter()
        brush.paint(image)
        ours.append(time.perf_counter() - started)
        started = time.perf_counter()
        brush.whole(inside[None], style, np.zeros((1, 2), np.float32)).numpy()
        bare.append(time.perf_counter() - started)
    ours, bare = ours[1:], bare[1:]
    return {
        "ours_seconds": statistics.median(ours),
        "bare_seconds": statistics.median(bare),
        "ratio": statistics.median(o / b for o, b in zip(ours, bare, strict=True)),
    }
