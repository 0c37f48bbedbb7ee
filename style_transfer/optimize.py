"""Paints a picture in the style of others, from coarse to fine.

python -m style_transfer.stylize                                      an embedded demonstration
python -m style_transfer.stylize --content photo.jpg --style painting.jpg --out result.png
python -m style_transfer.stylize --content photos/ --style painting.jpg --out results/
python -m style_transfer.stylize ... --shard 0/4                      a quarter of such a folder
"""

import math
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

from common import cli
from common import images as image_io
from common.distribution import devices
from style_transfer import config as configuration
from style_transfer.config import Config

if TYPE_CHECKING:
    import keras

    from common.callbacks import Ending
    from style_transfer.extractors import Extractor
from style_transfer.plan import QUICK_CONTENT, Level, choose_weights, plan
from style_transfer.prepare import Picture, _finish, _start, check_sizes, prepare

STEPS_PER_EXECUTION = 10  # iterations between two looks at the clock and at Ctrl-C


def paint(
    content: Picture,
    styles: Picture | Sequence[Picture],
    config: Config,
    callbacks: Sequence["keras.callbacks.Callback"] = (),
    extractor: "Extractor | None" = None,
    ending: "Ending | None" = None,
) -> tuple[np.ndarray, list[Level]]:
    """`stylize`, with how each stage went.

    Args:
        ending: by which a callback ends everything; what there is by then is
            returned at full size.
    """
    config = configuration.resolve(config)
    if isinstance(styles, Path | str | Image.Image | np.ndarray):
        styles = [styles]
    content = image_io.as_image(content, near=config.size)
    styles = [image_io.as_image(style) for style in styles]
    check_sizes(content, styles, config)
    cli.import_tensorflow()
    import tensorflow as tf

    from common.callbacks import Ending

    ending = ending or Ending()
    extractor = extractor or load_extractor(config)
    weights = choose_weights(config, extractor)
    stages = plan(config, content.size, extractor)
    picture, moments, levels, size = None, None, [], None
    for stage in stages:
        if stage.size != size:
            size = stage.size
            goal, references = prepare(content, styles, size, config)
            if picture is None:
                picture = _start(config, goal, references[0])
            else:
                picture = tf.image.resize(picture, goal.shape[:2], "bicubic").numpy()
        picture, moments, level = _paint_stage(
            np.clip(picture, 0.0, 1.0),
            stage,
            _objective(config, stage.extractor, weights, goal, references),
            sum(level.iterations for level in levels),
            config,
            moments,
            callbacks,
            ending,
        )
        levels.append(level)
        if ending.decided:
            break
    return _finish(picture, content, stages[-1].size, config), levels


def _paint_stage(
    picture, stage, objective, first_step, config, moments, callbacks, ending
) -> tuple[np.ndarray, tuple, Level]:
    """One `fit`: the averaged picture (H, W, 3), the optimizer's moments, and how it went."""
    import keras
    import tensorflow as tf

    from common.callbacks import Ending, StopOnNonFinite
    from common.fast.adam import Adam
    from style_transfer.guards import Anneal, KeepGood, StopAtTolerance
    from style_transfer.image_model import StyledPicture, carry, state
    from style_transfer.lbfgs import fit_lbfgs
    from style_transfer.refine import Correct

    started, local = time.perf_counter(), Ending()
    model = StyledPicture(picture[None], objective, first_step, stage.horizon)
    keep, losses = KeepGood(), {}
    own = [
        StopOnNonFinite(keep.step_back, local),
        keep,
        StopAtTolerance(config.optimization.tolerance, local),
        keras.callbacks.LambdaCallback(on_train_batch_end=lambda _, logs: losses.update(logs)),
        *callbacks,
    ]
    if objective.reference:
        own.append(Correct(objective.correct, config.optimization.correct))
    if config.optimization.optimizer == "lbfgs":
        fit_lbfgs(model, stage.iterations, own)
    else:
        execution = min(STEPS_PER_EXECUTION, stage.iterations)
        model.compile(
            Adam(stage.rates[0], beta_1=0.9, beta_2=0.99),
            steps_per_execution=execution,
            jit_compile=devices.resolve_compile(config.optimization.compile),
        )
        if moments is not None:
            carry(model.optimizer, *moments)
        model.fit(
            tf.data.Dataset.from_tensors(0.0).repeat(),
            steps_per_epoch=math.ceil(stage.iterations / execution) * execution,
            callbacks=[Anneal(*stage.rates, stage.iterations - execution), *own],
            shuffle=False,
            verbose=0,
        )
        moments = state(model.optimizer) if local.status != "diverged" else None
    told = local if local.decided else ending
    level = Level(
        size=stage.size,
        extractor=stage.extractor.name,
        iterations=model.steps_done,
        status=told.status,
        reason=told.reason,
        loss=float(losses["loss"]) if "loss" in losses else None,
        seconds=round(time.perf_counter() - started, 3),
    )
    return model.average.numpy()[0], moments, level


def _objective(config, extractor, weights, goal, references):
    import tensorflow as tf

    from style_transfer.objective import Objective

    look, search = config.appearance, config.optimization
    shares = look.style_weights or [1.0] * len(references)
    if extractor.reference:
        content = {layer: QUICK_CONTENT * weight for layer, weight in weights.content.items()}
        weights = replace(weights, content=content)
    # a line search wants one and the same objective; other statistics, true moments
    corrects = search.correct and search.optimizer == "adam" and look.statistic == "gram"
    return Objective(
        extractor,
        tf.constant(goal[None]),
        [(tf.constant(style[None]), w) for style, w in zip(references, shares, strict=True)],
        weights,
        look.statistic,
        look.content_distance,
        look.smoothness,
        extractor.reference if corrects else None,
    )


def load_extractor(config: Config) -> "Extractor":
    """The extractor that the configuration names, in its precision."""
    from style_transfer import extractors

    dtype = devices.resolve_precision(config.optimization.precision)
    return extractors.load(config.extractor, config.optimization.pooling, dtype)


def _divergence(level: Level) -> str:
    width, height = level.size
    return f"level {width}x{height}: {level.reason}; went on from its last good state"
