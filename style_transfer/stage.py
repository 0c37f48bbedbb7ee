"""One stage of the pyramid: `fit` at one size, with the guards against divergence."""

import math
import time
from collections.abc import Sequence

import keras
import tensorflow as tf

from common import fast
from common.callbacks import Ending, Interrupt, StopOnNonFinite, TimeBudget
from common.distribution import devices
from common.streams import without_autotune
from style_transfer.config import Config
from style_transfer.guards import Anneal, KeepLastGood, StopAtTolerance
from style_transfer.image_model import StyledImage, optimizer_state, resize_optimizer_state
from style_transfer.lbfgs import fit_lbfgs
from style_transfer.plan import Level, Stage
from style_transfer.refine import Correct, CorrectedObjective
from style_transfer.strength import ALONE, Dial, FollowDial, content_distance

ENDS = (Interrupt, TimeBudget)  # callbacks that may end everything while the dial measures
MEASURED = 240, 40  # iterations at most that measure the style alone, in the first stage and later
MEASURABLE = 256  # pixels of the longer side; larger stages take over what was measured


def fit_stage(
    model: StyledImage,
    stage: Stage,
    config: Config,
    callbacks: Sequence[keras.callbacks.Callback],
    ending: Ending,
    dial: Dial | None,
    *,
    state: tuple | None = None,
) -> tuple[Level, tuple | None]:
    """Optimize the image of one stage.

    Args:
        model: The image; it is changed in place.
        stage: Iterations and learning rates.
        config: Names the optimizer and its settings.
        callbacks: Of the caller.
        ending: Tells why everything ended.
        dial: Scales the content loss; it first measures the style alone. None: nothing does.
        state: Adam's state after the last stage, of any size.

    Returns:
        The report, and Adam's state (None after a divergence, or of L-BFGS).
    """
    started, local, losses = time.perf_counter(), Ending(), {}
    keep = KeepLastGood()
    callbacks = [
        StopOnNonFinite(keep.restore, local),
        keep,
        StopAtTolerance(config.optimization.tolerance, local, model.terms.content_scale),
        keras.callbacks.LambdaCallback(on_train_batch_end=lambda _, logs: losses.update(logs)),
        *callbacks,
    ]
    if dial:
        if dial.alone is None or max(dial.size) < max(stage.size) <= MEASURABLE:
            measure_alone(model, stage, config, dial, [c for c in callbacks if isinstance(c, ENDS)])
        callbacks.append(FollowDial(dial, model.terms.content_scale))
    if isinstance(model.terms, CorrectedObjective):
        callbacks.append(Correct(model.terms.correct, config.optimization.correct))
    if ending.decided:
        state = None  # while the style alone was measured
    elif config.optimization.optimizer == "lbfgs":
        fit_lbfgs(model, stage.iterations, callbacks)
        state = None
    else:
        fit_adam(model, stage, config, callbacks, state)
        state = None if local.status == "diverged" else optimizer_state(model.optimizer)
    reason = local if local.decided else ending
    level = Level(
        size=stage.size,
        extractor=stage.extractor.name,
        iterations=model.steps_done,
        status=reason.status,
        reason=reason.reason,
        loss=float(losses["loss"]) if "loss" in losses else None,
        seconds=round(time.perf_counter() - started, 3),
    )
    return level, state


def measure_alone(
    model: StyledImage,
    stage: Stage,
    config: Config,
    dial: Dial,
    ends: Sequence[keras.callbacks.Callback],
) -> None:
    """Let a dial measure the content distance of the style alone, and start the stage anew.

    Args:
        model: The image.
        stage: The first one, or a larger one.
        config: Names the optimizer's settings.
        dial: Takes the distance.
        ends: Callbacks that may end everything.
    """
    start, losses = model.image.numpy(), {}
    iterations = min(config.optimization.iterations, MEASURED[dial.alone is not None])
    model.image.assign(dial.image_at(start))
    model.terms.content_scale.assign(ALONE)
    note = keras.callbacks.LambdaCallback(on_train_batch_end=lambda _, logs: losses.update(logs))
    fit_adam(model, stage, config, [note, *ends], None, iterations=iterations)
    dial.take(stage.size, model.image.numpy(), content_distance(losses, ALONE))
    model.restart(start)


def fit_adam(
    model: StyledImage,
    stage: Stage,
    config: Config,
    callbacks: Sequence[keras.callbacks.Callback],
    state: tuple | None,
    *,
    iterations: int | None = None,
) -> None:
    """Run Adam through Keras's `fit`, continuing from the state of the last stage.

    Args:
        model: The image; it is changed in place.
        stage: Learning rates, and the iterations by default.
        config: Names how the step is compiled.
        callbacks: Of `fit`.
        state: Adam's state after the last stage, of any size, or None.
        iterations: Replaces those of the stage. They are rounded up to whole executions
            of the stage, as the step is compiled once.
    """
    execution = min(model.EXECUTION, stage.iterations)
    iterations = iterations or stage.iterations
    if not model.compiled:
        model.compile(
            fast.adam("fast")(stage.rates[0], beta_1=0.9, beta_2=0.99),
            xla=devices.resolve_compile(config.optimization.compile),
            steps_per_execution=execution,
        )
    model.optimizer.learning_rate = stage.rates[0]
    if state is not None:
        resize_optimizer_state(model.optimizer, *state)
    model.fit(
        without_autotune(tf.data.Dataset.from_tensors(0.0).repeat()),
        steps_per_epoch=math.ceil(iterations / execution) * execution,
        callbacks=[Anneal(*stage.rates, iterations - execution), *callbacks],
        shuffle=False,
        verbose=0,
    )
