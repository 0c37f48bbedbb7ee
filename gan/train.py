"""Trains a DCGAN.

python -m gan.train                                 letters and digits, nothing to download
python -m gan.train --dataset mnist                 any image dataset of TensorFlow Datasets
python -m gan.train --dataset my_pictures/          a folder
"""

import hashlib
import json
import math
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from common import cli, cluster, devices, runs
from common.cluster import WorkerLostError
from common.files import InputError, remove_temporaries
from gan import config as configuration
from gan import data
from gan.config import Config, OptimizerConfig

if TYPE_CHECKING:
    import keras
    import numpy as np

    from common.replicas import Replicas
    from common.summaries import Events
    from gan.model import GAN

PROGRAM = "python -m gan.train"
DEFAULT_MINUTES = 4.0
MOST_MOMENTUM = 0.5  # Adam's beta_1 under --balance auto: Radford et al. 2016, section 4
CODES = {"interrupted": 130, "collapsed": 1, "diverged": 1}  # to exit with, by status
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
        gan: in a process other than the chief, not set back where a run diverged.
        status: "finished", "target", "no progress", "interrupted", "collapsed" or
            "diverged".
        reason: one line.
        figures: those of the last tick; none but in the chief.
        chief: whether this process is the one that writes and talks.
    """

    folder: Path
    gan: "GAN"
    status: str
    reason: str
    figures: dict[str, float]
    chief: bool = True


def _precision(config: Config) -> str:
    return devices.resolve_precision(config.precision, float16=True)


def set_precision_and_seed(config: Config) -> None:
    """Keras's global precision, and the seed of the initial weights; before networks are built."""
    import keras

    policy = devices.keras_policy(_precision(config))
    keras.config.set_dtype_policy(policy)
    keras.utils.set_random_seed(config.seed)


def build_gan(config: Config, resolution: int, channels: int, classes: int) -> "GAN":
    """The networks and their step, without optimizers."""
    from common.losses import ADVERSARIAL, PENALTIES
    from gan.balance import build_balance
    from gan.model import GAN
    from gan.networks import build_discriminator, build_generator

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
    scaled = _precision(config) == "float16"
    most_momentum = MOST_MOMENTUM if config.balance.mode == "auto" else 1.0
    generator_rate = _schedule(config.generator)
    discriminator_rate = _schedule(config.discriminator)
    gan.compile(
        _adam(
            config.generator,
            lambda: generator_rate(gan.images_seen.value) * gan.balance.share("generator"),
            most_momentum,
            scaled,
        ),
        _adam(
            config.discriminator,
            lambda: discriminator_rate(gan.images_seen.value) * gan.balance.share("discriminator"),
            most_momentum,
            scaled,
        ),
        **kwargs,
    )


def _schedule(config: OptimizerConfig):
    """The learning rate as a function of the images seen."""
    import tensorflow as tf
    from keras.optimizers import schedules

    rate, images = config.learning_rate, 1000.0 * config.decay_kimg
    if config.schedule == "inverse":
        return schedules.InverseTimeDecay(rate, images, decay_rate=1.0)
    if config.schedule == "cosine":
        return schedules.CosineDecay(rate, images)
    if config.schedule == "linear":
        return schedules.PolynomialDecay(rate, images, end_learning_rate=0.0)
    return lambda seen: tf.constant(rate)


def _adam(
    config: OptimizerConfig, rate, most_momentum: float, scaled: bool
) -> "keras.optimizers.Optimizer":
    """Adam, for float16 with a loss scale that it finds (Micikevicius et al. 2018, section 3.2)."""
    import keras

    from common.adam import Adam

    adam = Adam(
        rate,
        beta_1=min(config.beta_1, most_momentum),
        beta_2=config.beta_2,
        global_clipnorm=config.clip_norm or None,
    )
    return keras.optimizers.LossScaleOptimizer(adam) if scaled else adam


