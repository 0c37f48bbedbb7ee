"""Training of a network from a configuration: contents, objective, fit."""

import contextlib
import math
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf

from common import callbacks as guards
from common import runs
from common.checkpoints import Checkpoints, assign
from common.distribution import devices
from common.errors import InputError
from common.files import remove_temporaries
from common.summaries import SummaryWriter
from style_transfer.feedforward import config as configuration
from style_transfer.feedforward import contents, crops, monitor, saved, validation
from style_transfer.feedforward.build import (
    EXECUTION,
    build_objective,
    build_painter,
    style_targets,
)
from style_transfer.feedforward.config import Config
from style_transfer.feedforward.network import STRIDE
from style_transfer.feedforward.painter import Painter
from style_transfer.feedforward.palettes import StylePalette
from style_transfer.feedforward.saved import Saved
from style_transfer.prepare import palette_share, read_styles
from style_transfer.progress import comparable

METRICS = [("loss", "loss"), ("style", "style"), ("content", "content")]
Callbacks = dict[str, keras.callbacks.Callback]


@dataclass(frozen=True)
class Result:
    """The end of a run.

    Attributes:
        folder: The run's folder.
        painter: The trained model.
        status: "finished", "interrupted", "diverged", or what a callback has set.
        reason: One line.
        steps: Training steps of the whole run.
    """

    folder: Path
    painter: Painter
    status: str
    reason: str
    steps: int


@dataclass(frozen=True)
class Run:
    """What is resolved once, before the first step.

    Attributes:
        config: The run's configuration.
        folder: Where everything is written.
        styles: Names of the network's styles, those of `add_style` first.
        targets: Images of the styles to train, uint8 (h, w, 3).
        target_palettes: Those of the targets.
        photos: Contents, uint8 (H, W, 3).
        precision: "float32" or "bfloat16".
        data: What config.json says about styles and photos.
        input_palettes: Those of all styles of the network, to which photos are moved before it
            gets them; empty if it continues or extends one that was trained without.
    """

    config: Config
    folder: Path
    styles: Sequence[str]
    targets: Sequence[np.ndarray]
    target_palettes: Sequence[StylePalette]
    photos: Sequence[np.ndarray]
    precision: str
    data: dict[str, object]
    input_palettes: Sequence[StylePalette]


def train(config: Config, callbacks: Sequence[keras.callbacks.Callback] = ()) -> Result:
    """Train, resume or extend a network and write everything to the folder of a run.

    Args:
        config: The run's configuration.
        callbacks: Keras callbacks; an epoch is a tick of `config.training.tick_images` crops.

    Raises:
        InputError: The configuration, an image or the folder cannot be used.

    Example:
        >>> result = train(Config(style=(Path("painting.jpg"),), max_minutes=2))
        >>> result.status
        'finished'
    """
    validation.check(config)
    config = configuration.resolved(config)
    precision = devices.resolve_precision(config.training.precision)
    base = saved.read(config.add_style, "--add-style") if validation.needs_base(config) else None
    targets = style_targets(read_styles(config.style, configuration.as_stylization(config)), config)
    objective = build_objective(config, targets, precision)  # before contents, which take longer
    photos = contents.read(config.photos, config.size, config.seed)
    names = _names(config, base)
    share = palette_share(config.strength)
    palettes = [StylePalette.of(target, share) for target in targets]
    input_palettes = _input_palettes(config, base, palettes)
    data = {
        "styles": list(names),
        "palettes": [palette.state() for palette in input_palettes],
        "photos": len(photos),
        "fingerprint": contents.fingerprint([*targets, *photos]),
    }
    _check_same_data(config, data)
    painter = build_painter(config, objective, precision, len(names) - len(targets), base)
    folder = config.resume or runs.create(config.run_dir, "style")
    run = Run(config, folder, names, targets, palettes, photos, precision, data, input_palettes)
    elapsed = _restore(run, painter)
    _check_unfinished(run, painter, elapsed)
    writer = _open(run, painter)
    ending = guards.Ending()
    own = _callbacks(run, painter, writer, ending, elapsed, callbacks)
    _fit(run, painter, own)
    images = int(painter.images_seen.numpy())
    runs.update_summary(
        folder,
        status=ending.status,
        reason=ending.reason,
        images=images,
        minutes=round(own["budget"].elapsed / 60, 3),
        metrics=own["log"].latest,
    )
    steps = images // config.training.batch_size
    return Result(folder, painter, ending.status, ending.reason, steps)


def _names(config: Config, base: Saved | None) -> Sequence[str]:
    """Name all styles of the network, those of the extended run first."""
    if config.resume is not None:
        return saved.read(config.resume, "--resume").styles
    return [*(base.styles if base else ()), *(path.name for path in config.style)]


def _input_palettes(
    config: Config, base: Saved | None, targets: Sequence[StylePalette]
) -> Sequence[StylePalette]:
    """List the palettes of all styles of the network, those of the extended run first."""
    if config.resume is not None:
        return saved.read(config.resume, "--resume").palettes
    if base is None:
        return targets
    return [*base.palettes, *targets] if base.palettes else []


def _check_same_data(config: Config, data: dict[str, object]) -> None:
    if config.resume is None:
        return
    before = saved.read(config.resume, "--resume").about["data"]
    if before.get("fingerprint") != data["fingerprint"]:
        raise InputError(
            f"--resume {config.resume}: the photos or the styles have changed since the run began\n"
            "restore them, or start a new run"
        )


