"""Stylize one image or a folder of images, and record the run."""

import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import NamedTuple

import keras
import numpy as np
from PIL import Image
from tqdm import tqdm

from common import child_process, runs
from common import images as image_io
from common.callbacks import Ending, Interrupt, Progress, TimeBudget
from common.distribution import devices
from common.errors import InputError
from common.summaries import SummaryWriter
from style_transfer import mask_files, user_callbacks
from style_transfer.config import Config
from style_transfer.extractors import Extractor
from style_transfer.masks import Masks, check_places
from style_transfer.masks import read as read_masks
from style_transfer.optimize import load_extractor, paint, plan_stages
from style_transfer.outcome import RESULT, Job, Outcome, skip
from style_transfer.plan import Level, choose_weights, divergence
from style_transfer.prepare import Source, check_size, style_size
from style_transfer.progress import Frames, Pyramid, Trace, describe_run
from style_transfer.regions import layer_strides
from style_transfer.tile_layout import cost

TOGETHER = 10  # images of one process


class Task(NamedTuple):
    """What all images of a run have in common.

    Attributes:
        folder: The run folder.
        styles: The style images.
        config: Checked and resolved.
        several: The images are a folder's: one that cannot be used is skipped.
        images: Their number.
    """

    folder: Path
    styles: Sequence[Image.Image]
    config: Config
    several: bool
    images: int


class Part(NamedTuple):
    """What was done with some images of a run.

    Attributes:
        reports: One for each image written.
        skipped: {content image: why it cannot be used}.
        status: Why it ended, as of `Ending`.
        reason: As of `Ending`.
        decided: Whether the whole run ends.
        elapsed: Seconds of optimization of the run so far.
    """

    reports: Sequence[dict] = ()
    skipped: Mapping[str, str] = {}
    status: str = Ending().status
    reason: str = Ending().reason
    decided: bool = False
    elapsed: float = 0.0


def stylize_all(
    jobs: Sequence[Job],
    styles: Sequence[Image.Image],
    config: Config,
    *,
    several: bool,
) -> Outcome:
    """Stylize images, write the results and record the run in a new folder.

    Args:
        jobs: Content images, each with its result; None is `RESULT` in the run
            folder.
        styles: The style images.
        config: Checked and resolved.
        several: The jobs are a folder: one that fails is skipped, and one that is
            interrupted is left for the next run.

    Raises:
        InputError: The extractor does not fit, or, unless `several`, the image
            cannot be used.
    """
    extractor = load_extractor(config)
    choose_weights(config, extractor)  # an unknown layer ends here, before a folder is made
    if not several:
        _masks_of(jobs[0][0], styles, config, extractor)
    folder = runs.create(config.output.run_dir, "stylize")
    precision = devices.resolve_precision(config.optimization.precision)
    writer = describe_run(folder, styles, config, precision)
    print(f"extractor {extractor.name}, {precision}; TensorBoard and metrics: {folder}")
    task = Task(folder, styles, config, several, len(jobs))
    if len(jobs) <= TOGETHER:
        part = stylize_part(jobs, task, extractor=extractor, writer=writer)
    else:
        part = _in_processes(jobs, task)
    found = {"images": part.reports, "skipped": part.skipped}
    runs.update_summary(folder, status=part.status, reason=part.reason, **found)
    if part.decided:
        print(f"{part.status}: {part.reason}")
    return Outcome(folder, part.reports, part.skipped)


def _in_processes(jobs: Sequence[Job], task: Task) -> Part:
    """Stylize a few images in one process after the other, whose ends free their memory.

    TensorFlow keeps some megabytes of every graph and image size for good.
    """
    whole = Part()
    for first in range(0, len(jobs), TOGETHER):
        part = child_process.call(
            stylize_part, jobs[first : first + TOGETHER], task, first, whole.elapsed
        )
        whole = part._replace(
            reports=[*whole.reports, *part.reports], skipped={**whole.skipped, **part.skipped}
        )
        if whole.decided:
            break
    return whole


