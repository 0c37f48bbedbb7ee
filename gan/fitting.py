"""The training loop of a run, and the record of its end."""

import contextlib
import itertools
import sys
from collections.abc import Mapping, Sequence
from typing import Any, NoReturn

import keras
import tensorflow as tf

from common import runs
from common.callbacks import Ending, EndTogether
from common.errors import WorkerLostError
from gan import config as configuration
from gan.callbacks.custom import ShareLearningRate
from gan.callbacks.growth import AcrossStages
from gan.data import stream
from gan.data.base import ImageDataset
from gan.model import GAN
from gan.run_folder import Run

Callbacks = Mapping[str, keras.callbacks.Callback]


def fit(
    run: Run,
    gan: GAN,
    ending: Ending,
    own: Callbacks,
) -> None:
    """Train until a callback, an exception or Ctrl-C ends the run.

    Args:
        run: The run.
        gan: Compiled.
        ending: Records how the run ended.
        own: Callbacks by name, those of the user included.
    """
    more = []
    if run.replicas.cluster:
        gather = run.replicas.gather
        more = [ShareLearningRate(gather), EndTogether(gather, ending)]
    callbacks = [*own.values(), *more]
    grows = len(gan.stages) > 1
    if grows:
        done = own["progress"].share_done
        callbacks = AcrossStages(callbacks, gan, done, epochs=sys.maxsize, verbose=0)
    try:
        with run.replicas.watch():
            _fit_stage(run, gan, callbacks)
            while grows and callbacks.growing:
                _fit_stage(run, gan, callbacks)
    finally:
        for name in ("interrupt", "progress"):
            if name in own:
                own[name].on_train_end()


def _fit_stage(run: Run, gan: GAN, callbacks: Any) -> None:
    """Call `fit` with images of the current stage's size, averaged before they are streamed."""
    start = int(gan.images_seen.numpy())
    grows = len(gan.stages) > 1
    dataset = stream.shrink(run.dataset, gan.current.side) if grows else run.dataset
    gan.fit(
        run.replicas.distribute(lambda numbers: _batches(run, dataset, start, numbers)),
        steps_per_epoch=run.plan.steps_per_tick,
        initial_epoch=round(start / run.plan.images_per_tick),
        epochs=sys.maxsize,  # a callback ends the run
        callbacks=callbacks,
        shuffle=False,  # the stream is shuffled
        verbose=0,
    )


def _batches(
    run: Run, dataset: ImageDataset, start: int, numbers: Sequence[int]
) -> tf.data.Dataset:
    """Return the shares of every batch that the replicas with these numbers train on."""
    size, updates = run.plan.images_per_step, run.config.balance.discriminator_steps
    batches = stream.batches(
        dataset,
        size,
        run.config.seed,
        start=start,
        horizontal_flip=run.config.data.horizontal_flip,
        shares=[stream.share(size, updates, number, run.replicas.count) for number in numbers],
        among=run.train_index,
    )
    endless = batches.as_numpy_iterator
    batches.as_numpy_iterator = lambda: itertools.islice(endless(), 1)  # MLflow's autolog reads all
    return batches


def record_loss(run: Run, lost: WorkerLostError) -> NoReturn:
    """Write to summary.json that another worker is lost, and say how to continue."""
    if run.replicas.chief:
        runs.update_summary(run.folder, status="worker lost", reason=str(lost))
    raise WorkerLostError(
        f"{lost}\nstart all workers again with --resume {run.folder}: its last checkpoint is intact"
    ) from None


def record_failure(
    run: Run, gan: GAN, own: Callbacks, metrics: dict[str, float], error: Exception
) -> None:
    """Write to summary.json that an exception, such as one of a callback, has ended the run."""
    if not run.replicas.chief:
        return
    failed = Ending()
    failed.status = "failed"
    failed.reason = " ".join(f"{type(error).__name__}: {error}".split())[:500]
    with contextlib.suppress(OSError):  # a full disk may be the reason
        summarize(run, gan, failed, own, metrics)


def summarize(
    run: Run, gan: GAN, ending: Ending, own: Callbacks, metrics: dict[str, float]
) -> None:
    """Write to summary.json how the run ended."""
    runs.update_summary(
        run.folder,
        status=ending.status,
        reason=ending.reason,
        images=int(gan.images_seen.numpy()),
        minutes=round(own["budget"].elapsed / 60, 3),
        best={configuration.monitored(run.config.stop): own["saver"].best},
        alarms=own["alarm"].raised,
        metrics=metrics,
        **({"growth": list(gan.grown)} if gan.grown else {}),
    )
