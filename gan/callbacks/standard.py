"""Trains a DCGAN.

python -m gan.train                                 letters and digits, nothing to download
python -m gan.train --dataset mnist                 any image dataset of TensorFlow Datasets
python -m gan.train --dataset my_pictures/          a folder
"""

import math
from typing import TYPE_CHECKING

from gan import config as configuration

if TYPE_CHECKING:
    import keras

SHOWN = (  # beside the progress bar
    ("D", "loss/discriminator"),
    ("G", "loss/generator"),
    ("D(real)", "discriminator/real"),
    ("D(fake)", "discriminator/fake"),
)


def _callbacks(
    config, plan, gan, pictures, real, about, folder, writer, ending, everywhere, state, metrics
) -> dict[str, "keras.callbacks.Callback"]:
    """The run's own callbacks by name, in the order in which Keras calls them, `everywhere` too.

    First what ends a run, then what adds metrics to the logs, then what uses
    them; the checkpoint comes last, so that it holds what the others decided.
    """
    import keras

    from common import callbacks as guards
    from common.checkpoints import Checkpoints, assign
    from gan.callbacks import alarms, evaluation, health, samples, scalars
    from gan.callbacks.checkpoints import SaveCheckpoints, checkpoint_variables, go_back

    stop, checkpoints = config.stop, Checkpoints(folder)
    monitor = configuration.monitored(stop)

    def images_seen() -> int:
        return int(gan.images_seen.numpy())

    def share_done() -> float:
        by_time = budget.elapsed / (60 * plan.minutes) if plan.minutes else 0.0
        by_images = images_seen() / plan.target_images if plan.target_images else 0.0
        return max(by_time, by_images)

    def step_back() -> None:
        assign(checkpoint_variables(gan), checkpoints.load("last")[0])

    def remember(epoch, logs) -> None:
        metrics.update({k: float(v) for k, v in logs.items() if math.isfinite(v)})

    def act(symptom: str) -> str:
        on_alarm = config.balance.on_alarm
        if on_alarm == "stop":
            ending.stop(gan, "collapsed", symptom)
        if on_alarm in ("warn", "stop"):
            return ""
        gan.balance.enable()
        if on_alarm == "balance" or not checkpoints.paths("best"):
            return "the controls of --balance auto are on from now"
        go_back(gan, checkpoints.load("best")[0])
        return "went back to the best state; the controls of --balance auto are on from now"

    budget = guards.TimeBudget(plan.minutes, ending, state["elapsed"])
    patience = guards.StopWithoutProgress(
        monitor, stop.patience or math.inf, stop.monitor_mode, ending
    )
    patience.restore(state["patience"])
    alarm = alarms.Alarm(writer, act, state["health"])
    evaluated = {}
    if real is not None:
        evaluated["evaluate"] = evaluation.Evaluate(
            real, stop.evaluate_every, gan.latent_size, config.seed
        )
    own = {
        "finite": guards.StopOnNonFinite(step_back, ending),
        **everywhere,
        "budget": budget,
        "target images": guards.StopAfter(images_seen, plan.target_images or math.inf, ending),
        "progress": guards.Progress(share_done, images_seen, _pace, SHOWN),
        "speed": scalars.Speed(),
        "quality": scalars.Quality(pictures.images, pictures.labels, gan.latent_size, config.seed),
        "vitals": health.Vitals(pictures.images, pictures.labels, gan.latent_size, config.seed),
        **evaluated,
        "alarm": alarm,
        "log": scalars.Log(folder, writer, config.run.histograms),
        "snapshots": samples.Snapshots(
            folder, writer, about["classes"], gan.latent_size, config.seed
        ),
        "patience": patience,
        "saver": SaveCheckpoints(
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
        "metrics": keras.callbacks.LambdaCallback(on_epoch_end=remember),
    }
    if stop.target is not None:
        own["target"] = guards.StopAtTarget(monitor, stop.target, stop.monitor_mode, ending)
    return own


def _pace(images: float, per_second: float) -> str:
    return f"{images / 1000:.0f} kimg {per_second:.0f} img/s"
