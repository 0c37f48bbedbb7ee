"""Stylize one image or a folder of images by the instant method, and record the run."""

import sys
import time
from collections.abc import Sequence

import numpy as np
from PIL import Image
from tqdm import tqdm

from common import images as image_io
from common import runs
from common.callbacks import Ending
from common.errors import InputError, printable
from style_transfer import mask_files
from style_transfer.batch import RESULT, Job, Outcome
from style_transfer.config import Config
from style_transfer.instant.coarse_to_fine import paint
from style_transfer.masks import Masks
from style_transfer.masks import read as read_masks
from style_transfer.prepare import check_size
from style_transfer.progress import describe_run


def stylize_all(
    jobs: Sequence[Job], styles: Sequence[Image.Image], config: Config, *, several: bool
) -> Outcome:
    """Stylize images, write the results and record the run in a new folder.

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
    reports, skipped = [], {}
    for content, out in tqdm(jobs, desc="images", disable=not several):
        out = out or folder / RESULT
        try:
            image = image_io.as_image(content, near=config.size)
            check_size(image, config)
            masks = read_masks((), mask_files.of(config, content)[1], image, styles, config)
        except InputError as error:
            if not several:
                raise
            skipped[str(content)] = str(error)
            reason = str(error).removeprefix(f"{content}: ")
            tqdm.write(printable(f"skipped {content}: {reason}"), file=sys.stderr)
            continue
        started = time.perf_counter()
        result, _ = stylize_one(image, styles, config, masks=masks)
        seconds = round(time.perf_counter() - started, 2)
        name = f"/{out.stem}" if several else ""
        writer.image(f"stylized_from{name}/content", np.asarray(image), step=0)
        writer.image(f"stylized{name or '/image'}", image_io.from_unit(result), step=0)
        image_io.write_image(out, image_io.from_unit(result, config.output.bits))
        size = result.shape[1::-1]
        reports.append({"content": str(content), "out": str(out), "size": size, "seconds": seconds})
        if not several:
            print(f"{size[0]}x{size[1]} pixels in {seconds:.2f} s")
    if several and reports:
        mean = np.mean([report["seconds"] for report in reports])
        print(f"{mean:.2f} s per image")
    end = Ending()
    found = {"images": reports, "skipped": skipped}
    runs.update_summary(folder, status=end.status, reason=end.reason, **found)
    return Outcome(folder, reports, skipped)


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
