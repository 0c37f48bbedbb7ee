"""The callbacks of every training run, in the order in which Keras calls them."""

import math
from collections.abc import Sequence

import keras

from common import callbacks as guards
from common.checkpoints import Checkpoints, assign
from common.errors import InputError, printable
from common.summaries import SummaryWriter
from gan import config as configuration
from gan.callbacks import alarms, evaluation, health, projector, samples, scalars
from gan.callbacks.checkpoints import SaveCheckpoints, checkpoint_variables
from gan.callbacks.custom import CheckMonitored, observed
from gan.callbacks.refresh_memory import RefreshMemory
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


def late_metrics(config: Config) -> tuple[str, ...]:
    """Return the names of the metrics that are not measured in every tick."""
    return scalars.EVALUATION_METRICS if config.stop.evaluate_every else ()


def check_monitor(config: Config, gan: GAN, more: bool = False) -> None:
    """Check that the monitored metric will be in the logs.

    Args:
        config: The run's configuration.
        gan: The model, which knows the names of its metrics.
        more: Whether callbacks of the user may add metrics; then `CheckMonitored`
            checks again after the first tick.

    Raises:
        InputError: It will not.
    """
    known = [*gan.scalars.result(), *scalars.ADDED_METRICS, *late_metrics(config)]
    if configuration.has_auto(config.balance):
        known.append(scalars.R_V)
    monitor = configuration.monitored(config.stop)
    if monitor not in known and not more:
        raise InputError(
            f"--set stop.monitor={printable(monitor)}: expected one of {', '.join(known)}"
        )


def standard_callbacks(
    run: Run,
    gan: GAN,
    writer: SummaryWriter | None,
    ending: guards.Ending,
    metrics: dict[str, float],
    custom: Sequence[keras.callbacks.Callback] = (),
) -> Callbacks:
    """Create the callbacks of a run by name, in the order in which Keras calls them.

    First those that end a run, then those that add metrics to the logs, then
    the user's, which may add some as well, then those that use the metrics. The
    checkpoint is last, so that it contains what the others decided.

    Args:
        run: The run.
        gan: The model to train.
        writer: TensorBoard log; None in processes other than the chief, which
            only need the first callbacks.
        ending: Records which callback ended the run, and why.
        metrics: Receives the metrics of each tick.
        custom: Callbacks of the user.
    """
    everywhere = {
        "interrupt": guards.Interrupt(ending),
        **_memory(run, gan),
        **_overfitting(run, gan),
    }
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
        "alarm": alarms.Alarm(
            writer,
            alarms.action(run.config.balance, gan, checkpoints, ending),
            run.state["health"],
        ),
        **_custom(run, custom, ending),
        **_records(run, gan, writer),
        **_progress_stops(run, ending),
    }
    own["saver"] = SaveCheckpoints(
        checkpoints,
        configuration.monitored(run.config.stop),
        run.config.stop.monitor_mode,
        state=lambda: {
            "elapsed": own["budget"].elapsed,
            "learning_rate_factor": float(gan.rate_factor.variable.numpy()),
            "patience": own["patience"].state(),
            "health": own["alarm"].state(),
            "growth": list(gan.grown),
        },
        best=run.state["best"],
    )
    own["metrics"] = keras.callbacks.LambdaCallback(
        on_epoch_end=lambda epoch, logs: metrics.update(
            {name: x for name, x in scalars.numbers(logs).items() if math.isfinite(x)}
        )
    )
    return own


def _memory(run: Run, gan: GAN) -> Callbacks:
    if not gan.reconstruction:
        return {}
    images, labels = run.dataset.images, run.dataset.labels
    flip = run.config.data.horizontal_flip
    return {
        "memory": RefreshMemory(
            images, labels, run.train_index, run.config.seed, horizontal_flip=flip
        )
    }


def _overfitting(run: Run, gan: GAN) -> Callbacks:
    """In every process: the balance of each needs the overfitting estimate."""
    if run.held_out_index is None:
        return {}
    return {
        "overfitting": health.Overfitting(
            run.dataset, run.train_index, run.held_out_index, gan.latent_size, gan.prior
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
    latent = (gan.latent_size, run.config.seed, gan.prior)
    own = {
        "speed": scalars.Speed(),
        "quality": scalars.Quality(images, labels, *latent),
        "vitals": health.Vitals(images, labels, *latent),
    }
    if run.reference is not None:
        own["evaluate"] = evaluation.Evaluate(
            run.reference, run.config.stop.evaluate_every, *latent
        )
    return own


def _custom(
    run: Run, callbacks: Sequence[keras.callbacks.Callback], ending: guards.Ending
) -> Callbacks:
    if not callbacks:
        return {}
    late = late_metrics(run.config)
    own = {f"custom {n}": each for n, each in enumerate(observed(callbacks, late, ending))}
    monitor = configuration.monitored(run.config.stop)
    return {**own, "monitored": CheckMonitored(monitor, late)}


def _records(run: Run, gan: GAN, writer: SummaryWriter) -> Callbacks:
    return {
        "log": scalars.Log(run.folder, writer, run.config.run.histograms),
        "snapshots": samples.Snapshots(
            run.folder, writer, run.spec.classes, gan.latent_size, run.config.seed, gan.prior
        ),
        "projector": projector.Projector(
            run.folder, run.dataset, run.spec.classes, run.reference, gan.latent_size, gan.prior
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
