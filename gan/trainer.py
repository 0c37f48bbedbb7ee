"""Training of a GAN from a configuration: data, networks, fit."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from common.callbacks import Ending
from common.checkpoints import Checkpoints, assign
from common.distribution import cluster, devices, replicas
from common.distribution.replicas import Replicas
from common.errors import InputError, WorkerLostError
from common.fast import xla
from gan import config as configuration
from gan import (
    description,
    fitting,
    presets,
    resume,
    run_folder,
    stages,
    step_memory,
    stock,
    validation,
)
from gan.build import build_gan, compile_gan, set_precision_and_seed
from gan.callbacks.checkpoints import checkpoint_variables
from gan.callbacks.custom import check_callbacks
from gan.callbacks.standard import check_monitor, standard_callbacks
from gan.config import Config
from gan.data import load, stream
from gan.data.base import ImageDataset
from gan.metrics.reference import ReferenceStatistics, reference_statistics
from gan.model import GAN
from gan.networks import base as families
from gan.networks.base import ImageSpec
from gan.plan import make_plan
from gan.run_folder import Run

Build = Callable[[Config, ImageSpec], GAN]
Callbacks = Mapping[str, keras.callbacks.Callback]


@dataclass(frozen=True)
class Result:
    """The end of a run.

    Attributes:
        folder: The run's folder.
        gan: The trained model. After a divergence the last finite state, except
            in processes other than the chief.
        status: "finished", "target", "no progress", "stopped" (by a callback of the
            user), "interrupted", "collapsed" or "diverged".
        reason: One line.
        metrics: Metrics of the last tick; only in the chief.
        chief: Whether this process is the one that writes files and logs.
    """

    folder: Path
    gan: GAN
    status: str
    reason: str
    metrics: dict[str, float]
    chief: bool = True


def train(
    config: Config,
    callbacks: Sequence[keras.callbacks.Callback] = (),
    dataset: ImageDataset | None = None,
    build: Build = build_gan,
) -> Result:
    """Train or resume a run and write everything to its folder.

    Args:
        config: The run's configuration.
        callbacks: Keras callbacks, called in the chief after those that measure and
            before those that log, so that metrics which they add are logged. A
            Keras epoch is a tick of `config.run.tick_kimg` thousand images.
        dataset: Real images; by default `config.data.dataset` is loaded.
        build: Builds the networks and the GAN from the configuration and the
            images' specification; if it compiles the GAN, its optimizers are kept. A
            run with a function other than the default is only loaded or resumed with
            the same function.

    Returns:
        The trained model and how the run ended.

    Raises:
        InputError: The configuration, dataset, folder or a callback cannot be used.
        Exception: What a callback raised; summary.json says so.
        WorkerLostError: Another process was lost; the last checkpoint is intact.

    Example:
        >>> result = train(Config(stop=StopConfig(max_minutes=1)))
        >>> result.status, result.metrics["loss/generator"]
        ('finished', 1.43)
    """
    config = validation.resolve(config)
    if config.preset == configuration.AUTO:
        name = resume.preset_of(config) if config.run.resume else presets.choose(config, dataset)
        config = presets.fill(config, name)
    validation.check(config)
    saved = resume.read(config, own=build is not build_gan)
    if config.run.deterministic:
        tf.config.experimental.enable_op_determinism()
    found = cluster.find(config.run.strategy)
    team = replicas.make(config.run.strategy, found, config.batch_size)
    with team.watch():
        # Data
        dataset = dataset or _load(config, saved)
        spec = description.image_spec(dataset, config.data)
        run_folder.check_workers(team, config, dataset)
        plan = make_plan(config, len(dataset))
        train_index, held_out_index = _split(config, len(dataset))

        # Networks and GAN
        with team.scope():
            set_precision_and_seed(config)
            gan = build(config, spec)
            compile_gan(
                gan,
                config,
                steps_per_execution=plan.steps_per_execution,
                **xla.compile_options(_compiled(config, team)),
            )
        step_memory.check(gan, config, team)
        spec = _conditioned(config, spec, gan)
        if saved:
            _check_saved(config, saved, dataset, gan)
        check_callbacks(callbacks, gan)
        check_monitor(config, gan, more=bool(callbacks))
        reference = _reference(config, dataset) if team.chief else None

        # Run
        folder = run_folder.create(config, dataset, team)
        arrays, state = run_folder.restored_state(Checkpoints(folder))
        if arrays:
            assign(checkpoint_variables(gan), arrays, f"--resume {folder}: its checkpoint")
            gan.rate_factor.variable.assign(state.get("learning_rate_factor", 1.0))
            stages.restore(gan, state.get("growth", ()))
        run = Run(
            config=config,
            dataset=dataset,
            spec=spec,
            train_index=train_index,
            held_out_index=held_out_index,
            precision=resume.precision_of(config),
            plan=plan,
            replicas=team,
            folder=folder,
            start=int(gan.images_seen.numpy()),
            state=state,
            reference=reference,
        )
        _check_start(run)
        writer = None
        if team.chief:
            networks = description.describe_networks(
                config.networks.name if build is build_gan else None,
                gan.generator,
                gan.discriminator,
            )
            writer = run_folder.open_writer(run, gan, networks, resumed=saved is not None)

        # Fit
        ending, metrics = Ending(), {}
        own = standard_callbacks(run, gan, writer, ending, metrics, callbacks)
        try:
            fitting.fit(run, gan, ending, own)
        except WorkerLostError as lost:
            fitting.record_loss(run, lost)
        except Exception as error:
            fitting.record_failure(run, gan, own, metrics, error)
            raise
        if team.chief:
            fitting.summarize(run, gan, ending, own, metrics)
            stock.save_final(folder, gan, build)
        return Result(folder, gan, ending.status, ending.reason, metrics, team.chief)


def _load(config: Config, saved: dict[str, Any] | None) -> ImageDataset:
    """Load the dataset, for a resumed run in the size that it has trained with."""
    size = (saved["data"]["height"], saved["data"]["width"]) if saved else config.data.resolution
    return load.load(
        config.data.dataset,
        config.run.cache_dir,
        size,
        config.data.channels,
        supported=families.supported(config.networks.name),
    )


def _split(config: Config, count: int) -> tuple[np.ndarray | None, np.ndarray | None]:
    """Hold images out if a balance control measures overfitting on them."""
    if not configuration.has_auto(config.balance):
        return None, None
    return stream.train_held_out_split(count, config.seed)


def _compiled(config: Config, team: Replicas) -> bool:
    """Return whether XLA compiles the step: not with the exchange between replicas."""
    if config.run.compile == "on" and team.count > 1:
        raise InputError(
            f"--set run.compile=on: expected one replica, got {team.count}; leave it out"
        )
    return (
        devices.resolve_compile(config.run.compile)
        and team.count == 1
        and not config.run.deterministic
    )


def _conditioned(config: Config, spec: ImageSpec, gan: GAN) -> ImageSpec:
    """Leave the classes out if the networks ignore them."""
    if gan.conditional or not spec.classes:
        return spec
    if config.data.conditional == "on":
        raise InputError(
            f"--conditional on: the networks of --networks {config.networks.name} are unconditional"
        )
    return replace(spec, classes=0)


def _check_saved(config: Config, saved: dict[str, Any], dataset: ImageDataset, gan: GAN) -> None:
    resume.check_same_data(config, dataset, saved)
    description.check_fingerprint(
        saved["networks"]["fingerprint"],
        config.run.resume,
        "--resume",
        gan.generator,
        gan.discriminator,
    )


def _reference(config: Config, dataset: ImageDataset) -> ReferenceStatistics | None:
    stop = config.stop
    if not stop.evaluate_every:
        return None
    return reference_statistics(
        dataset, stop.evaluate_features, stop.evaluate_count, 0, config.run.cache_dir
    )


def _check_start(run: Run) -> None:
    if len(set(run.replicas.gather(str(run.start)))) > 1:
        raise InputError(f"--resume {run.folder}: the workers find different checkpoints there")
    resume.check_unfinished(run.folder, run.plan, run.start, run.state["elapsed"])
