"""Paints a picture in the style of others, from coarse to fine.

python -m style_transfer.stylize                                      an embedded demonstration
python -m style_transfer.stylize --content photo.jpg --style painting.jpg --out result.png
python -m style_transfer.stylize --content photos/ --style painting.jpg --out results/
python -m style_transfer.stylize ... --shard 0/4                      a quarter of such a folder
"""

import math
import sys
import time
import warnings
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from PIL import Image
from tqdm import tqdm

from common import cli, devices, image_io, runs
from common.files import InputError
from style_transfer import colors, demo
from style_transfer import config as configuration
from style_transfer.config import SMALLEST_SIDE, Config, parse_layers

if TYPE_CHECKING:
    import keras

    from common.callbacks import Ending
    from style_transfer.features import Extractor
    from style_transfer.objective import Weights

PROGRAM = "python -m style_transfer.stylize"
STEPS_PER_EXECUTION = 10  # iterations between two looks at the clock and at Ctrl-C
CONTENT_WEIGHT = 0.01  # at a strength of one half; the style terms' weights add up to 1
QUICK_CONTENT = 1.4  # times that through what has a truer reference: it overlooks part of the loss
CLASSICAL = ("relu1_1", "relu2_1", "relu3_1", "relu4_1", "relu5_1")  # Gatys et al. 2016
SHALLOW = ("relu1_1", "relu1_2", "relu2_1", "relu2_2", "relu3_1")  # where there is no relu5_1
CONTENT_LAYERS = ("relu4_2", "relu3_1")  # the first that there is

DEFAULT = Config()

Picture = Path | str | Image.Image | np.ndarray


class Stage(NamedTuple):
    """One part of the way from coarse to fine.

    Attributes:
        size: (width, height) in pixels.
        extractor: what the picture is seen through.
        rates: Adam's learning rate at the first and at the last iteration.
        horizon: iterations that the averaged picture reaches back.
    """

    size: tuple[int, int]
    iterations: int
    extractor: "Extractor"
    rates: tuple[float, float]
    horizon: float


@dataclass(frozen=True)
class Level:
    """How one stage went.

    Attributes:
        size: (width, height) in pixels.
        extractor: its name.
        status: "finished", "settled", "diverged", or why everything ended.
        loss: the last; None if there was none.
        seconds: tracing the graph included.
    """

    size: tuple[int, int]
    extractor: str
    iterations: int
    status: str
    reason: str
    loss: float | None
    seconds: float


