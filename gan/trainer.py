"""Trains a DCGAN.

python -m gan.train                                 letters and digits, nothing to download
python -m gan.train --dataset mnist                 any image dataset of TensorFlow Datasets
python -m gan.train --dataset my_pictures/          a folder
"""

import hashlib
import json
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from common import cli, runs
from common.checkpoints import Checkpoints, assign
from common.distribution import cluster, devices
from common.errors import InputError, WorkerLostError
from gan import config as configuration
from gan import validation
from gan.config import Config
from gan.data import base, load, stream

if TYPE_CHECKING:
    import keras

    from common.distribution.replicas import Replicas
    from gan.model import GAN
from gan.build import _precision, build_gan, compile_gan, set_precision_and_seed
from gan.callbacks.standard import _callbacks
from gan.plan import Plan, _plan
from gan.run_folder import _describe, _open_folder


@dataclass(frozen=True)
class Result:
    """How a run ended.

    Attributes:
        gan: in a process other than the chief, not set back where a run diverged.
        status: "finished", "target", "no progress", "interrupted", "collapsed" or
            "diverged".
        reason: one line.
        metrics: those of the last tick; none but in the chief.
        chief: whether this process is the one that writes and talks.
    """

    folder: Path
    gan: "GAN"
    status: str
    reason: str
    metrics: dict[str, float]
    chief: bool = True


def train(
    config: Config,
    callbacks: Sequence["keras.callbacks.Callback"] = (),
    pictures: base.Pictures | None = None,
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
    validation.check(config)
    before = runs.read_config(config.run.resume, "--resume") if config.run.resume else None
    if before:
        _refuse_changes(config, before)
    cli.import_tensorflow()
    import tensorflow as tf

    from common.distribution import replicas

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
    pictures: base.Pictures | None,
    build: Callable[[Config, int, int, int], "GAN"],
    team: "Replicas",
) -> Result:
    from common.callbacks import Ending, Interrupt
    from gan.callbacks.checkpoints import checkpoint_variables
    from gan.callbacks.health import Overfitting
    from gan.callbacks.scalars import ADDED_METRICS, EVALUATED, R_V

    compiled = _compiled(config, team)
    pictures = pictures or load.load(
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
    known = (*gan.scalars.names, *ADDED_METRICS, *evaluated, *([R_V] if everywhere else []))
    monitor = configuration.monitored(stop)
    if monitor not in known:
        raise InputError(f"--monitor {monitor}: expected one of {', '.join(known)}")

    if stop.evaluate_every and team.chief:
        from gan.metrics.reference import reference_statistics

        real = reference_statistics(
            pictures, stop.evaluate_features, stop.evaluate_count, 0, config.run.cache_dir
        )
    folder = config.run.resume
    if folder is None and team.chief:
        folder = runs.create(config.run.run_dir, Path(pictures.name).name)
    folder = Path(team.gather(str(folder))[0])
    checkpoints = Checkpoints(folder)
    state = {
        "elapsed": 0.0,
        "best": None,
        "patience": {"best": None, "waited": 0},
        "health": {"lasted": {}, "raised": [], "alarms": []},
    }
    if before and checkpoints.paths("last"):  # without, it was killed before its first: begin again
        arrays, state = checkpoints.load("last")
        assign(checkpoint_variables(gan), arrays)
    start = int(gan.images_seen.numpy())
    if len(set(team.gather(str(start)))) > 1:
        raise InputError(f"--resume {folder}: the workers find different checkpoints there")
    _refuse_finished(folder, plan, start, state["elapsed"])
    ending, metrics = Ending(), {}
    own = {"interrupt": Interrupt(ending), **everywhere}
    if team.chief:
        writer = _open_folder(config, folder, gan, pictures, about, team, before)
        if not checkpoints.paths("best"):
            state["best"] = None
        own = _callbacks(
            config, plan, gan, pictures, real, about, folder, writer, ending, own, state, metrics
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
            metrics=metrics,
        )
    return Result(folder, gan, ending.status, ending.reason, metrics, team.chief)


def _fit(gan, config, plan, pictures, start, team, ending, own, callbacks) -> None:
    """Trains until `own` callbacks, or `callbacks` in the chief, or Ctrl-C end it."""
    from common.callbacks import EndTogether

    def batches(replicas: Sequence[int]):
        updates = config.balance.discriminator_steps
        shares = [stream.share(plan.images_per_step, updates, r, team.count) for r in replicas]
        horizontal_flip, learnt = config.data.horizontal_flip, plan.learnt
        return stream.batches(
            pictures, plan.images_per_step, config.seed, start, horizontal_flip, shares, learnt
        )

    more = list(callbacks) if team.chief else []
    if team.cluster:
        more.append(EndTogether(team.gather, ending))
    try:
        with team.watch():
            gan.fit(
                team.distribute(batches),
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


def _agree(team: "Replicas", config: Config, pictures: base.Pictures) -> None:
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
