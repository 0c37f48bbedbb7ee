"""Rows of `make bench` on a training that grows; each is meant for a process by itself."""

import statistics
import time
from dataclasses import replace

import tensorflow as tf

from experiments.bench.cases import GROWING
from experiments.bench.loops import bare_loop, resident_stream
from experiments.bench.steps import configure, noise
from gan import stages
from gan.build import build_gan, compile_gan, set_precision_and_seed
from gan.networks.base import ImageSpec


def stage(index: int, precision: str, rounds: int) -> dict[str, object]:
    """Measure images per second of the training step in a stage and of a bare loop, by turns.

    The step is that of `gan.model.GAN`, with the moving average and all metrics; the loop
    has only the two updates of the stage's networks. Both take batches from a stream.
    """
    config = configure(GROWING, precision)
    set_precision_and_seed(config)
    gan = build_gan(config, ImageSpec(GROWING.resolution, GROWING.resolution, GROWING.channels))
    compile_gan(gan, config)
    stages.restore(gan, [0] * index)
    side, size = gan.current.side, GROWING.batch_size
    dataset = noise(replace(GROWING, resolution=side), 4 * size)
    batches = resident_stream(dataset, size)
    train_step = tf.function(gan.train_step)

    def ours(steps: int) -> None:
        for _ in range(steps):
            loss = train_step(next(batches))["loss/generator"]
        float(loss)

    bare = bare_loop(gan, dataset, size, config.generator.learning_rate)
    speeds: dict[str, list[float]] = {"ours": [], "bare": []}
    for _ in range(rounds + 1):
        for name, run in (("ours", ours), ("bare", bare)):
            started = time.perf_counter()
            run(GROWING.steps)
            speeds[name].append(GROWING.steps * size / (time.perf_counter() - started))
    fast, slow = speeds["ours"][1:], speeds["bare"][1:]  # the first round traces
    return {
        "resolution": side,
        "ours_images_per_second": statistics.median(fast),
        "bare_images_per_second": statistics.median(slow),
        "ratio": statistics.median(a / b for a, b in zip(fast, slow, strict=True)),
    }
