"""Stylize one image or a folder of images by the instant method, and record the run."""

import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image
from tqdm import tqdm

from common import images as image_io
from common import runs
from common.callbacks import Ending, Interrupt
from common.errors import InputError
from common.summaries import SummaryWriter
from style_transfer import mask_files
from style_transfer.config import Config
from style_transfer.instant.coarse_to_fine import paint
from style_transfer.masks import Masks
from style_transfer.masks import read as read_masks
from style_transfer.outcome import RESULT, Job, Outcome, skip
from style_transfer.prepare import Source, check_size
from style_transfer.progress import describe_run


def stylize_all(
    jobs: Sequence[Job], styles: Sequence[Image.Image], config: Config, *, several: bool
) -> Outcome:
    """Stylize images, write the results and record the run in a new folder.

    Ctrl-C ends the run after the current image.

    Args:
        jobs: Content images, each with its result; None is `RESULT` in the run folder.
        styles: The style images.
        config: Checked.
        several: The jobs are a folder: one that fails is skipped.

    Raises:
        InputError: Unless `several`, the image cannot be used.
    """
    folder = runs.create(config.output.run_dir, "stylize")
    writer = describe_run(folder, styles, config, "float32")
    reports, skipped, ending = [], {}, Ending()
    with Interrupt(ending) as interrupt:
        for content, out in tqdm(jobs, desc="images", disable=not several):
            out, name = out or folder / RESULT, f"/{out.stem}" if several else ""
            try:
                reports.append(_stylize_file(content, out, name, styles, config, writer))
            except InputError as error:
                if not several:
                    raise
                skip(content, error, skipped)
            if interrupt.check():
                break
    if several and reports:
        mean = np.mean([report["seconds"] for report in reports])
        print(f"{mean:.2f} s per image")
    elif reports:
        width, height = reports[0]["size"]
        print(f"{width}x{height} pixels in {reports[0]['seconds']:.2f} s")
    found = {"images": reports, "skipped": skipped}
    runs.update_summary(folder, status=ending.status, reason=ending.reason, **found)
    if ending.decided:
        print(f"{ending.status}: {ending.reason}")
    return Outcome(folder, reports, skipped)


def _stylize_file(
    content: Source,
    out: Path,
    name: str,
    styles: Sequence[Image.Image],
    config: Config,
    writer: SummaryWriter,
) -> dict:
    """Stylize and write one image, named `name` in TensorBoard, and return its report."""
    image = image_io.as_image(content, near=config.size)
    check_size(image, config)
    masks = read_masks((), mask_files.of(config, content)[1], image, styles, config)
    started = time.perf_counter()
    result, _ = stylize_one(image, styles, config, masks=masks)
    seconds = round(time.perf_counter() - started, 2)
    writer.image(f"stylized_from{name}/content", np.asarray(image), step=0)
    writer.image(f"stylized{name or '/image'}", image_io.from_unit(result), step=0)
    image_io.write_image(out, image_io.from_unit(result, config.output.bits))
    size = result.shape[1::-1]
    return {"content": str(content), "out": str(out), "size": size, "seconds": seconds}


def stylize_one(
    content: Image.Image,
    styles: Sequence[Image.Image],
    config: Config,
    *_: object,
    masks: Masks | None = None,
) -> tuple[np.ndarray, list[str]]:
    """Stylize one image without a run folder; see `style_transfer.stylize.stylize`.

    Returns:
        float32 (H, W, 3 or 4) in [0, 1], and an empty list of warnings.
    """
    return paint(content, styles, config, masks.keep_at if masks else lambda size: None), []
