"""Rows of `make bench` on training. Every function is meant for a process by itself."""

import statistics
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import Executor, ProcessPoolExecutor
from dataclasses import replace
from multiprocessing import get_context
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf

from experiments.bench import pytorch
from experiments.bench.cases import BATCH_SIZES, CASES, RESOLUTIONS, Case
from experiments.bench.loops import bare_loop
from experiments.bench.peak import operations_of_a_step
from gan.build import build_gan, compile_gan, set_precision_and_seed
from gan.config import Config, NetworkConfig, RunConfig, StopConfig
from gan.data import stream
from gan.data.base import ImageDataset
from gan.networks.base import ImageSpec
from gan.trainer import train

DEFAULT_TICK = 1000 * RunConfig.tick_kimg  # images


def noise(case: Case, count: int = 4096) -> ImageDataset:
    """A dataset of random images."""
    shape = (count, case.resolution, case.resolution, case.channels)
    images = np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8)
    return ImageDataset("noise", images, np.zeros(count, np.int32), (), "")


def configure(case: Case, precision: str, kernels: str = NetworkConfig.kernels) -> Config:
    """The default configuration with the networks and batch size of a case."""
    networks = NetworkConfig(name=case.family, kernels=kernels, latent_size=case.latent_size)
    return Config(batch_size=case.batch_size, precision=precision, networks=networks)


class TakeTurns(keras.callbacks.Callback):
    """Time `gan.trainer.train` by ticks, and others for as many steps after each.

    Training pauses while the others have their turn. It ends after `rounds`
    ticks and one to warm up.

    Args:
        case: What is trained.
        dataset: The images.
        rounds: Turns.
        pytorch_turn: Steps to images per second of PyTorch, or None.

    Attributes:
        ours, bare, pytorch: Images per second in every turn. Ours is charged for
            what a tick costs as often as it comes by default.
    """

    def __init__(
        self,
        case: Case,
        dataset: ImageDataset,
        rounds: int,
        pytorch_turn: Callable[[int], float] | None,
    ):
        super().__init__()
        self.case, self.dataset, self.rounds = case, dataset, rounds
        self.pytorch_turn = pytorch_turn
        self.ours, self.bare, self.pytorch, self.seen = [], [], [], 0

    def on_train_begin(self, logs=None):
        rate = Config().generator.learning_rate
        self.loop = bare_loop(self.model, self.dataset, self.case.batch_size, rate)
        self.loop(2)  # traces
        self.resumed = time.perf_counter()

    def on_train_batch_end(self, batch, logs=None):
        self.stepped = time.perf_counter()

    def on_epoch_end(self, epoch, logs=None):
        ended = time.perf_counter()
        images = int(self.model.images_seen.numpy()) - self.seen
        self.seen += images
        steps = images // self.case.batch_size
        self.loop(steps)
        again = time.perf_counter()
        by_step = (self.stepped - self.resumed) / images  # seconds per image
        by_tick = (ended - self.stepped) / DEFAULT_TICK
        self.ours.append(1.0 / (by_step + by_tick))
        self.bare.append(images / (again - ended))
        if self.pytorch_turn:
            self.pytorch.append(self.pytorch_turn(steps))
        if epoch >= self.rounds:
            self.model.stop_training = True
        self.resumed = time.perf_counter()