def train(
    config: Config,
    callbacks: Sequence["keras.callbacks.Callback"] = (),
    pictures: data.Pictures | None = None,
    build: Callable[[Config, int, int, int], "GAN"] = build_gan,
) -> Result:
    """Trains, or goes on with, one run, and leaves everything in its folder.

    Args:
        callbacks: any Keras callbacks, called after the run's own, of several
            processes in the chief; a Keras epoch is a tick of
            `config.run.tick_kimg` thousand images.
        pictures: a dataset of your own, instead of loading `config.data.dataset`.
        build: networks of your own: (config, resolution, channels, classes) to
            a GAN. `gan.sample` can only rebuild those of `build_gan`.

    Raises:
        InputError: a configuration, dataset or folder that cannot be used.
        WorkerLostError: another process has gone; this one's last checkpoint stands.
    """
    configuration.check(config)
    before = runs.read_config(config.run.resume, "--resume") if config.run.resume else None
    if before:
        _refuse_changes(config, before)
    cli.import_tensorflow()
    import tensorflow as tf

    from common import replicas

    if config.run.deterministic:
        tf.config.experimental.enable_op_determinism()
    found = cluster.find(config.run.strategy)
    team = replicas.make(config.run.strategy, found, config.batch_size)
    with team.watch():
        return _train(config, before, callbacks, pictures, build, team)


def _train(
    config: Config,
    before: dict[str, Any] | None,
    callbacks: Sequence["keras.callbacks.Callback"],
    pictures: data.Pictures | None,
    build: Callable[[Config, int, int, int], "GAN"],
    team: "Replicas",
) -> Result:
    from common.callbacks import Ending, Interrupt
    from gan.callbacks import ADDED_FIGURES, BY_HEART, EVALUATED, Overfitting, checkpoint_variables

    compiled = _compiled(config, team)
    pictures = pictures or data.load(
        config.data.dataset, config.run.cache_dir, config.data.resolution, config.data.channels
    )
    about = _describe(config, pictures)
    if before and before["data"]["fingerprint"] != pictures.fingerprint:
        raise InputError(
            f"--resume {config.run.resume}: {pictures.name} has changed since the run began; "
            "start a new run"
        )
    _agree(team, config, pictures)
    plan = _plan(config, len(pictures))
    with team.scope():
        set_precision_and_seed(config)
        gan = build(config, about["resolution"], about["channels"], about["classes"])
        compile_gan(gan, config, steps_per_execution=plan.steps_per_execution, jit_compile=compiled)
    stop, real, everywhere = config.stop, None, {}
    if plan.held_out is not None:
        everywhere["overfitting"] = Overfitting(
            pictures, plan.learnt, plan.held_out, gan.latent_size
        )
    evaluated = EVALUATED if stop.evaluate_every else ()
    known = (*gan.figures.names, *ADDED_FIGURES, *evaluated, *([BY_HEART] if everywhere else []))
    monitor = configuration.monitored(stop)
    if monitor not in known:
        raise InputError(f"--monitor {monitor}: expected one of {', '.join(known)}")

    if stop.evaluate_every and team.chief:
        from gan.evaluate import real_side

        real = real_side(
            pictures, stop.evaluate_features, stop.evaluate_count, 0, config.run.cache_dir
        )
    folder = config.run.resume
    if folder is None and team.chief:
        folder = runs.create(config.run.run_dir, Path(pictures.name).name)
    folder = Path(team.gather(str(folder))[0])
    checkpoints = runs.Checkpoints(folder)
    state = {
        "elapsed": 0.0,
        "best": None,
        "patience": {"best": None, "waited": 0},
        "health": {"lasted": {}, "raised": [], "alarms": []},
    }
    if before and checkpoints.paths("last"):  # without, it was killed before its first: begin again
        arrays, state = checkpoints.load("last")
        runs.assign(checkpoint_variables(gan), arrays)
    start = int(gan.images_seen.numpy())
    if len(set(team.gather(str(start)))) > 1:
        raise InputError(f"--resume {folder}: the workers find different checkpoints there")
    _refuse_finished(folder, plan, start, state["elapsed"])
    ending, figures = Ending(), {}
    own = {"interrupt": Interrupt(ending), **everywhere}
    if team.chief:
        events = _open_folder(config, folder, gan, pictures, about, team, before)
        if not checkpoints.paths("best"):
            state["best"] = None
        own = _callbacks(
            config, plan, gan, pictures, real, about, folder, events, ending, own, state, figures
        )
    try:
        _fit(gan, config, plan, pictures, start, team, ending, own, callbacks)
    except WorkerLostError as lost:
        if team.chief:
            runs.update_summary(folder, status="worker lost", reason=str(lost))
        raise WorkerLostError(
            f"{lost}\nstart all workers again with --resume {folder}: its last checkpoint stands"
        ) from None
    if team.chief:
        runs.update_summary(
            folder,
            status=ending.status,
            reason=ending.reason,
            images=int(gan.images_seen.numpy()),
            minutes=round(own["budget"].elapsed / 60, 3),
            best={monitor: own["saver"].best},
            alarms=own["alarm"].raised,
            figures=figures,
        )
    return Result(folder, gan, ending.status, ending.reason, figures, team.chief)