def _restore(run: Run, painter: Painter) -> float:
    """Restore the last checkpoint of a resumed run; return its seconds of training."""
    remove_temporaries(run.folder)  # of a process that was killed
    checkpoints = Checkpoints(run.folder)
    if run.config.resume is None or not checkpoints.paths("last"):
        return 0.0
    arrays, state = checkpoints.load("last")
    assign(painter.state_variables(), arrays, f"--resume {run.folder}: its checkpoint")
    return float(state["elapsed"])


def _check_unfinished(run: Run, painter: Painter, elapsed: float) -> None:
    steps = int(painter.images_seen.numpy()) // run.config.training.batch_size
    minutes = configuration.minutes(run.config)
    if run.config.steps and steps >= run.config.steps:
        had = f"{run.config.steps} steps"
    elif minutes and elapsed >= 60 * minutes:
        had = f"{minutes:g} minutes"
    else:
        return
    raise InputError(
        f"--resume {run.folder}: the run has had its {had}\n"
        "ask for more with --steps or --max-minutes"
    )


def _open(run: Run, painter: Painter) -> SummaryWriter:
    """Write what describes the run, print it, and open its TensorBoard log."""
    resumed, fields = run.config.resume is not None, configuration.to_dict(run.config)
    if resumed:
        runs.rewind_metrics(run.folder, int(painter.images_seen.numpy()))
    versions = {"tensorflow": tf.__version__, "keras": keras.__version__}
    machine = {"precision": run.precision, "versions": versions}
    runs.write_config(run.folder, fields, data=run.data, machine=machine)
    trained = sum(math.prod(variable.shape) for variable in painter.trained)
    print(
        f"{len(run.styles)} styles, {len(run.photos)} contents | network of "
        f"{painter.network.count_params():,} weights, {trained:,} trained, {run.precision}\n"
        f"run folder: {run.folder} (Ctrl-C saves the run and ends it)"
    )
    writer = SummaryWriter(run.folder)
    if not resumed:
        kept = {name: value for name, value in fields.items() if name not in ("run_dir", "resume")}
        writer.hyperparameters(comparable(kept), run.folder.name, "train-style")
        first = len(run.styles) - len(run.targets)
        for number, target in enumerate(run.targets, start=first):
            writer.image(f"styles/style_{number}", target, step=0)
    return writer


def _callbacks(
    run: Run,
    painter: Painter,
    writer: SummaryWriter,
    ending: guards.Ending,
    elapsed: float,
    custom: Sequence[keras.callbacks.Callback],
) -> Callbacks:
    """Create the callbacks of a run in the order in which Keras calls them."""
    config, checkpoints = run.config, Checkpoints(run.folder)
    minutes, batch = configuration.minutes(config), config.training.batch_size
    target = config.steps * batch if config.steps else math.inf
    budget = guards.TimeBudget(minutes, ending, elapsed)

    def images() -> int:
        return int(painter.images_seen.numpy())

    def share_done() -> float:
        return max(budget.elapsed / (60 * minutes) if minutes else 0.0, images() / target)

    def step_back() -> None:
        assign(painter.state_variables(), checkpoints.load("last")[0])

    def describe(seen: float, per_second: float) -> str:
        return f"{seen / batch:.0f} steps {per_second:.0f} crops/s"

    return {
        "finite": guards.StopOnNonFinite(step_back, ending),
        "interrupt": guards.Interrupt(ending),
        "budget": budget,
        "target": guards.StopAfter(images, target, ending),
        "progress": guards.Progress(share_done, images, describe, METRICS),
        "speed": monitor.Speed(lambda: budget.elapsed),
        **{f"custom {number}": callback for number, callback in enumerate(custom)},
        "log": monitor.Log(run.folder, writer),
        "samples": monitor.Samples(run.folder, writer, run.photos, run.input_palettes),
        "save": monitor.Save(checkpoints, lambda: {"elapsed": budget.elapsed}),
    }


def _fit(run: Run, painter: Painter, own: Callbacks) -> None:
    """Train until a callback, an exception or Ctrl-C ends the run."""
    training = run.config.training
    executions = max(1, round(training.tick_images / (training.batch_size * EXECUTION)))
    stream = crops.batches(
        run.photos,
        len(run.targets),
        training.batch_size,
        configuration.crop_side(run.config) + STRIDE,
        run.config.size,
        run.config.seed,
        recolor=crops.palette_maps(run.photos, run.target_palettes),
        recolor_crops=bool(run.input_palettes),
        start=int(painter.images_seen.numpy()) // training.batch_size,
        end=run.config.steps or crops.ENDLESS,  # the last execution has the steps that are left
    )
    try:
        painter.fit(
            stream,
            steps_per_epoch=executions * EXECUTION,
            epochs=sys.maxsize,  # a callback ends the run
            callbacks=list(own.values()),
            shuffle=False,
            verbose=0,
        )
    except Exception as error:
        reason = " ".join(f"{type(error).__name__}: {error}".split())[:500]
        with contextlib.suppress(OSError):  # a full disk may be the reason
            runs.update_summary(run.folder, status="failed", reason=reason)
        raise
    finally:
        for name in ("interrupt", "progress"):
            own[name].on_train_end()