def step(key: str, precision: str, rounds: int) -> dict[str, object]:
    """Measure images per second of `gan.train`, of the bare loop and of PyTorch, alternately.

    Medians of rounds. PyTorch, if it is installed and has these networks, runs in
    another process, and the faster of its memory layouts counts.
    """
    case = CASES[key]
    dataset = noise(case)
    with (
        tempfile.TemporaryDirectory() as folder,
        ProcessPoolExecutor(1, mp_context=get_context("spawn")) as aside,
    ):
        turns = TakeTurns(case, dataset, rounds, _pytorch_turn(aside, key, precision))
        run = RunConfig(
            run_dir=Path(folder) / "run",
            tick_kimg=case.steps * case.batch_size / 1000,
            steps_per_execution=min(case.steps, RunConfig.steps_per_execution),
        )
        stop = StopConfig(epochs=1000, evaluate_every=0)
        config = replace(configure(case, precision), stop=stop, run=run)
        train(config, callbacks=[turns], dataset=dataset)
    # the first round warms up
    ours, bare, in_pytorch = (of[1:] for of in (turns.ours, turns.bare, turns.pytorch))
    row = {
        "operations_per_image": operations_of_a_step(
            turns.model.generator, turns.model.discriminator
        ),
        "ours_images_per_second": statistics.median(ours),
        "bare_images_per_second": statistics.median(bare),
        "ratio": _ratio(ours, bare),
    }
    if in_pytorch:
        row["pytorch_images_per_second"] = statistics.median(in_pytorch)
        row["over_pytorch"] = _ratio(ours, in_pytorch)
    return row


def _pytorch_turn(aside: Executor, key: str, precision: str) -> Callable[[int], float] | None:
    if not pytorch.installed() or key not in pytorch.NETWORKS:
        return None
    size = CASES[key].batch_size

    def turn(steps: int) -> float:
        return max(aside.submit(pytorch.turn, key, size, precision, steps).result().values())

    return turn


def _ratio(first: list[float], second: list[float]) -> float:
    """The median ratio of measurements that took turns."""
    return statistics.median(a / b for a, b in zip(first, second, strict=True))


def kernels(precision: str, rounds: int) -> dict[str, object]:
    """Measure a step of the default networks with `--kernels fast` and `keras`, alternately."""
    case = CASES["default"]
    steps = {name: one_step(case, precision, name) for name in ("fast", "keras")}
    speeds: dict[str, list[float]] = {name: [] for name in steps}
    for _ in range(rounds + 1):
        for name, run in steps.items():
            started = time.perf_counter()
            for _ in range(case.steps):
                run()
            spent = time.perf_counter() - started
            speeds[name].append(case.steps * case.batch_size / spent)
    fast, stock = speeds["fast"][1:], speeds["keras"][1:]  # the first round traces
    return {
        "fast_images_per_second": statistics.median(fast),
        "keras_images_per_second": statistics.median(stock),
        "ratio": _ratio(fast, stock),
    }


def pipeline(key: str, seconds: float = 2.0) -> dict[str, object]:
    """Measure images per second of the input pipeline alone."""
    case = CASES[key]
    batches = iter(stream.batches(noise(case), case.batch_size, seed=0))
    for _ in range(8):
        next(batches)
    count, started = 0, time.perf_counter()
    while time.perf_counter() < started + seconds:
        next(batches)
        count += case.batch_size
    return {"images_per_second": count / (time.perf_counter() - started)}


def growth(precision: str) -> dict[str, dict[int, float]]:
    """Milliseconds of our default's step against the batch size and against the resolution."""
    case = CASES["default"]
    return {
        "batch_size": {
            size: _milliseconds(replace(case, batch_size=size), precision) for size in BATCH_SIZES
        },
        "resolution": {
            side: _milliseconds(replace(case, resolution=side), precision) for side in RESOLUTIONS
        },
    }


def _milliseconds(case: Case, precision: str, turns: int = 7) -> float:
    run, spent = one_step(case, precision), []
    for _ in range(turns + 2):
        started = time.perf_counter()
        run()
        spent.append(1000 * (time.perf_counter() - started))
    return statistics.median(spent[2:])


def one_step(
    case: Case, precision: str, kernels: str = NetworkConfig.kernels
) -> Callable[[], float]:
    """Return a function that does one training step on the same batch and waits for it."""
    config = configure(case, precision, kernels)
    set_precision_and_seed(config)
    gan = build_gan(config, ImageSpec(case.resolution, case.resolution, case.channels))
    compile_gan(gan, config)
    dataset = noise(case, case.batch_size)
    batch = tf.constant(dataset.images, tf.float32) / 127.5 - 1.0, tf.constant(dataset.labels)
    train_step = tf.function(gan.train_step)
    return lambda: float(train_step(batch)["loss/generator"])
