"""Trains a DCGAN.

python -m gan.train                                 letters and digits, nothing to download
python -m gan.train --dataset mnist                 any image dataset of TensorFlow Datasets
python -m gan.train --dataset my_pictures/          a folder
"""

import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from common import cli, devices, runs
from common.files import InputError, remove_temporaries
from gan import config as configuration
from gan import data
from gan.config import Config, OptimizerConfig

if TYPE_CHECKING:
    import keras

    from gan.model import GAN

PROGRAM = "python -m gan.train"
DEFAULT_MINUTES = 4.0
SHOWN = (  # beside the progress bar
    ("D", "loss/discriminator"),
    ("G", "loss/generator"),
    ("D(real)", "discriminator/real"),
    ("D(fake)", "discriminator/fake"),
)


@dataclass(frozen=True)
class Result:
    """How a run ended.

    Attributes:
        status: "finished", "target", "no progress", "interrupted" or "diverged".
        reason: one line.
        figures: those of the last tick.
    """

    folder: Path
    gan: "GAN"
    status: str
    reason: str
    figures: dict[str, float]


def build_gan(config: Config, resolution: int, channels: int, classes: int) -> "GAN":
    """The networks and their step, without optimizers; sets Keras's precision policy."""
    import keras

    from common.losses import ADVERSARIAL, PENALTIES
    from gan.balance import build_balance
    from gan.model import GAN
    from gan.networks import build_discriminator, build_generator

    policy = devices.keras_policy(devices.resolve_precision(config.precision))
    keras.config.set_dtype_policy(policy)
    keras.utils.set_random_seed(config.seed)  # for the initial weights
    generator, averaged = (
        build_generator(config.networks, resolution, channels, classes) for _ in range(2)
    )
    balance = config.balance
    return GAN(
        generator,
        build_discriminator(config.networks, resolution, channels, classes),
        averaged,
        loss=ADVERSARIAL[config.loss],
        balance=build_balance(balance, seed=config.seed + 10),
        penalty=PENALTIES.get(config.penalty),
        penalty_weight=config.penalty_weight,
        label_smoothing=balance.label_smoothing,
        update=config.update,
        discriminator_steps=balance.discriminator_steps,
        generator_steps=balance.generator_steps,
        ema_kimg=config.ema_kimg,
        seed=config.seed,
    )


def compile_gan(gan: "GAN", config: Config, **kwargs: Any) -> None:
    """Attaches both optimizers; their rates follow the images seen and the balance."""
    generator_rate = _schedule(config.generator)
    discriminator_rate = _schedule(config.discriminator)
    gan.compile(
        _adam(config.generator, lambda: generator_rate(gan.images_seen.value)),
        _adam(
            config.discriminator,
            lambda: discriminator_rate(gan.images_seen.value) * gan.balance.share(),
        ),
        jit_compile=False,  # XLA made the step 1.5 times slower on a CPU
        **kwargs,
    )


def _schedule(config: OptimizerConfig):
    """The learning rate as a function of the images seen."""
    import tensorflow as tf
    from keras.optimizers import schedules

    rate, images = config.learning_rate, 1000.0 * config.decay_kimg
    if config.schedule == "cosine":
        return schedules.CosineDecay(rate, images)
    if config.schedule == "linear":
        return schedules.PolynomialDecay(rate, images, end_learning_rate=0.0)
    return lambda seen: tf.constant(rate)


def _adam(config: OptimizerConfig, rate) -> "keras.optimizers.Optimizer":
    import keras

    return keras.optimizers.Adam(
        rate,
        beta_1=config.beta_1,
        beta_2=config.beta_2,
        global_clipnorm=config.clip_norm or None,
    )


