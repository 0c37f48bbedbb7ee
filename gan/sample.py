"""Sample images from a trained generator: a grid, an archive, or an interpolation.

python -m gan.sample --run runs/NAME --count 64 --seed 1 --out grid.png
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np

from common import cli
from common import images as image_io
from common.bounds import bounded, check_bounds
from common.errors import InputError
from common.files import atomic_path, check_outputs, with_suffix
from common.priors import PRIORS
from gan import description, generator_file
from gan.data.base import class_name
from gan.description import Description
from gan.networks import base as families

PROGRAM = "python -m gan.sample"
STEPS = 12  # frames from one latent vector of an interpolation to the next
SECONDS = 0.6  # of an interpolation, per latent vector
FRAME = 256  # pixels; smaller frames of an interpolation are enlarged


@dataclass(frozen=True)
class Config:
    """Sample images from the EMA generator of a run."""

    run: Path
    """Folder of the run."""
    count: int = bounded(64, 1)
    """Number of images."""
    seed: int = bounded(0, 0)
    """Seed of the latent vectors; the same seed gives the same images."""
    label: str | None = None
    """Name of the class, for a class-conditional run. Default: all classes in turn."""
    truncation: float = bounded(1.0, high=1, above=0)
    """Below 1 for more typical, less varied images: factor on the spread of the latent vectors, or
    of what the mapping network of --networks style_based makes of them."""
    checkpoint: Literal["last", "best"] = "last"
    """Checkpoint of the run."""
    out: Path | None = None
    """A grid of all images (.png)."""
    npz: Path | None = None
    """An archive with `images`, uint8 (N, H, W, C), and `labels` of a class-conditional run."""
    interpolation: Path | None = None
    """An animation (.gif) from each of `count` latent vectors to the next."""


def check(config: Config) -> None:
    """Check everything that is known without TensorFlow.

    Raises:
        InputError: A value is out of its bounds, there is nothing to write, the
            run cannot be loaded, or it has no such class.
    """
    check_bounds(config)
    if not (config.out or config.npz or config.interpolation):
        raise InputError("expected one of --out grid.png, --npz FILE, --interpolation walk.gif")
    run = generator_file.find(config.run, config.checkpoint).description
    check_label(config.label, run)
    if not families.has_mapping(run.config.networks.name):
        PRIORS[run.config.prior].truncate(config.truncation)
    if config.out is not None:
        image_io.check_writable(config.out, "--out")
    check_outputs(
        {
            "--out": config.out,
            "--npz": with_suffix("--npz", config.npz, ".npz"),
            "--interpolation": with_suffix("--interpolation", config.interpolation, ".gif"),
        }
    )


def check_label(label: str | None, run: Description) -> None:
    """Check that a run is conditioned on a class.

    Args:
        label: Name of the class; None is always accepted.
        run: Description of the run.

    Raises:
        InputError: It is not; the message lists the classes.
    """
    names = run.class_names if run.spec.classes else ()
    if label is not None and class_name(label) not in names:
        known = ", ".join(names) if names else "no classes: the run is not class-conditional"
        raise InputError(f"--label {label}: expected one of: {known}")


def main(arguments: Sequence[str] | None = None) -> int:
    """Sample as the command line says and return the exit code."""
    config = cli.parse(Config, PROGRAM, arguments)
    check(config)
    cli.import_tensorflow()
    from gan import generate, mapping

    run = description.read(config.run, own=True)
    prior = PRIORS[run.config.prior]
    generator, class_names = generate.load_generator(config.run, config.checkpoint)
    classes = len(class_names) if len(generator.inputs) > 1 else 0
    if config.truncation < 1 and mapping.has_mapping(generator):
        generator = mapping.truncate(generator, config.truncation, prior, classes)
    else:
        prior = prior.truncate(config.truncation)
    size = generator.inputs[0].shape[-1]
    latents = generate.draw_latents(config.count, size, config.seed, prior)
    labels = generate.labels_in_turn(config.count, classes)
    columns = generate.columns_for(config.count, classes if config.label is None else 0)
    if config.label is not None:
        labels[:] = class_names.index(class_name(config.label))
    if config.out or config.npz:
        images = generate.draw(generator, latents, labels)
        if config.out:
            image_io.write_image(config.out, image_io.grid(images, columns))
            print(f"{config.count} images: {config.out}")
        if config.npz:
            _write_archive(config.npz, images, labels if classes else None)
    if config.interpolation:
        path = generate.spherical_path(latents, STEPS, prior)
        frames = generate.draw(generator, path, np.repeat(labels, STEPS))
        _write_animation(config.interpolation, frames)
    return 0


def _write_archive(path: Path, images: np.ndarray, labels: np.ndarray | None) -> None:
    path = path.with_suffix(".npz")
    arrays = {"images": images} if labels is None else {"images": images, "labels": labels}
    with atomic_path(path) as temporary:
        np.savez_compressed(temporary, **arrays)
    print(f"{len(images)} images as uint8 {images.shape}: {path}")


def _write_animation(path: Path, frames: np.ndarray) -> None:
    scale = max(1, FRAME // frames.shape[1])
    count = len(frames) // STEPS
    image_io.write_animation(
        path, [image_io.enlarge(frame, scale) for frame in frames], seconds=SECONDS * count
    )
    print(f"interpolation of {count} latent vectors: {path.with_suffix('.gif')}")


if __name__ == "__main__":
    cli.run(main)