def _fit(gan, config, plan, pictures, start, team, ending, own, callbacks) -> None:
    """Trains until `own` callbacks, or `callbacks` in the chief, or Ctrl-C end it."""
    from common.callbacks import EndTogether

    def stream(replicas: Sequence[int]):
        updates = config.balance.discriminator_steps
        shares = [data.share(plan.images_per_step, updates, r, team.count) for r in replicas]
        mirror, learnt = config.data.mirror, plan.learnt
        return data.batches(
            pictures, plan.images_per_step, config.seed, start, mirror, shares, learnt
        )

    more = list(callbacks) if team.chief else []
    if team.cluster:
        more.append(EndTogether(team.gather, ending))
    try:
        with team.watch():
            gan.fit(
                team.distribute(stream),
                steps_per_epoch=plan.steps_per_tick,
                initial_epoch=round(start / (plan.steps_per_tick * plan.images_per_step)),
                epochs=sys.maxsize,  # the callbacks know when to end
                callbacks=[*own.values(), *more],
                shuffle=False,  # the stream is shuffled
                verbose=0,
            )
    finally:
        own["interrupt"].on_train_end()
        if team.chief:
            own["progress"].on_train_end()


def _compiled(config: Config, team: "Replicas") -> bool:
    """Whether XLA compiles the step: not together with the exchange between replicas."""
    if config.run.compile == "on" and team.count > 1:
        raise InputError(f"--compile on: expected one replica, got {team.count}; leave it out")
    return (
        devices.resolve_compile(config.run.compile)
        and team.count == 1
        and not config.run.deterministic
    )


def _agree(team: "Replicas", config: Config, pictures: data.Pictures) -> None:
    """Raises InputError unless all workers were told and have found the same."""
    fields = configuration.to_dict(config)
    for name in ("cache_dir", "strategy", "compile"):
        del fields["run"][name]
    facts = json.dumps([fields, pictures.fingerprint, _precision(config)], sort_keys=True)
    if len(set(team.gather(hashlib.sha256(facts.encode()).hexdigest()))) > 1:
        raise InputError(
            "the workers differ in their arguments, their pictures or their arithmetic\n"
            f"give all the same arguments and folders; {pictures.name} has the fingerprint "
            f"{pictures.fingerprint} here, --precision is {_precision(config)}"
        )


def _open_folder(
    config: Config,
    folder: Path,
    gan: "GAN",
    pictures: data.Pictures,
    about: dict[str, Any],
    team: "Replicas",
    before: dict[str, Any] | None,
) -> "Events":
    """Writes what describes the run, tidies up after an earlier part of it, and says both."""
    from common.summaries import Events, flatten

    if before:
        runs.rewind_metrics(folder, int(gan.images_seen.numpy()))
        remove_temporaries(folder)
    fields = configuration.to_dict(config)
    runs.write_config(folder, fields, data=about, machine=_machine(config, team))
    _print_header(pictures, gan, about, folder)
    events = Events(folder)
    if not before:
        events.text("config", _as_table(flatten(fields)))
        events.hyperparameters(flatten(fields), trial=folder.name)
        events.picture("data/real", _real_grid(pictures), step=0)
    return events


@dataclass(frozen=True)
class Plan:
    """How far to train, and on which pictures; None where there is no such bound.

    Attributes:
        learnt: which pictures to draw from; None: all.
        held_out: the others, to see whether the discriminator overfits.
    """

    images_per_step: int
    steps_per_execution: int
    steps_per_tick: int
    target_images: int | None
    minutes: float | None
    learnt: "np.ndarray | None" = None
    held_out: "np.ndarray | None" = None