def stylize(
    content: Picture,
    styles: Picture | Sequence[Picture],
    config: Config = DEFAULT,
    callbacks: Sequence["keras.callbacks.Callback"] = (),
    extractor: "Extractor | None" = None,
) -> np.ndarray:
    """The content in the style of the styles.

    Args:
        content: a file, a Pillow picture, or an array (H, W, 3 or 4), integers
            over their full range or floats in [0, 1].
        styles: one or several of the same.
        config: how; what it says of files is not looked at.
        callbacks: any Keras callbacks; every stage is one `fit` of a
            `StyledPicture`.
        extractor: one of your own, instead of `config.extractor`.

    Returns:
        float32 (H, W, 3) in [0, 1], or (H, W, 4) with the content's own
        transparency; the longer side is `config.size`.

    Raises:
        InputError: a picture, a size or an extractor that cannot be used.
    """
    picture, levels = paint(content, styles, config, callbacks, extractor)
    for level in levels:
        if level.status == "diverged":
            warnings.warn(_divergence(level), RuntimeWarning, stacklevel=2)
    return picture


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
    content = image_io.as_picture(content, near=config.size)
    styles = [image_io.as_picture(style) for style in styles]
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

    from common.adam import Adam
    from common.callbacks import Ending, StopOnNonFinite
    from style_transfer.callbacks import Anneal, Correct, KeepGood, StopWhenSettled
    from style_transfer.model import StyledPicture, carry, fit_lbfgs, state

    started, local = time.perf_counter(), Ending()
    model = StyledPicture(picture[None], objective, first_step, stage.horizon)
    keep, losses = KeepGood(), {}
    own = [
        StopOnNonFinite(keep.step_back, local),
        keep,
        StopWhenSettled(config.search.settled, local),
        keras.callbacks.LambdaCallback(on_train_batch_end=lambda _, logs: losses.update(logs)),
        *callbacks,
    ]
    if objective.reference:
        own.append(Correct(objective.correct, config.search.correct))
    if config.search.optimizer == "lbfgs":
        fit_lbfgs(model, stage.iterations, own)
    else:
        execution = min(STEPS_PER_EXECUTION, stage.iterations)
        model.compile(
            Adam(stage.rates[0], beta_1=0.9, beta_2=0.99),
            steps_per_execution=execution,
            jit_compile=devices.resolve_compile(config.search.compile),
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


def level_sizes(size: tuple[int, int], longest: int, smallest: int) -> list[tuple[int, int]]:
    """(width, height) of the levels, each larger by about sqrt 2, up to `longest` pixels."""
    count = max(0, math.floor(2.0 * math.log2(longest / smallest) + 1e-9))
    sides = [round(longest / math.sqrt(2.0) ** number) for number in range(count, -1, -1)]
    fitted = [image_io.fit_longer_side(size, side) for side in sides]
    return [each for each in fitted if min(each) >= SMALLEST_SIDE] or fitted[-1:]


def plan(config: Config, size: tuple[int, int], extractor: "Extractor") -> list[Stage]:
    """The way to a picture of a content of `size` (width, height).

    One stage for each level of the pyramid; the first has the composition to
    find, and gets twice the iterations. The last level's last iterations go
    through the extractor's reference, if it has one: what a cheap approximation
    left undone a true gradient makes good soon. Their steps are large first, to
    get there, and small in the end, when little is left to average out.
    """
    sizes = level_sizes(size, config.size, config.search.smallest)
    iterations, rate = config.search.iterations, config.search.learning_rate
    refining = round(config.search.refine * iterations)
    counts = [iterations] * len(sizes)
    counts[0] += iterations * (len(sizes) > 1)
    counts[-1] -= refining
    stages = [
        Stage(each, count, extractor, (rate, rate), horizon=50.0)
        for each, count in zip(sizes, counts, strict=True)
    ]
    truest = extractor.reference or extractor
    stages.append(Stage(sizes[-1], refining, truest, (2.5 * rate, 0.2 * rate), horizon=15.0))
    return [stage for stage in stages if stage.iterations]


def check_sizes(content: Image.Image, styles: Sequence[Image.Image], config: Config) -> None:
    """Raises InputError for pictures that have nothing to see at the size asked for."""
    for flag, picture in (("--content", content), *(("--style", style) for style in styles)):
        if min(picture.size) < SMALLEST_SIDE:
            raise InputError(
                f"{flag}: a picture of {picture.width}x{picture.height} pixels; "
                f"expected at least {SMALLEST_SIDE} a side"
            )
    width, height = image_io.fit_longer_side(content.size, config.size)
    if min(width, height) < SMALLEST_SIDE:
        raise InputError(
            f"--size {config.size}: would make {width}x{height} pixels of a content of "
            f"{content.width}x{content.height}; expected at least {SMALLEST_SIDE} a side"
        )


def prepare(
    content: Image.Image, styles: Sequence[Image.Image], size: tuple[int, int], config: Config
) -> tuple[np.ndarray, list[np.ndarray]]:
    """The content at `size` and the styles beside it, (H, W, 3) in [0, 1].

    Styles are scaled with the level, so that a stroke keeps its share of the
    picture, and never enlarged: there is no detail to gain.
    """
    goal = _over_white(image_io.resize(content, size))
    references = []
    for style in styles:
        longer = round(min(config.look.style_scale * max(size), max(style.size)))
        small = image_io.fit_longer_side(style.size, max(SMALLEST_SIDE, longer))
        references.append(_over_white(image_io.resize(style, small)))
    if config.look.colors == "content":
        goal = colors.luminance(goal)
        references = [colors.luminance_like(style, goal) for style in references]
    if config.look.colors == "matched":
        references = [colors.matched(style, goal) for style in references]
    return goal, references


def _over_white(picture: Image.Image) -> np.ndarray:
    return image_io.to_unit(np.asarray(image_io.to_mode(picture, 3)))


def _start(config: Config, goal: np.ndarray, style: np.ndarray) -> np.ndarray:
    """What the first level starts from, of the goal's shape."""
    if config.look.init == "noise":
        return np.random.default_rng(config.seed).random(goal.shape, np.float32)
    if config.look.init == "style":
        picture = image_io.as_picture(style)
        return image_io.to_unit(np.asarray(picture.resize(goal.shape[1::-1], image_io.RESAMPLING)))
    return goal


def _objective(config, extractor, weights, goal, references):
    import tensorflow as tf

    from style_transfer.objective import Objective

    look, search = config.look, config.search
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


def _finish(
    picture: np.ndarray, content: Image.Image, size: tuple[int, int], config: Config
) -> np.ndarray:
    """Full size, the content's colours if asked for, and its transparency."""
    if picture.shape[1::-1] != size:
        picture = image_io.to_unit(
            np.asarray(image_io.resize(image_io.as_picture(np.clip(picture, 0, 1)), size))
        )
    at_size = image_io.resize(content, size)
    if config.look.colors == "content":
        picture = colors.with_chroma_of(picture, _over_white(at_size))
    picture = np.clip(picture, 0.0, 1.0).astype(np.float32)
    if content.mode == "RGBA":
        alpha = image_io.to_unit(np.asarray(at_size)[..., 3:])
        picture = np.concatenate([picture, alpha], axis=2)
    return picture


def load_extractor(config: Config) -> "Extractor":
    """The extractor that the configuration names, in its precision."""
    from style_transfer import features

    dtype = devices.resolve_precision(config.search.precision)
    return features.load(config.extractor, config.search.pooling, dtype)


def choose_weights(config: Config, extractor: "Extractor") -> "Weights":
    """The layers asked for, or those usual for the extractor, with their weights.

    Raises:
        InputError: a layer that the extractor has not.
    """
    from style_transfer.objective import Weights

    look, layers = config.look, extractor.layers
    style = parse_layers("--style-layers", look.style_layers)
    if not style:
        usual = CLASSICAL if "relu5_1" in layers else SHALLOW
        style = {layer: 1.0 for layer in usual if layer in layers} or dict.fromkeys(layers, 1.0)
    content = parse_layers("--content-layers", look.content_layers)
    if not content:
        content = {next((layer for layer in CONTENT_LAYERS if layer in layers), layers[-1]): 1.0}
    for flag, chosen in (("--style-layers", style), ("--content-layers", content)):
        unknown = ", ".join(layer for layer in chosen if layer not in layers)
        if unknown:
            raise InputError(
                f"{flag}: {extractor.name} has no {unknown}; it has {', '.join(layers)}"
            )
    if not any(style.values()):
        raise InputError("--style-layers: expected at least one weight above 0")
    share = max(look.strength, 0.01)
    scale = CONTENT_WEIGHT * ((1.0 - share) / share) ** 2 / max(sum(content.values()), 1e-12)
    return Weights(
        style={layer: weight for layer, weight in style.items() if weight},
        content={layer: scale * weight for layer, weight in content.items() if scale * weight},
        total_variation=look.total_variation,
    )


def _divergence(level: Level) -> str:
    width, height = level.size
    return f"level {width}x{height}: {level.reason}; went on from its last good state"


# ---- the command line


def run(config: Config) -> Path:
    """Does what the command line asks for; where the result or, of a folder, the results are."""
    configuration.check(config)
    config = configuration.resolve(config)
    styles, contents = _sources(config)
    several = config.content is not None and config.content.is_dir()
    waiting = [(content, out) for content, out in contents if not (out and out.exists())]
    if several and len(waiting) < len(contents):
        print(f"{len(contents) - len(waiting)} of {len(contents)} pictures are there already")
    if not several:
        waiting = contents  # asked for by name: made again
        check_sizes(image_io.as_picture(contents[0][0]), styles, config)
    if not waiting:
        return config.output.out
    cli.import_tensorflow()
    from common.callbacks import Ending, Interrupt, Progress, TimeBudget
    from common.summaries import Events, flatten
    from style_transfer.callbacks import Frames, Pyramid, Trace

    extractor = load_extractor(config)
    choose_weights(config, extractor)
    folder = runs.create(config.output.run_dir, "stylize")
    waiting = [(content, out or folder / "stylized.png") for content, out in waiting]
    fields = configuration.to_dict(config)
    precision = devices.resolve_precision(config.search.precision)
    runs.write_config(folder, fields, data={}, machine={"precision": precision})
    events = Events(folder)
    events.hyperparameters(flatten(fields), folder.name)
    for number, style in enumerate(styles):
        events.picture(f"style/{number}", np.asarray(style.convert("RGB")), step=0)
    print(f"extractor {extractor.name}, {precision}; TensorBoard and figures: {folder}")
    ending, reports = Ending(), []
    pyramid = Pyramid(len(waiting))
    budget = TimeBudget(config.search.max_minutes, ending)
    interrupt = Interrupt(ending)
    progress = Progress(pyramid.share, pyramid.iterations, pyramid.describe, [("loss", "loss")])
    with interrupt, progress:
        for content, out in waiting:
            try:
                picture = image_io.as_picture(content, near=config.size)
                check_sizes(picture, styles, config)
            except InputError as error:
                if not several:
                    raise
                tqdm.write(f"skipped {content}: {error}", file=sys.stderr)
                continue
            name = f"{out.stem}/" if several else ""
            events.picture(f"{name}content", np.asarray(picture.convert("RGB")), step=0)
            stages = plan(config, picture.size, extractor)
            pyramid.begin([(each.size, each.iterations) for each in stages])
            frames = Frames(stages[-1].size)
            guards = [interrupt, budget, pyramid, progress, Trace(folder, events, name)]
            if config.output.animation:
                guards.append(frames)
            result, levels = paint(picture, styles, config, guards, extractor, ending)
            if ending.decided and several:
                break  # a folder's unfinished picture is made anew next time
            image_io.write_image(out, image_io.from_unit(result, config.output.bits))
            if config.output.animation and frames.frames:
                image_io.write_animation(config.output.animation, frames.frames)
            reports.append({"content": str(content), "out": str(out), **_report(levels)})
            for level in levels:
                if level.status == "diverged":
                    tqdm.write(f"warning: {_divergence(level)}", file=sys.stderr)
    runs.update_summary(folder, status=ending.status, reason=ending.reason, pictures=reports)
    if ending.decided:
        print(f"{ending.status}: {ending.reason}")
    done = Path(reports[-1]["out"] if reports and not several else config.output.out)
    finished = len(contents) - len(waiting) + len(reports)
    _say_where(done, folder, f"{finished} of {len(contents)} pictures" if several else "picture")
    return done


def _sources(config: Config) -> tuple[list[Image.Image], list[tuple[Picture, Path | None]]]:
    """The styles, and every content with the name of its result, None for the run's folder."""
    if config.content is None:
        style = image_io.as_picture(demo.painting(seed=config.seed))
        return [style], [(demo.photograph(), config.output.out)]
    styles = [image_io.as_picture(style) for style in config.style]
    contents = configuration.contents(config)
    if not config.content.is_dir():
        return styles, [(contents[0], config.output.out)]
    folder = config.output.out
    return styles, [(path, folder / f"{path.stem}.png") for path in contents]


def _report(levels: Sequence[Level]) -> dict[str, object]:
    return {
        "seconds": round(sum(level.seconds for level in levels), 2),
        "levels": [asdict(level) for level in levels],
    }


def _say_where(result: Path, folder: Path, what: str) -> None:
    python = cli.python_to_type()
    print(
        f"{what}: {result}\nsee how it came about: {python} -m tensorboard.main --logdir {folder}"
    )


def main() -> int:
    config = cli.parse(Config, PROGRAM, None)
    run(config)
    return 0


if __name__ == "__main__":
    cli.run(main)
