"""Pictures from a trained generator: a grid, an .npz, or an interpolation.

python -m gan.sample --run runs/NAME --count 64 --seed 1 --out grid.png
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np

from common import checkpoints, cli, runs
from common import images as image_io
from common.errors import InputError
from common.files import atomic_path
from gan.generate import (
    columns_for,
    draw,
    draw_latents,
    labels_in_turn,
    load_generator,
    spherical_path,
)


@dataclass(frozen=True)
class Config:
    """Draws pictures from the averaged generator of a run."""

    run: Path
    """The run's folder."""
    count: int = 64
    """Pictures to draw."""
    seed: int = 0
    """Draws the latent vectors; the same seed gives the same pictures."""
    label: str | None = None
    """One class, by its name, of a run that knows classes; otherwise all in turn."""
    truncation: float = 1.0
    """Scales the latent vectors: below 1 for safer, more typical pictures."""
    checkpoint: Literal["last", "best"] = "last"
    """Which state of the run."""
    out: Path | None = None
    """A grid of all pictures (.png)."""
    npz: Path | None = None
    """An archive with `images`, uint8 (N, H, W, C), and `labels` where there are classes."""
    interpolation: Path | None = None
    """An animation (.gif) that walks from each of `count` latent vectors to the next."""


def check(config: Config) -> None:
    """Raises InputError for what can be known without TensorFlow."""
    if config.count < 1:
        raise InputError(f"--count: expected at least 1, got {config.count}")
    if not (config.out or config.npz or config.interpolation):
        raise InputError("expected one of --out grid.png, --npz FILE, --interpolation walk.gif")
    about = runs.read_config(config.run, "--run")
    if config.label is not None:
        names = about["data"]["class_names"] if about["data"]["classes"] else []
        if config.label not in names:
            known = ", ".join(names) if names else "no classes: the run was not conditional"
            raise InputError(f"--label {config.label}: expected one of: {known}")
    checkpoints.Checkpoints(config.run).load(config.checkpoint)


def sample(config: Config) -> None:
    """Does what the command line asks for."""
    generator, class_names = load_generator(config.run, config.checkpoint)
    classes = len(class_names) if len(generator.inputs) > 1 else 0
    size = generator.inputs[0].shape[-1]
    latents = config.truncation * draw_latents(config.count, size, config.seed)
    labels = labels_in_turn(config.count, classes)
    if config.label is not None:
        labels[:] = class_names.index(config.label)
    if config.out or config.npz:
        images = draw(generator, latents, labels)
    if config.out:
        columns = columns_for(config.count, classes if config.label is None else 0)
        image_io.write_image(config.out, image_io.grid(images, columns))
        print(f"{config.count} pictures: {config.out}")
    if config.npz:
        with atomic_path(config.npz.with_suffix(".npz")) as temporary:
            arrays = {"images": images, "labels": labels} if classes else {"images": images}
            np.savez_compressed(temporary, **arrays)
        print(f"{config.count} pictures as uint8 {images.shape}: {config.npz.with_suffix('.npz')}")
    if config.interpolation:
        steps = 12
        path = spherical_path(latents, steps)
        frames = draw(generator, path, np.repeat(labels, steps))
        scale = max(1, 256 // frames.shape[1])
        image_io.write_animation(
            config.interpolation,
            [image_io.enlarge(frame, scale) for frame in frames],
            seconds=0.6 * config.count,
        )
        print(f"a walk through {config.count} latents: {config.interpolation.with_suffix('.gif')}")


def main() -> int:
    config = cli.parse(Config, "python -m gan.sample", None)
    check(config)
    sample(config)
    return 0


if __name__ == "__main__":
    cli.run(main)