def _plan(config: Config, count: int) -> Plan:
    """Ticks and epochs are whole numbers of executions; epochs are rounded up."""
    images_per_step = config.batch_size * config.balance.discriminator_steps
    learnt, held_out = None, None
    if configuration.has_auto(config.balance):
        learnt, held_out = data.hold_out(count, config.seed)
    steps, minutes, execution = None, config.stop.max_minutes, config.run.steps_per_execution
    if config.stop.epochs is not None:
        steps = math.ceil(config.stop.epochs * count / images_per_step)
        steps = math.ceil(steps / execution) * execution
    elif minutes is None:
        minutes = DEFAULT_MINUTES
    executions_per_tick = round(1000 * config.run.tick_kimg / (images_per_step * execution))
    return Plan(
        images_per_step=images_per_step,
        steps_per_execution=execution,
        steps_per_tick=max(1, executions_per_tick) * execution,
        target_images=steps * images_per_step if steps else None,
        minutes=minutes,
        learnt=learnt,
        held_out=held_out,
    )


def _callbacks(
    config, plan, gan, pictures, real, about, folder, events, ending, everywhere, state, figures
) -> dict[str, "keras.callbacks.Callback"]:
    """The run's own callbacks by name, in the order in which Keras calls them, `everywhere` too.

    First what ends a run, then what adds figures to the logs, then what uses
    them; the checkpoint comes last, so that it holds what the others decided.
    """
    import keras

    from common import callbacks as guards
    from gan import callbacks

    stop, checkpoints = config.stop, runs.Checkpoints(folder)
    monitor = configuration.monitored(stop)

    def images_seen() -> int:
        return int(gan.images_seen.numpy())

    def share_done() -> float:
        by_time = budget.elapsed / (60 * plan.minutes) if plan.minutes else 0.0
        by_images = images_seen() / plan.target_images if plan.target_images else 0.0
        return max(by_time, by_images)

    def step_back() -> None:
        runs.assign(callbacks.checkpoint_variables(gan), checkpoints.load("last")[0])

    def remember(epoch, logs) -> None:
        figures.update({k: float(v) for k, v in logs.items() if math.isfinite(v)})

    def act(symptom: str) -> str:
        on_alarm = config.balance.on_alarm
        if on_alarm == "stop":
            ending.stop(gan, "collapsed", symptom)
        if on_alarm in ("warn", "stop"):
            return ""
        gan.balance.wake()
        if on_alarm == "balance" or not checkpoints.paths("best"):
            return "the controls of --balance auto are on from now"
        callbacks.go_back(gan, checkpoints.load("best")[0])
        return "went back to the best state; the controls of --balance auto are on from now"

    budget = guards.TimeBudget(plan.minutes, ending, state["elapsed"])
    patience = guards.StopWithoutProgress(
        monitor, stop.patience or math.inf, stop.monitor_mode, ending
    )
    patience.restore(state["patience"])
    alarm = callbacks.Alarm(events, act, state["health"])
    evaluation = {}
    if real is not None:
        evaluation["evaluate"] = callbacks.Evaluate(
            real, stop.evaluate_every, gan.latent_size, config.seed
        )
    own = {
        "finite": guards.StopOnNonFinite(step_back, ending),
        **everywhere,
        "budget": budget,
        "target images": guards.StopAfter(images_seen, plan.target_images or math.inf, ending),
        "progress": guards.Progress(share_done, images_seen, _pace, SHOWN),
        "speed": callbacks.Speed(),
        "quality": callbacks.Quality(
            pictures.images, pictures.labels, gan.latent_size, config.seed
        ),
        "vitals": callbacks.Vitals(pictures.images, pictures.labels, gan.latent_size, config.seed),
        **evaluation,
        "alarm": alarm,
        "log": callbacks.Log(folder, events, config.run.histograms),
        "snapshots": callbacks.Snapshots(
            folder, events, about["classes"], gan.latent_size, config.seed
        ),
        "patience": patience,
        "saver": callbacks.SaveCheckpoints(
            checkpoints,
            monitor,
            stop.monitor_mode,
            state=lambda: {
                "elapsed": budget.elapsed,
                "patience": patience.state(),
                "health": alarm.state(),
            },
            best=state["best"],
        ),
        "figures": keras.callbacks.LambdaCallback(on_epoch_end=remember),
    }
    if stop.target is not None:
        own["target"] = guards.StopAtTarget(monitor, stop.target, stop.monitor_mode, ending)
    return own


def _pace(images: float, per_second: float) -> str:
    return f"{images / 1000:.0f} kimg {per_second:.0f} img/s"