def stylize_part(
    jobs: Sequence[Job],
    task: Task,
    first: int = 0,
    elapsed: float = 0.0,
    *,
    extractor: Extractor | None = None,
    writer: SummaryWriter | None = None,
) -> Part:
    """Stylize some of the images of a run and write the results.

    Args:
        jobs: Content images, each with its result.
        task: What all images have in common.
        first: The number of images before these.
        elapsed: Seconds that those have taken, which count for the time limit.
        extractor: Of the configuration; loaded by default.
        writer: Of the run folder; opened by default.

    Raises:
        InputError: Unless the task has several images, this one cannot be used.
    """
    folder, styles, config, several, images = task
    extractor, writer = extractor or load_extractor(config), writer or SummaryWriter(folder)
    ending, reports, skipped = Ending(), [], {}
    pyramid = Pyramid(images, first)
    budget = TimeBudget(config.optimization.max_minutes, ending, elapsed)
    interrupt = Interrupt(ending)
    progress = Progress(pyramid.share, pyramid.iterations, pyramid.describe, [("loss", "loss")])
    with interrupt, progress:
        for content, out in jobs:
            out = out or folder / RESULT
            try:
                image = image_io.as_image(content, near=config.size)
                check_size(image, config)
                masks = _masks_of(content, styles, config, extractor)
            except InputError as error:
                if not several:
                    raise
                skip(content, error, skipped)
                continue
            name = f"{out.stem}/" if several else ""
            writer.image(f"stylized_from/{name}content", np.asarray(image), step=0)
            stages = plan_stages(config, image.size, extractor)
            side = config.optimization.tile
            pyramid.begin(
                [(each.size, each.iterations, cost(each.size, each.extractor, side))
                 for each in stages]
            )  # fmt: skip
            frames = Frames(stages[-1].size)
            callbacks = [interrupt, budget, pyramid, progress, Trace(folder, writer, name)]
            if config.output.animation:
                callbacks.append(frames)
            result, levels = paint(image, styles, config, callbacks, extractor, ending, masks=masks)
            if ending.decided and several:
                break
            image_io.write_image(out, image_io.from_unit(result, config.output.bits))
            if config.output.animation and frames.frames:
                image_io.write_animation(config.output.animation, frames.frames)
            reports.append({"content": str(content), "out": str(out), **_report(levels)})
            for level in levels:
                if level.status == "diverged":
                    tqdm.write(f"warning: {divergence(level)}", file=sys.stderr)
    return Part(reports, skipped, ending.status, ending.reason, ending.decided, budget.elapsed)


def stylize_one(
    content: Image.Image,
    styles: Sequence[Image.Image],
    config: Config,
    callbacks: Sequence[keras.callbacks.Callback],
    extractor: Extractor | None,
    *,
    masks: Masks | None = None,
) -> tuple[np.ndarray, list[str]]:
    """Stylize one image without a run folder; see `style_transfer.stylize.stylize`.

    Returns:
        float32 (H, W, 3 or 4) in [0, 1], and a warning for each stage that diverged,
        and one if a callback ended the stylization before its last stage.
    """
    user_callbacks.check(callbacks, config.optimization.optimizer)
    extractor = extractor or load_extractor(config)
    stages, ending = plan_stages(config, content.size, extractor), Ending()
    _check_masks(masks, stages[-1].size, styles, config, extractor)
    guards: list[keras.callbacks.Callback] = [TimeBudget(config.optimization.max_minutes, ending)]
    if callbacks:
        guards.append(user_callbacks.UserCallbacks(callbacks, stages, ending))
    image, levels = paint(content, styles, config, guards, extractor, ending, masks=masks)
    problems = [divergence(level) for level in levels if level.status == "diverged"]
    if ending.decided and len(levels) < len(stages):
        width, height = levels[-1].size
        problems.append(f"{ending.reason} in stage {len(levels)} of {len(stages)}; the result "
                        f"comes from {width}x{height} pixels")  # fmt: skip
    return image, problems


def _masks_of(
    content: Source, styles: Sequence[Image.Image], config: Config, extractor: Extractor
) -> Masks | None:
    """Read and check the masks that the command line names for a content image."""
    if not mask_files.given(config):
        return None
    image = image_io.as_image(content, near=config.size)
    masks = read_masks(*mask_files.of(config, content), image, styles, config)
    size = image_io.fit_longer_side(image.size, config.size)
    _check_masks(masks, size, styles, config, extractor)
    return masks


def _check_masks(
    masks: Masks | None,
    size: tuple[int, int],
    styles: Sequence[Image.Image],
    config: Config,
    extractor: Extractor,
) -> None:
    """Check that every region has places in every layer at the size of the result."""
    if masks:
        sizes = [style_size(style.size, size, config) for style in styles]
        strides = layer_strides(extractor, tuple(choose_weights(config, extractor).style))
        check_places(masks, size, sizes, strides)


def _report(levels: Sequence[Level]) -> dict[str, object]:
    return {
        "seconds": round(sum(level.seconds for level in levels), 2),
        "levels": [asdict(level) for level in levels],
    }
