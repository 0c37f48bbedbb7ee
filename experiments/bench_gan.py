"""The rows of `make bench` on training: our step, a bare loop, the tutorial's own, input, growth.

Every function measures one row and is meant for a process of its own.
"""

import statistics
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from multiprocessing import get_context
from pathlib import Path

import numpy as np

from common import cli
from experiments import bench_torch
from gan.config import Config, RunConfig, StopConfig

DEFAULT_TICK = 1000 * RunConfig.tick_kimg  # images
BATCH_SIZES, RESOLUTIONS = (16, 32, 64, 128, 256), (16, 32, 64)
KINDS = {  # of a step's operations, by what their names contain; the first that fits
    "convolutions": ("Conv2D",),
    "normalisation": ("BatchNorm",),
    "activations": ("Relu", "Tanh", "Sigmoid", "Softplus"),
    "dense layers": ("MatMul",),
    "random numbers": ("Random",),
    "transposes, casts, copies": ("Transpose", "Cast", "Pad", "Concat", "Slice", "Reshape"),
    "optimizers": ("ApplyAdam",),
}


@dataclass(frozen=True)
class Networks:
    """What a row trains, `steps` at a turn."""

    name: str
    resolution: int
    channels: int
    batch_size: int
    steps: int


NETWORKS = {
    "default": Networks("our default, 32x32, batch 256", 32, 1, Config.batch_size, 16),
    "tutorial": Networks("TensorFlow tutorial, 28x28, batch 256", 28, 1, 256, 8),
    "example": Networks("PyTorch example, 64x64, batch 128", 64, 3, 128, 4),
}


def _builder(networks: str):
    cli.import_tensorflow()  # before Keras does, so that it is quiet
    from experiments.references import build_pytorch, build_tutorial
    from gan.build import build_gan

    return {"default": build_gan, "tutorial": build_tutorial, "example": build_pytorch}[networks]


def _noise(networks: Networks, count: int = 4096):
    from gan.data.base import Pictures

    shape = (count, networks.resolution, networks.resolution, networks.channels)
    images = np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8)
    return Pictures("noise", images, np.zeros(count, np.int32), (), "")


def bare_loop(gan, pictures, batch_size: int, learning_rate: float) -> Callable[[int], None]:
    """The same two updates on copies of the networks, and nothing else.

    Returns:
        A function that runs so many steps and waits for the last.
    """
    import keras
    import tensorflow as tf

    from common.fast.adam import Adam

    generator, discriminator = (
        keras.models.clone_model(network) for network in (gan.generator, gan.discriminator)
    )
    conditional, latent_size = gan.conditional, gan.latent_size
    optimizers = [Adam(learning_rate, beta_1=0.5) for _ in range(2)]
    for optimizer, network in zip(optimizers, (generator, discriminator), strict=True):
        optimizer.build(network.trainable_variables)
    images = tf.constant(pictures.images[: 4 * batch_size], tf.float32) / 127.5 - 1.0
    labels = tf.constant(pictures.labels[: 4 * batch_size])
    stream = iter(
        tf.data.Dataset.from_tensor_slices((images, labels)).repeat().batch(batch_size).prefetch(4)
    )

    @tf.function
    def step(real, labels):
        inputs = (lambda x: [x, labels]) if conditional else (lambda x: x)
        latents = tf.random.normal((batch_size, latent_size))
        with tf.GradientTape() as generator_tape:
            fake = generator(inputs(latents), training=True)
        with tf.GradientTape() as tape:
            real_logits = discriminator(inputs(real), training=True)
            fake_logits = discriminator(inputs(tf.stop_gradient(fake)), training=True)
            loss = tf.reduce_mean(tf.nn.softplus(-real_logits) + tf.nn.softplus(fake_logits))
        variables = discriminator.trainable_variables
        optimizers[1].apply(tape.gradient(loss, variables), variables)
        with generator_tape:
            loss = tf.reduce_mean(tf.nn.softplus(-discriminator(inputs(fake), training=True)))
        variables = generator.trainable_variables
        optimizers[0].apply(generator_tape.gradient(loss, variables), variables)
        return loss

    def run(steps: int) -> None:
        for _ in range(steps):
            loss = step(*next(stream))
        float(loss)

    return run


