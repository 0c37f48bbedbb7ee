"""Paints a picture in the style of others, from coarse to fine.

python -m style_transfer.stylize                                      an embedded demonstration
python -m style_transfer.stylize --content photo.jpg --style painting.jpg --out result.png
python -m style_transfer.stylize --content photos/ --style painting.jpg --out results/
python -m style_transfer.stylize ... --shard 0/4                      a quarter of such a folder
"""

import sys
import warnings
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image
from tqdm import tqdm

from common import cli, runs
from common import images as image_io
from common.distribution import devices
from common.errors import InputError
from style_transfer import config as configuration
from style_transfer import demo, validation
from style_transfer.config import Config

if TYPE_CHECKING:
    import keras

    from style_transfer.extractors import Extractor
from style_transfer.optimize import _divergence, load_extractor, paint
from style_transfer.plan import Level, choose_weights, plan
from style_transfer.prepare import Picture, check_sizes

PROGRAM = "python -m style_transfer.stylize"

DEFAULT = Config()


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


# ---- the command line


def run(config: Config) -> Path:
    """Does what the command line asks for; where the result or, of a folder, the results are."""
    validation.check(config)
    config = configuration.resolve(config)
    styles, contents = _sources(config)
    several = config.content is not None and config.content.is_dir()
    waiting = [(content, out) for content, out in contents if not (out and out.exists())]
    if several and len(waiting) < len(contents):
        print(f"{len(contents) - len(waiting)} of {len(contents)} pictures are there already")
    if not several:
        waiting = contents  # asked for by name: made again
        check_sizes(image_io.as_image(contents[0][0]), styles, config)
    if not waiting:
        return config.output.out
    cli.import_tensorflow()
    from common.callbacks import Ending, Interrupt, Progress, TimeBudget
    from common.summaries import SummaryWriter, flatten
    from style_transfer.progress import Frames, Pyramid, Trace

    extractor = load_extractor(config)
    choose_weights(config, extractor)
    folder = runs.create(config.output.run_dir, "stylize")
    waiting = [(content, out or folder / "stylized.png") for content, out in waiting]
    fields = configuration.to_dict(config)
    precision = devices.resolve_precision(config.optimization.precision)
    runs.write_config(folder, fields, data={}, machine={"precision": precision})
    writer = SummaryWriter(folder)
    writer.hyperparameters(flatten(fields), folder.name)
    for number, style in enumerate(styles):
        writer.image(f"style/{number}", np.asarray(style.convert("RGB")), step=0)
    print(f"extractor {extractor.name}, {precision}; TensorBoard and metrics: {folder}")
    ending, reports = Ending(), []
    pyramid = Pyramid(len(waiting))
    budget = TimeBudget(config.optimization.max_minutes, ending)
    interrupt = Interrupt(ending)
    progress = Progress(pyramid.share, pyramid.iterations, pyramid.describe, [("loss", "loss")])
    with interrupt, progress:
        for content, out in waiting:
            try:
                picture = image_io.as_image(content, near=config.size)
                check_sizes(picture, styles, config)
            except InputError as error:
                if not several:
                    raise
                tqdm.write(f"skipped {content}: {error}", file=sys.stderr)
                continue
            name = f"{out.stem}/" if several else ""
            writer.image(f"{name}content", np.asarray(picture.convert("RGB")), step=0)
            stages = plan(config, picture.size, extractor)
            pyramid.begin([(each.size, each.iterations) for each in stages])
            frames = Frames(stages[-1].size)
            guards = [interrupt, budget, pyramid, progress, Trace(folder, writer, name)]
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
        style = image_io.as_image(demo.painting(seed=config.seed))
        return [style], [(demo.photograph(), config.output.out)]
    styles = [image_io.as_image(style) for style in config.style]
    contents = validation.contents(config)
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
