"""How fast are our training step and our style iteration beside bare loops over the same networks?

    make bench                          about 9 minutes on 2 cores
    make bench ARGS="--only default"    a minute and a half

For our default, the TensorFlow tutorial's networks (28x28, batch 256) and the
PyTorch example's (64x64, batch 128), in float32 and, where the processor has
it, bfloat16: images per second of `gan.train` as it is (Keras's `fit`, input
pipeline, averaged generator, figures, guards, snapshots, checkpoints,
TensorBoard) and of a bare `tf.function` loop that does nothing but the two
updates. Both take turns within one run, so their ratio holds on a busy machine
where seconds do not. Ticks are shortened to save time; what a tick costs is
measured and charged as often as it comes by default, every 10,000 images.
Expected: ours at 0.95 of the bare loop or more. Then the rows of
experiments/bench_style.py. Writes runs/bench.json.
"""

import statistics
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from common import cli, devices
from common.files import write_json
from gan.config import Config, RunConfig, StopConfig

DEFAULT_TICK = 1000 * RunConfig.tick_kimg  # images


@dataclass(frozen=True)
class BenchConfig:
    """Times the training step."""

    rounds: int = 3
    """Turns that each side takes, after one to warm up."""
    only: str = ""
    """Measure only the networks whose name contains this; "style": the style iteration."""
    out: Path = Path("runs/bench.json")
    """Where the figures go."""


def bare_loop(gan, pictures, batch_size: int, learning_rate: float) -> Callable[[int], None]:
    """The same two updates on copies of the networks, and nothing else.

    Returns:
        A function that runs so many steps and waits for the last.
    """
    import keras
    import tensorflow as tf

    generator, discriminator = (
        keras.models.clone_model(network) for network in (gan.generator, gan.discriminator)
    )
    conditional, latent_size = gan.conditional, gan.latent_size
    optimizers = [keras.optimizers.Adam(learning_rate, beta_1=0.5) for _ in range(2)]
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


def measure(name: str, config: Config, pictures, build, rounds: int) -> dict[str, object]:
    """Images per second of both sides, taking turns; medians over the rounds."""
    import keras

    from experiments.peak import operations_of_a_step
    from gan.train import train

    class TakeTurns(keras.callbacks.Callback):
        """The last callback of a tick: ours ends here; then the bare loop runs as far."""

        def on_train_begin(self, logs=None):
            self.ours, self.bare, self.seen = [], [], 0
            self.loop = bare_loop(
                self.model, pictures, config.batch_size, config.generator.learning_rate
            )
            self.loop(2)  # traces
            self.resumed = time.perf_counter()

        def on_train_batch_end(self, batch, logs=None):
            self.stepped = time.perf_counter()

        def on_epoch_end(self, epoch, logs=None):
            ended = time.perf_counter()
            images = int(self.model.images_seen.numpy()) - self.seen
            self.seen += images
            self.loop(images // config.batch_size)
            again = time.perf_counter()
            by_step = (self.stepped - self.resumed) / images  # seconds an image
            by_tick = (ended - self.stepped) / DEFAULT_TICK
            self.ours.append(1.0 / (by_step + by_tick))
            self.bare.append(images / (again - ended))
            if epoch >= rounds:
                self.model.stop_training = True
            self.resumed = time.perf_counter()

    turns = TakeTurns()
    train(config, callbacks=[turns], pictures=pictures, build=build)
    ours, bare = turns.ours[1:], turns.bare[1:]  # the first round warms up
    gan = turns.model
    return {
        "operations_per_image": operations_of_a_step(gan.generator, gan.discriminator),
        "network": name,
        "precision": config.precision,
        "ours_images_per_second": statistics.median(ours),
        "bare_images_per_second": statistics.median(bare),
        "ratio": statistics.median(o / b for o, b in zip(ours, bare, strict=True)),
    }


def main() -> int:
    options = cli.parse(BenchConfig, "python -m experiments.bench", None)
    cli.import_tensorflow()

    import numpy as np

    from experiments import bench_style
    from experiments.peak import convolution_peak
    from experiments.references import build_pytorch, build_tutorial
    from gan import data
    from gan.train import build_gan

    def noise(side: int, channels: int) -> data.Pictures:
        shape = (4096, side, side, channels)
        images = np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8)
        return data.Pictures("noise", images, np.zeros(len(images), np.int32), (), "")

    native = devices.resolve_precision("auto")
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        for name, pictures, build, batch_size, steps in (
            ("default, 32x32, batch 64", noise(32, 1), build_gan, Config.batch_size, 64),
            ("TensorFlow tutorial, 28x28, batch 256", noise(28, 1), build_tutorial, 256, 8),
            ("PyTorch example, 64x64, batch 128", noise(64, 3), build_pytorch, 128, 8),
        ):
            if options.only not in name:
                continue
            for precision in sorted({"float32", native}, reverse=True):
                config = Config(
                    batch_size=batch_size,
                    precision=precision,
                    stop=StopConfig(epochs=1000),
                    run=RunConfig(
                        run_dir=Path(folder) / f"{len(rows)}",
                        tick_kimg=steps * batch_size / 1000,
                        steps_per_execution=min(steps, RunConfig.steps_per_execution),
                    ),
                )
                rows.append(measure(name, config, pictures, build, options.rounds))
    fastest = {
        row["network"]: row["ours_images_per_second"]
        for row in rows
        if row["precision"] == "float32"
    }
    peaks = {precision: convolution_peak(precision) for precision in {r["precision"] for r in rows}}
    for precision, peak in peaks.items():
        print(f"3x3 convolutions at their best in {precision}: {peak / 1e9:.0f} GFLOP/s")
    titles = f"{'ours img/s':>10} {'bare img/s':>10} {'ratio':>6} {'x float32':>9} {'of peak':>7}"
    print(f"\n{'network':40} {'precision':10} {titles}")
    for row in rows:
        row["times_float32"] = row["ours_images_per_second"] / fastest[row["network"]]
        speed = row["ours_images_per_second"] * row["operations_per_image"]
        row["share_of_peak"] = speed / peaks[row["precision"]]
        print(
            f"{row['network']:40} {row['precision']:10} {row['ours_images_per_second']:10.0f} "
            f"{row['bare_images_per_second']:10.0f} {row['ratio']:6.2f} "
            f"{row['times_float32']:9.2f} {100 * row['share_of_peak']:5.0f} %"
        )
    style = bench_style.rows() if not options.only or options.only == "style" else []
    write_json(options.out, {"rows": rows, "peaks": peaks, "style": style})
    print(f"figures: {options.out}")
    return 0


if __name__ == "__main__":
    cli.run(main)