def step(key: str, precision: str, rounds: int) -> dict[str, object]:
    """Images per second of `gan.train`, of the bare loop and of PyTorch, taking turns.

    Medians of rounds. PyTorch, where it is installed and has such networks, has
    a process of its own, and the faster of its memory layouts counts.
    """
    cli.import_tensorflow()
    import keras

    from experiments.peak import operations_of_a_step
    from gan.trainer import train

    networks = NETWORKS[key]
    pictures = _noise(networks)
    in_pytorch = bench_torch.installed() and key in bench_torch.NETWORKS

    class TakeTurns(keras.callbacks.Callback):
        """The last callback of a tick: ours ends here; then the others run as far."""

        def on_train_begin(self, logs=None):
            self.ours, self.bare, self.pytorch, self.seen = [], [], [], 0
            self.loop = bare_loop(
                self.model, pictures, networks.batch_size, Config().generator.learning_rate
            )
            self.loop(2)  # traces
            self.resumed = time.perf_counter()

        def on_train_batch_end(self, batch, logs=None):
            self.stepped = time.perf_counter()

        def on_epoch_end(self, epoch, logs=None):
            ended = time.perf_counter()
            images = int(self.model.images_seen.numpy()) - self.seen
            self.seen += images
            steps = images // networks.batch_size
            self.loop(steps)
            again = time.perf_counter()
            by_step = (self.stepped - self.resumed) / images  # seconds an image
            by_tick = (ended - self.stepped) / DEFAULT_TICK
            self.ours.append(1.0 / (by_step + by_tick))
            self.bare.append(images / (again - ended))
            if in_pytorch:
                turn = aside.submit(
                    bench_torch.turn, key, networks.batch_size, precision, steps
                ).result()
                self.pytorch.append(max(turn.values()))
            if epoch >= rounds:
                self.model.stop_training = True
            self.resumed = time.perf_counter()

    turns = TakeTurns()
    with (
        tempfile.TemporaryDirectory() as folder,
        ProcessPoolExecutor(1, mp_context=get_context("spawn")) as aside,
    ):
        config = Config(
            batch_size=networks.batch_size,
            precision=precision,
            stop=StopConfig(epochs=1000, evaluate_every=0),
            run=RunConfig(
                run_dir=Path(folder) / "run",
                tick_kimg=networks.steps * networks.batch_size / 1000,
                steps_per_execution=min(networks.steps, RunConfig.steps_per_execution),
            ),
        )
        train(config, callbacks=[turns], pictures=pictures, build=_builder(key))
    ours, bare, pytorch = (
        of[1:]
        for of in (turns.ours, turns.bare, turns.pytorch)  # the first round warms up
    )
    gan = turns.model
    row = {
        "operations_per_image": operations_of_a_step(gan.generator, gan.discriminator),
        "ours_images_per_second": statistics.median(ours),
        "bare_images_per_second": statistics.median(bare),
        "ratio": statistics.median(o / b for o, b in zip(ours, bare, strict=True)),
    }
    if pytorch:
        row["pytorch_images_per_second"] = statistics.median(pytorch)
        row["over_pytorch"] = statistics.median(o / p for o, p in zip(ours, pytorch, strict=True))
    return row


def tutorial_loop(turns: int = 3, steps: int = 8) -> dict[str, object]:
    """Images per second of the tutorial's networks in a loop as the tutorial writes it.

    Keras's layers and optimizer, both gradients from one point, a Python loop
    over the batches of a dataset, float32.
    """
    cli.import_tensorflow()
    import keras
    import tensorflow as tf

    from experiments.references import tutorial_networks

    networks = NETWORKS["tutorial"]
    generator, discriminator = tutorial_networks(keras.layers)
    adams = [keras.optimizers.Adam(1e-4) for _ in range(2)]
    images = _noise(networks).images.astype(np.float32) / 127.5 - 1.0
    entropy = keras.losses.BinaryCrossentropy(from_logits=True)

    @tf.function
    def train_step(real):
        latents = tf.random.normal((networks.batch_size, 100))
        with tf.GradientTape() as generator_tape, tf.GradientTape() as discriminator_tape:
            fake = generator(latents, training=True)
            real_logits, fake_logits = (discriminator(x, training=True) for x in (real, fake))
            generator_loss = entropy(tf.ones_like(fake_logits), fake_logits)
            discriminator_loss = entropy(tf.ones_like(real_logits), real_logits)
            discriminator_loss += entropy(tf.zeros_like(fake_logits), fake_logits)
        for network, tape, loss, adam in (
            (generator, generator_tape, generator_loss, adams[0]),
            (discriminator, discriminator_tape, discriminator_loss, adams[1]),
        ):
            variables = network.trainable_variables
            adam.apply_gradients(zip(tape.gradient(loss, variables), variables, strict=True))
        return generator_loss

    for adam, network in zip(adams, (generator, discriminator), strict=True):
        adam.build(network.trainable_variables)
    dataset = tf.data.Dataset.from_tensor_slices(images).shuffle(len(images))
    dataset = dataset.repeat().batch(networks.batch_size)
    speeds, stream = [], iter(dataset)
    for _ in range(turns + 1):
        started = time.perf_counter()
        for _ in range(steps):
            loss = train_step(next(stream))
        float(loss)
        speeds.append(steps * networks.batch_size / (time.perf_counter() - started))
    return {"images_per_second": statistics.median(speeds[1:])}


