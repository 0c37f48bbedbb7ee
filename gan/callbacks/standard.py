"""The callbacks of every training run, in the order in which Keras calls them."""

import math

import keras

from common import callbacks as guards
from common.checkpoints import Checkpoints, assign
from common.errors import InputError
from common.summaries import SummaryWriter
from gan import config as configuration
from gan.callbacks import alarms, evaluation, health, samples, scalars
from gan.callbacks.checkpoints import SaveCheckpoints, checkpoint_variables
from gan.config import Config
from gan.model import GAN
from gan.run_folder import Run

SHOWN = (  # next to the progress bar
    ("D", "loss/discriminator"),
    ("G", "loss/generator"),
    ("D(real)", "discriminator/real"),
    ("D(fake)", "discriminator/fake"),
)
Callbacks = dict[str, keras.callbacks.Callback]


def check_monitor(config: Config, gan: GAN) -> None:
    """Check that the monitored metric will be in the logs.

    Args:
        config: The run's configuration.
        gan: The model, which knows the names of its metrics.

    Raises:
        InputError: It will not.
    """
    known = [*gan.scalars.names, *scalars.ADDED_METRICS]
    if config.stop.evaluate_every:
        known += scalars.EVALUATED
    if configuration.has_auto(config.balance):
        known.append(scalars.R_V)
    monitor = configuration.monitored(config.stop)
    if monitor not in known:
        raise InputError(f"--set stop.monitor={monitor}: expected one of {', '.join(known)}")


def standard_callbacks(
    run: Run,
    gan: GAN,
    writer: SummaryWriter | None,
    ending: guards.Ending,
    metrics: dict[str, float],
) -> Callbacks:
    """Create the callbacks of a run by name, in the order in which Keras calls them.

    First those that end a run, then those that add metrics to the logs, then
    those that use the metrics. The checkpoint is last, so that it contains what
    the others decided.

    Args:
        run: The run.
        gan: The model to train.
        writer: TensorBoard log; None in processes other than the chief, which
            only need the first callbacks.
        ending: Records which callback ended the run, and why.
        metrics: Receives the metrics of each tick.
    """
    everywhere = {"interrupt": guards.Interrupt(ending), **_overfitting(run, gan)}
    if writer is None:
        return everywhere
    checkpoints = Checkpoints(run.folder)

    def step_back() -> None:
        assign(checkpoint_variables(gan), checkpoints.load("last")[0])

    own = {
        "finite": guards.StopOnNonFinite(step_back, ending),
        **everywhere,
        **_limits(run, gan, ending),
        **_measurements(run, gan),
        **_records(run, gan, writer, alarms.action(run.config.balance, gan, checkpoints, ending)),
        **_progress_stops(run, ending),
    }
    own["saver"] = SaveCheckpoints(
        checkpoints,
        configuration.monitored(run.config.stop),
        run.config.stop.monitor_mode,
        state=lambda: {
            "elapsed": own["budget"].elapsed,
            "patience": own["patience"].state(),
            "health": own["alarm"].state(),
        },
        best=run.state["best"],
    )
    own["metrics"] = keras.callbacks.LambdaCallback(
        on_epoch_end=lambda epoch, logs: metrics.update(
            {name: float(value) for name, value in logs.items() if math.isfinite(value)}
        )
    )
    return own


def _overfitting(run: Run, gan: GAN) -> Callbacks:
    """In every process: the balance of each needs the overfitting estimate."""
    if run.held_out_index is None:
        return {}
    return {
        "overfitting": health.Overfitting(
            run.dataset, run.train_index, run.held_out_index, gan.latent_size
        )
    }


def _limits(run: Run, gan: GAN, ending: guards.Ending) -> Callbacks:
    plan = run.plan

    def images_seen() -> int:
        return int(gan.images_seen.numpy())

    def share_done() -> float:
        by_time = budget.elapsed / (60 * plan.minutes) if plan.minutes else 0.0
        by_images = images_seen() / plan.target_images if plan.target_images else 0.0
        return max(by_time, by_images)

    budget = guards.TimeBudget(plan.minutes, ending, run.state["elapsed"])
    return {
        "budget": budget,
        "target images": guards.StopAfter(images_seen, plan.target_images or math.inf, ending),
        "progress": guards.Progress(share_done, images_seen, _pace, SHOWN),
    }


def _measurements(run: Run, gan: GAN) -> Callbacks:
    images, labels = run.dataset.images, run.dataset.labels
    size, seed = gan.latent_size, run.config.seed
    own = {
        "speed": scalars.Speed(),
        "quality": scalars.Quality(images, labels, size, seed),
        "vitals": health.Vitals(images, labels, size, seed),
    }
    if run.reference is not None:
        own["evaluate"] = evaluation.Evaluate(
            run.reference, run.config.stop.evaluate_every, size, seed
        )
    return own


def _records(run: Run, gan: GAN, writer: SummaryWriter, act: alarms.Action) -> Callbacks:
    return {
        "alarm": alarms.Alarm(writer, act, run.state["health"]),
        "log": scalars.Log(run.folder, writer, run.config.run.histograms),
        "snapshots": samples.Snapshots(
            run.folder, writer, run.spec.classes, gan.latent_size, run.config.seed
        ),
    }


def _progress_stops(run: Run, ending: guards.Ending) -> Callbacks:
    stop = run.config.stop
    monitor = configuration.monitored(stop)
    patience = guards.StopWithoutProgress(
        monitor, stop.patience or math.inf, stop.monitor_mode, ending
    )
    patience.restore(run.state["patience"])
    own = {"patience": patience}
    if stop.target is not None:
        own["target"] = guards.StopAtTarget(monitor, stop.target, stop.monitor_mode, ending)
    return own


def _pace(images: float, per_second: float) -> str:
    return f"{images / 1000:.0f} kimg {per_second:.0f} img/s"