def train(
    config: Config,
    callbacks: Sequence["keras.callbacks.Callback"] = (),
    pictures: data.Pictures | None = None,
    build: Callable[[Config, int, int, int], "GAN"] = build_gan,
) -> Result:
    """Trains, or goes on with, one run, and leaves everything in its folder.

    Args:
        callbacks: any Keras callbacks, called after the run's own; a Keras
            epoch is a tick of `config.run.tick_kimg` thousand images.
        pictures: a dataset of your own, instead of loading `config.data.dataset`.
        build: networks of your own: (config, resolution, channels, classes) to
            a GAN. `gan.sample` can only rebuild those of `build_gan`.

    Raises:
        InputError: a configuration, dataset or folder that cannot be used.
    """
    configuration.check(config)
    started = runs.read_config(config.run.resume, "--resume") if config.run.resume else None
    if started:
        _refuse_changes(config, started["config"])
    cli.import_tensorflow()
    import keras
    import tensorflow as tf

    from common import callbacks as guards
    from common.summaries import Events, flatten
    from gan import callbacks as own

    if config.run.deterministic:
        tf.config.experimental.enable_op_determinism()
    pictures = pictures or data.load(
        config.data.dataset, config.run.cache_dir, config.data.resolution, config.data.channels
    )
    resolution, channels = pictures.images.shape[2:]
    classes = _classes(config, pictures)
    if started and started["data"]["fingerprint"] != pictures.fingerprint:
        raise InputError(
            f"--resume {config.run.resume}: {config.data.dataset} has changed since the run began; "
            "start a new run"
        )
    per_step = config.batch_size * config.balance.discriminator_steps  # images
    if len(pictures) < 2:
        raise InputError(f"--dataset {pictures.name}: holds one picture; expected at least 2")
    total_steps = (
        -(-int(config.stop.epochs * len(pictures)) // per_step) if config.stop.epochs else None
    )
    steps = min(config.run.steps_per_execution, total_steps or sys.maxsize)
    tick_steps = max(1, round(1000 * config.run.tick_kimg / (per_step * steps))) * steps
    minutes = config.stop.max_minutes
    if minutes is None and total_steps is None:
        minutes = DEFAULT_MINUTES

    gan = build(config, resolution, channels, classes)
    compile_gan(gan, config, steps_per_execution=steps)
    folder = config.run.resume or runs.create(config.run.run_dir, Path(pictures.name).name)
    checkpoints = runs.Checkpoints(folder)
    state: dict[str, Any] = {"elapsed": 0.0, "best": None, "patience": None}
    if started:
        arrays, state = checkpoints.load("last")
        runs.assign(own.checkpoint_variables(gan), arrays)
        runs.rewind_metrics(folder, int(gan.images_seen))
        remove_temporaries(folder)
    first_image = int(gan.images_seen)
    target = total_steps * per_step if total_steps else None
    if (target and first_image >= target) or (minutes and state["elapsed"] >= 60 * minutes):
        raise InputError(
            f"--resume {folder}: the run has had its "
            + (f"{config.stop.epochs:g} epochs" if target else f"{minutes:g} minutes")
            + "\nask for more with --epochs or --max-minutes"
        )
    about = {
        "name": pictures.name,
        "pictures": len(pictures),
        "resolution": resolution,
        "channels": channels,
        "classes": classes,
        "class_names": list(pictures.class_names),
        "fingerprint": pictures.fingerprint,
        "skipped": len(pictures.skipped),
    }
    precision = devices.resolve_precision(config.precision)
    runs.write_config(
        folder,
        configuration.to_dict(config),
        data=about,
        precision=precision,
        devices=[device.device_type for device in tf.config.list_logical_devices()],
        versions={"tensorflow": tf.__version__, "keras": keras.__version__},
    )
    _print_header(pictures, gan, classes, precision, folder)

    events = Events(folder)
    if not started:
        events.text("config", _as_table(flatten(configuration.to_dict(config))))
        events.hyperparameters(flatten(configuration.to_dict(config)), trial=folder.name)
        events.picture("data/real", _real_grid(pictures), step=0)
    ending = guards.Ending()
    budget = guards.TimeBudget(minutes, ending, state["elapsed"])

    def images_seen() -> int:
        return int(gan.images_seen)

    def restore() -> None:
        runs.assign(own.checkpoint_variables(gan), checkpoints.load("last")[0])

    def share_done() -> float:
        by_time = budget.elapsed / (60 * minutes) if minutes else 0.0
        by_images = images_seen() / target if target else 0.0
        return max(by_time, by_images)

    patience = guards.StopWithoutProgress(
        config.stop.monitor, config.stop.patience or sys.maxsize, config.stop.monitor_mode, ending
    )
    if state["patience"]:
        patience.restore(state["patience"])
    saver = own.SaveCheckpoints(
        checkpoints,
        config.stop.monitor,
        config.stop.monitor_mode,
        state=lambda: {"elapsed": budget.elapsed, "patience": patience.state()},
        best=state["best"],
    )
    last_logs = keras.callbacks.LambdaCallback(
        on_epoch_end=lambda epoch, logs: figures.update({k: float(v) for k, v in logs.items()})
    )
    figures: dict[str, float] = {}
    every = [
        guards.Interrupt(ending),
        budget,
        guards.StopOnNonFinite(restore, ending),
        *([guards.StopAfter(images_seen, target, ending)] if target else []),
        guards.Progress(share_done, images_seen, SHOWN),
        own.Speed(),
        own.Quality(pictures.images, pictures.labels, gan.latent_size, config.seed),
        own.Log(folder, events, config.run.histograms),
        own.Snapshots(folder, events, classes, gan.latent_size, config.seed),
        patience,
        *(
            [
                guards.StopAtTarget(
                    config.stop.monitor, config.stop.target, config.stop.monitor_mode, ending
                )
            ]
            if config.stop.target is not None
            else []
        ),
        saver,
        last_logs,
    ]
    gan.fit(
        data.batches(pictures, per_step, config.seed, first_image, config.data.mirror),
        steps_per_epoch=tick_steps,
        initial_epoch=round(first_image / (tick_steps * per_step)),
        epochs=sys.maxsize,
        callbacks=[*every, *callbacks],
        shuffle=False,  # the stream is shuffled
        verbose=0,
    )
    events.close()
    runs.update_summary(
        folder,
        status=ending.status,
        reason=ending.reason,
        images=images_seen(),
        minutes=round(budget.elapsed / 60, 3),
        best={config.stop.monitor: saver.best},
        figures=figures,
    )
    return Result(folder, gan, ending.status, ending.reason, figures)


def _refuse_changes(config: Config, before: dict[str, Any]) -> None:
    changed = [
        line
        for line in runs.differences(before, configuration.to_dict(config))
        if line.split(".")[0] not in configuration.CHANGEABLE
    ]
    if changed:
        raise InputError(
            f"--resume {config.run.resume}: the run was started differently: {'; '.join(changed)}\n"
            "leave these out, or start a new run"
        )


def _classes(config: Config, pictures: data.Pictures) -> int:
    """The number of classes to condition on; 0 for none."""
    classes = len(pictures.class_names)
    if config.data.conditional == "on" and classes < 2:
        raise InputError(
            f"--conditional on: {pictures.name} has no classes; expected sub-folders or labels"
        )
    enough = len(pictures) >= data.MIN_PER_CLASS * classes
    wanted = config.data.conditional == "on" or (config.data.conditional == "auto" and enough)
    return classes if wanted and classes > 1 else 0


def _real_grid(pictures: data.Pictures):
    from common import image_io

    return image_io.grid(pictures.images[: min(100, len(pictures))])


def _as_table(fields: dict[str, object]) -> str:
    return "| field | value |\n|---|---|\n" + "\n".join(f"| {k} | {v} |" for k, v in fields.items())


def _print_header(pictures, gan, classes, precision, folder) -> None:
    side, channels = pictures.images.shape[2:]
    by_class = f", {classes} classes" if classes else ""
    print(
        f"{pictures.name}: {len(pictures):,} pictures of {side}x{side}x{channels}{by_class} | "
        f"generator {gan.generator.count_params():,} and discriminator "
        f"{gan.discriminator.count_params():,} parameters, {precision}"
    )
    if pictures.skipped:
        print(
            f"skipped {len(pictures.skipped)} unreadable pictures; the first: {pictures.skipped[0]}"
        )
    print(f"run: {folder}  (Ctrl-C saves and ends it)")


def parse(arguments: Sequence[str] | None) -> Config:
    """The configuration that a command line asks for; on a resume, the run's own by default."""
    config = cli.parse(Config, PROGRAM, arguments)
    if config.run.resume is None:
        return config
    saved = runs.read_config(config.run.resume, "--resume")["config"]
    default = configuration.from_dict(saved, config.run)
    return cli.parse(Config, PROGRAM, arguments, default=default)


def main(arguments: Sequence[str] | None = None) -> int:
    config = parse(arguments)
    configuration.check(config)
    result = train(config)
    folder, images = result.folder, int(result.gan.images_seen)
    go_on = f"{PROGRAM} --resume {folder}"
    print(f"{result.status}: {result.reason}, after {images / 1000:.0f} thousand images")
    if result.status == "interrupted":
        print(f"everything is saved; go on with: {go_on}")
        return 130
    if result.status == "diverged":
        print(f"the last good state is kept; try lower rates. Its samples: {folder}/latest.png")
        return 1
    print(
        f"pictures: {folder}/latest.png and training.gif | figures: make tensorboard | more "
        f"pictures: python -m gan.sample --run {folder} --count 64 --out grid.png"
    )
    return 0


if __name__ == "__main__":
    cli.run(main)