def pipeline(key: str, seconds: float = 2.0) -> dict[str, object]:
    """Images per second of the input alone."""
    cli.import_tensorflow()
    from gan.data import stream

    networks = NETWORKS[key]
    batches = iter(stream.batches(_noise(networks), networks.batch_size, seed=0))
    for _ in range(8):
        next(batches)
    count, started = 0, time.perf_counter()
    while time.perf_counter() < started + seconds:
        next(batches)
        count += networks.batch_size
    return {"images_per_second": count / (time.perf_counter() - started)}


def growth(precision: str) -> dict[str, dict[int, float]]:
    """Milliseconds of our default's step against the batch size and against the resolution."""
    default = NETWORKS["default"]
    return {
        "batch_size": {
            size: _milliseconds(replace(default, batch_size=size), precision)
            for size in BATCH_SIZES
        },
        "resolution": {
            side: _milliseconds(replace(default, resolution=side), precision)
            for side in RESOLUTIONS
        },
    }


def _milliseconds(networks: Networks, precision: str, turns: int = 7) -> float:
    step, spent = _one_step(networks, precision, build=_builder("default")), []
    for _ in range(turns + 2):
        started = time.perf_counter()
        step()
        spent.append(1000 * (time.perf_counter() - started))
    return statistics.median(spent[2:])


def _one_step(networks: Networks, precision: str, build) -> Callable[[], None]:
    """A function that does one step of ours on the same batch and waits for it."""
    cli.import_tensorflow()
    import tensorflow as tf

    from gan.build import compile_gan, set_precision_and_seed

    config = Config(batch_size=networks.batch_size, precision=precision)
    set_precision_and_seed(config)
    gan = build(config, networks.resolution, networks.channels, 0)
    compile_gan(gan, config)
    pictures = _noise(networks, networks.batch_size)
    batch = tf.constant(pictures.images, tf.float32) / 127.5 - 1.0, tf.constant(pictures.labels)
    train_step = tf.function(gan.train_step)
    return lambda: float(train_step(batch)["loss/generator"])


def profile(key: str, precision: str, steps: int = 5) -> dict[str, object]:
    """Shares of the time that a step's operations take, by `KINDS`, by TensorFlow's profiler."""
    cli.import_tensorflow()
    import tensorflow as tf
    from tensorflow.tsl.profiler.protobuf import xplane_pb2

    step = _one_step(NETWORKS[key], precision, _builder(key))
    for _ in range(3):
        step()
    with tempfile.TemporaryDirectory() as folder:
        with tf.profiler.experimental.Profile(folder):
            for _ in range(steps):
                step()
        (trace,) = Path(folder).rglob("*.xplane.pb")
        space = xplane_pb2.XSpace.FromString(trace.read_bytes())
    spent = dict.fromkeys([*KINDS, "the rest"], 0.0)
    for plane in space.planes:
        names = {number: about.name for number, about in plane.event_metadata.items()}
        for line in plane.lines:
            for event in line.events:
                name, separator, operation = names[event.metadata_id].rpartition(":")
                whole_function = operation.strip().startswith("__inference")
                if separator and not name.endswith(":") and not whole_function:
                    spent[_kind(operation)] += event.duration_ps
    whole = sum(spent.values())
    return {"shares": {kind: value / whole for kind, value in spent.items()}}


def _kind(operation: str) -> str:
    for kind, parts in KINDS.items():
        if any(part in operation for part in parts):
            return kind
    return "the rest"