def _describe(config: Config, pictures: data.Pictures) -> dict[str, Any]:
    """What config.json says of the data."""
    resolution, channels = pictures.images.shape[2:]
    if len(pictures) < 2:
        raise InputError(f"--dataset {pictures.name}: expected at least 2 pictures, found 1")
    return {
        "name": pictures.name,
        "pictures": len(pictures),
        "skipped": len(pictures.skipped),
        "resolution": resolution,
        "channels": channels,
        "classes": _classes(config, pictures),
        "class_names": list(pictures.class_names),
        "fingerprint": pictures.fingerprint,
    }


def _machine(config: Config, team: "Replicas") -> dict[str, Any]:
    """What config.json says of the machine."""
    import keras
    import tensorflow as tf

    return {
        "precision": _precision(config),
        "devices": [device.device_type for device in tf.config.list_logical_devices()],
        "replicas": team.count,
        "versions": {"tensorflow": tf.__version__, "keras": keras.__version__},
    }


def _refuse_finished(folder: Path, plan: Plan, images: int, elapsed: float) -> None:
    if plan.target_images and images >= plan.target_images:
        had = f"{plan.target_images} images"
    elif plan.minutes and elapsed >= 60 * plan.minutes:
        had = f"{plan.minutes:g} minutes"
    else:
        return
    raise InputError(
        f"--resume {folder}: the run has had its {had}\nask for more with --epochs or --max-minutes"
    )


def _refuse_changes(config: Config, before: dict[str, Any]) -> None:
    changed = [
        line
        for line in runs.differences(before["config"], configuration.to_dict(config))
        if not line.startswith(configuration.CHANGEABLE)
    ]
    precision = _precision(config)
    if precision != before["machine"]["precision"]:
        changed.append(f"precision here: {before['machine']['precision']} -> {precision}")
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
    import numpy as np

    from common import image_io

    chosen = np.random.default_rng(0).choice(len(pictures), min(100, len(pictures)), False)
    return image_io.grid(pictures.images[np.sort(chosen)])


def _as_table(fields: dict[str, object]) -> str:
    return "| field | value |\n|---|---|\n" + "\n".join(f"| {k} | {v} |" for k, v in fields.items())


def _print_header(pictures: data.Pictures, gan: "GAN", about: dict[str, Any], folder: Path) -> None:
    side, channels = about["resolution"], about["channels"]
    by_class = f", {about['classes']} classes" if about["classes"] else ""
    print(
        f"{pictures.name}: {len(pictures):,} pictures of {side}x{side}x{channels}{by_class} | "
        f"generator {gan.generator.count_params():,} and discriminator "
        f"{gan.discriminator.count_params():,} parameters, {gan.compute_dtype}"
    )
    if pictures.skipped:
        first = pictures.skipped[0]
        (folder / "skipped.txt").write_text("\n".join(pictures.skipped) + "\n")
        print(
            f"skipped {len(pictures.skipped)} unreadable pictures ({folder}/skipped.txt): {first}"
        )
    print(f"run: {folder}  (Ctrl-C saves and ends it)")


def parse(arguments: Sequence[str] | None) -> Config:
    """The configuration that a command line asks for; on a resume, the run's own by default."""
    config = cli.parse(Config, PROGRAM, arguments)
    if config.run.resume is None:
        return config
    saved = runs.read_config(config.run.resume, "--resume")["config"]
    default = configuration.from_dict(saved, config.run.resume)
    return cli.parse(Config, PROGRAM, arguments, default=default)


def main(arguments: Sequence[str] | None = None) -> int:
    config = parse(arguments)
    if cluster.find(config.run.strategy):
        return cli.end_at_once(lambda: _run(config))
    return _run(config)


def _run(config: Config) -> int:
    result = train(config)
    folder, images = result.folder, int(result.gan.images_seen.numpy())
    if not result.chief:
        return CODES.get(result.status, 0)
    python = cli.python_to_type()
    print(f"{result.status}: {result.reason}, after {images / 1000:.0f} thousand images")
    if result.status == "interrupted":
        print(f"everything is saved; go on with: {python} -m gan.train --resume {folder}")
    elif result.status == "collapsed":
        print(f"the best state is kept: {python} -m gan.sample --run {folder} --checkpoint best")
    elif result.status == "diverged":
        print(f"the last good state is kept; try lower rates. Its samples: {folder}/latest.png")
    else:
        print(
            f"pictures: {folder}/latest.png and training.gif | figures: make tensorboard | more "
            f"pictures: {python} -m gan.sample --run {folder} --count 64 --out grid.png"
        )
    return CODES.get(result.status, 0)


if __name__ == "__main__":
    cli.run(main)
