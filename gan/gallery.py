"""Show a run on one HTML page that needs no other file and no network.

python -m gan.gallery --run runs/NAME
"""

import os
import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from common import cli, files, runs
from common.bounds import bounded, check_bounds
from common.errors import InputError, printable
from common.priors import PRIORS
from gan import generator_file
from gan.config import CACHE
from gan.description import Description

PROGRAM = "python -m gan.gallery"
NAME = "gallery.html"  # in the run's folder, without --out


@dataclass(frozen=True)
class Config:
    """Show a run on one page: samples, interpolation, nearest training images, metrics, fields."""

    run: Path
    """Folder of the run."""
    out: Path | None = None
    """HTML file to write. Default: gallery.html in the run's folder."""
    checkpoint: Literal["last", "best"] = "last"
    """Checkpoint of the run."""
    seed: int = bounded(0, 0)
    """Seed of the latent vectors and of the training images that are searched."""
    cache_dir: Path = CACHE
    """Folder of prepared datasets."""


def check(config: Config) -> Description:
    """Check everything that is known without TensorFlow.

    Args:
        config: What to show.

    Returns:
        The run's description.

    Raises:
        InputError: A value is out of its bounds, the run cannot be loaded, or the
            page cannot be written.
    """
    check_bounds(config)
    if "networks" not in runs.read_config(config.run, "--run"):
        raise InputError(
            f"--run {config.run}: expected a run of gan.train, found another program's"
        )
    described = generator_file.find(config.run, config.checkpoint).description
    _check_folder(output(config))
    files.check_outputs({"--out": output(config)})
    return described


def _check_folder(path: Path) -> None:
    nearest = next(each for each in path.absolute().parents if each.exists())
    if not nearest.is_dir() or not os.access(nearest, os.W_OK):
        raise InputError(
            f"--out {path}: cannot be written, {nearest} is no folder to write in\n"
            "name another file with --out page.html"
        )


def output(config: Config) -> Path:
    """Return the file of the page.

    Raises:
        InputError: --out does not end in .html or .htm.

    Example:
        >>> output(Config(Path("runs/glyphs")))
        PosixPath('runs/glyphs/gallery.html')
    """
    if config.out is None:
        return config.run / NAME
    if config.out.suffix.lower() not in (".html", ".htm"):
        raise InputError(f"--out {config.out}: expected a name that ends in .html")
    return config.out


def write(config: Config) -> Path:
    """Write the page of a run.

    Args:
        config: What to show.

    Returns:
        The file.

    Raises:
        InputError: As of `check`, or a damaged checkpoint.

    Example:
        >>> write(Config(Path("runs/glyphs")))
        PosixPath('runs/glyphs/gallery.html')
    """
    described = check(config)
    cli.import_tensorflow()
    from gan import generate
    from gan.gallery_page import drawings, page, record

    generator, class_names = generate.load_generator(config.run, config.checkpoint)
    classes = len(class_names) if len(generator.inputs) > 1 else 0
    prior = PRIORS[described.config.prior]
    walk = drawings.interpolation(generator, classes, prior, config.seed)
    samples = drawings.samples(generator, classes, prior, config.seed + 1)
    try:
        dataset = drawings.load_training_images(described.config, described.spec, config.cache_dir)
        neighbors = drawings.neighbors(samples, dataset, config.seed)
    except InputError as error:
        neighbors = error
        print(f"without the nearest training images: {error}")
    text = page.render(record.read(config.run, described), walk, neighbors, _command(config))
    files.write_bytes(output(config), text.encode("utf-8", "backslashreplace"))
    return output(config)


def _command(config: Config) -> str:
    words = ["python", "-m", "gan.gallery", "--run", str(config.run)]
    words += [] if config.out is None else ["--out", str(config.out)]
    words += [] if config.checkpoint == "last" else ["--checkpoint", config.checkpoint]
    words += [] if config.seed == 0 else ["--seed", str(config.seed)]
    return shlex.join(words)


def main(arguments: Sequence[str] | None = None) -> int:
    """Write the page that the command line asks for and return the exit code."""
    path = write(cli.parse(Config, PROGRAM, arguments))
    size = path.stat().st_size / 1e6
    print(printable(f"page: {path} ({size:.1f} MB); open it in a browser"))
    return 0


if __name__ == "__main__":
    cli.run(main)
