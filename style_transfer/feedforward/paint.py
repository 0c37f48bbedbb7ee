"""Paint photos with a trained network.

python -m style_transfer.feedforward.paint --model runs/style-NAME --content photo.jpg
python -m style_transfer.feedforward.paint --model runs/style-NAME --content photos/ --out painted/
"""

import dataclasses
import statistics
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

import tyro
from PIL import Image
from tqdm import tqdm

from common import cli
from common import images as image_io
from common.bounds import bounded, check_bounds
from common.errors import InputError, printable
from common.files import remove_temporaries
from style_transfer import config as stylization
from style_transfer import prepare
from style_transfer import validation as stylize_validation
from style_transfer.config import LARGEST_SIDE, MOST_WEIGHT, SMALLEST_SIDE
from style_transfer.feedforward import config as configuration
from style_transfer.feedforward import saved as saved_runs
from style_transfer.feedforward.validation import check_file

PROGRAM = "python -m style_transfer.feedforward.paint"
FOLDER = "painted"  # in the run's folder, without --out
FINE = 2  # times the size of the training, above which strokes look small


@dataclass(frozen=True)
class Config:
    """Paint a photo or a folder of photos with a network of `make train-style`."""

    model: Path
    """Run folder of the network."""
    content: Path
    """Photo: an image file or a folder of images."""
    out: Path | None = None
    """Result: an image file, or a folder for a folder of photos. Default: painted/ in the run
    folder."""
    size: int | None = bounded(None, SMALLEST_SIDE, LARGEST_SIDE)
    """Longer side of the result in pixels. Default: the photo's own."""
    style_weights: tuple[float, ...] = bounded((), 0, MOST_WEIGHT)
    """One weight for each style of the network, which mixes them. Equal by default."""
    colors: Literal["style", "content", "matched"] = "style"
    """Colors of the result. content: paint the luminance alone. matched: give the result the
    photo's mean color and covariance."""
    seed: int = bounded(0, 0, 2**31 - 1)
    """Seed of the positions of texture in flat regions, such as the suns in a sky."""
    overwrite: Annotated[bool, tyro.conf.FlagCreatePairsOff] = False
    """Replace results that exist. By default those of a folder are kept, and a file is refused."""
    tile: int = bounded(1024, 256, LARGEST_SIDE)
    """Side of the tiles of a large image in pixels; smaller ones take less memory. At least four
    times the overlap, which grows with the depth of the network."""


def check(config: Config) -> Config:
    """Check what is known without TensorFlow, and fill in `out`.

    Raises:
        InputError: The model, an image, the output or a weight cannot be used.
    """
    check_bounds(config)
    saved = saved_runs.read(config.model, "--model")
    saved_runs.check_trained(saved, "--model")
    saved_runs.check_style_weights(saved, config.style_weights)
    if config.seed and not configuration.resolved(saved.config).network.waves:
        raise InputError(
            f"--seed {config.seed}: --model {config.model} has no waves of the position, which a "
            "seed would move\nleave out --seed"
        )
    if config.out is None:
        out = config.model / FOLDER
        if not config.content.is_dir():
            out /= f"{config.content.stem}.png"
        config = dataclasses.replace(config, out=out)
    if not config.content.is_dir():
        check_file("--content", config.content)
        read_photo(config.content, config.size)
        if config.out.is_file() and not config.overwrite:
            raise InputError(
                f"--out {config.out}: exists already\nname another file, or add --overwrite"
            )
    elif not image_io.image_files(config.content):
        raise InputError(f"--content {config.content}: no images in this folder")
    stylize_validation.check_output(_as_stylization(config))
    return config


def jobs_of(config: Config) -> list[tuple[Path, Path]]:
    """List the photos to paint, each with its result."""
    if not config.content.is_dir():
        return [(config.content, config.out)]
    task = _as_stylization(config)
    contents, results = stylize_validation.contents(task), stylize_validation.results(task)
    jobs = list(zip(contents, results, strict=True))
    waiting = [(photo, out) for photo, out in jobs if config.overwrite or not out.exists()]
    if len(waiting) < len(jobs):
        print(f"{len(jobs) - len(waiting)} of {len(jobs)} images exist already")
    return waiting


def read_photo(path: Path, size: int | None) -> Image.Image:
    """Read a photo at the size at which it is painted.

    Args:
        path: An image file.
        size: Longer side in pixels; None keeps the photo's.

    Raises:
        InputError: It cannot be read, or is too small, or would be.
    """
    image = prepare.read_one("--content", path, size)
    if size is None:
        return image
    prepare.check_size(image, stylization.Config(size=size))
    return image_io.resize(image, image_io.fit_longer_side(image.size, size))


def main(arguments: Sequence[str] | None = None) -> int:
    """Paint as the command line says.

    Returns:
        The exit code: 1 if images of a folder were skipped, otherwise 0.
    """
    config = check(cli.parse(Config, PROGRAM, arguments))
    jobs, several = jobs_of(config), config.content.is_dir()
    if not jobs:
        return 0
    cli.import_tensorflow()
    from style_transfer.feedforward import apply

    brush = apply.load(config.model)
    if several:
        remove_temporaries(config.out, deep=False)
    started, seconds, skipped, largest = time.perf_counter(), [], 0, 0
    for photo, out in tqdm(jobs, unit="image", disable=not several, dynamic_ncols=True):
        try:
            image = read_photo(photo, config.size)
            began = time.perf_counter()
            painted = brush.paint(
                image, config.style_weights, config.colors, config.tile, seed=config.seed
            )
        except InputError as error:
            if not several:
                raise
            reason = str(error).removeprefix(f"--content {photo}: ")
            tqdm.write(printable(f"skipped {photo}: {reason}"), file=sys.stderr)
            skipped += 1
            continue
        seconds.append(time.perf_counter() - began)
        largest = max(largest, *image.size)
        image_io.write_image(out, painted)
    _report(config, len(jobs), seconds, time.perf_counter() - started, largest)
    if skipped:
        print(f"{skipped} of {len(jobs)} images were skipped; see above", file=sys.stderr)
    return 1 if skipped else 0


def _report(
    config: Config, jobs: int, seconds: Sequence[float], total: float, largest: int
) -> None:
    if not seconds:
        return
    trained = saved_runs.read(config.model, "--model").config.size
    if largest > FINE * trained:
        print(
            f"strokes look small at {largest} pixels: the network was trained for {trained}; "
            f"for larger ones paint with --size {trained} or train with a larger --size"
        )
    usual = statistics.median(seconds[1:] or seconds)  # the first one also builds the graph
    done = f"{len(seconds)} of {jobs} images" if config.content.is_dir() else "image"
    print(
        f"{done}: {config.out} | {len(seconds) / total:.2f} images/s with files, "
        f"{1000 * usual:.0f} ms of painting each{'' if seconds[1:] else ', the first'}"
    )


def _as_stylization(config: Config) -> stylization.Config:
    """The same content and output as a configuration of `stylize`."""
    return stylization.Config(
        content=config.content, output=stylization.OutputConfig(out=config.out)
    )


if __name__ == "__main__":
    cli.run(main)
