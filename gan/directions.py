"""Show what the principal directions of a generator's latent space change.

python -m gan.directions --run runs/NAME --out directions.png
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np

from common import cli
from common import images as image_io
from common.bounds import bounded, check_bounds
from common.captions import rows_with_captions
from common.errors import InputError
from common.files import check_outputs
from common.priors import PRIORS
from gan import generator_file
from gan.data.base import class_name
from gan.networks import base as families
from gan.sample import check_label

PROGRAM = "python -m gan.directions"
STEPS = 9  # images per latent vector and direction
SMALLEST = 48  # pixels; smaller images are enlarged
GAP = 12  # pixels between two walks


@dataclass(frozen=True)
class Config:
    """Draw one row of images per principal direction of a generator's latent space.

    The directions are those in which the first layer changes most (SeFa: Shen and
    Zhou 2021). In the middle of each walk is the same latent vector.
    """

    run: Path
    """Folder of the run."""
    out: Path
    """The image (.png)."""
    count: int = bounded(8, 1)
    """Number of directions, the most influential first."""
    walks: int = bounded(2, 1, 16)
    """Latent vectors from which each direction is walked, side by side."""
    distance: float = bounded(4.0, above=0)
    """Length of a walk to either side, in the latent space. A normal latent vector of Z numbers is
    about sqrt(Z) long."""
    label: str | None = None
    """Name of the class, for a class-conditional run. Default: one class per walk."""
    seed: int = bounded(0, 0)
    """Seed of the latent vectors."""
    checkpoint: Literal["last", "best"] = "last"
    """Checkpoint of the run."""


def check(config: Config) -> None:
    """Check everything that is known without TensorFlow.

    Raises:
        InputError: A value is out of its bounds, the run cannot be loaded, it has no
            such class, or the file cannot be written.
    """
    check_bounds(config)
    run = generator_file.find(config.run, config.checkpoint).description
    check_label(config.label, run)
    networks = run.config.networks
    size = families.fixed(networks.name).get("latent_size", networks.latent_size)
    if config.count > size:
        raise InputError(f"--count {config.count}: the latent space has only {size} dimensions")
    check_outputs({"--out": config.out})
    image_io.check_writable(config.out, "--out")


def main(arguments: Sequence[str] | None = None) -> int:
    """Draw the directions as the command line says and return the exit code."""
    config = cli.parse(Config, PROGRAM, arguments)
    check(config)
    cli.import_tensorflow()
    from gan import first_layer, generate

    generator, about = generate.stock_generator(config.run, config.checkpoint)
    found = first_layer.directions(generator, f"--run {config.run}")
    prior = PRIORS[about["latent"]["prior"]]
    latents = generate.draw_latents(config.walks, len(found.vectors), config.seed, prior)
    labels = generate.labels_in_turn(config.walks, len(about["classes"]))
    if config.label is not None:
        labels[:] = about["classes"].index(class_name(config.label))
    rows = []
    for direction in found.vectors[: config.count]:
        path = walk(latents, direction, config.distance)
        path = np.asarray(prior.constrain(path.reshape(-1, path.shape[-1])), np.float32)
        images = generate.draw(generator, path, np.repeat(labels, STEPS))
        rows.append(side_by_side(images, config.walks))
    names = [f"{n}: {share:.1%}" for n, share in enumerate(found.shares[: config.count], 1)]
    image_io.write_image(config.out, rows_with_captions(rows, names))
    print(
        f"{len(rows)} of {len(found.vectors)} directions, {found.shares[: len(rows)].sum():.0%} of "
        f"the first layer's variance: {config.out}\n"
        "in Python: gan.first_layer.directions(generator).vectors"
    )
    return 0


def walk(latents: np.ndarray, direction: np.ndarray, distance: float) -> np.ndarray:
    """Move latent vectors along a direction, to both sides.

    Args:
        latents: (N, Z).
        direction: (Z,), of length 1.
        distance: Farthest to either side.

    Returns:
        float32 (N, STEPS, Z), with the latents themselves in the middle.

    Example:
        >>> walk(np.zeros((1, 2)), np.array([1.0, 0.0]), 4.0)[0, ::4, 0]
        array([-4.,  0.,  4.], dtype=float32)
    """
    places = np.linspace(-distance, distance, STEPS)[:, None]  # (S, 1)
    return (latents[:, None] + places * direction).astype(np.float32)


def side_by_side(images: np.ndarray, walks: int) -> np.ndarray:
    """Join the images of one direction, with a gap between the walks.

    Args:
        images: uint8 (walks * STEPS, H, W, C).
        walks: Number of latent vectors.

    Returns:
        uint8 (height, width, C); small images are enlarged.
    """
    scale = max(1, SMALLEST // images.shape[1])
    strips = []
    for walked in np.split(images, walks):
        strip = np.concatenate([image_io.enlarge(image, scale) for image in walked], axis=1)
        strips += [np.full_like(strip[:, :GAP], 255), strip]
    return np.concatenate(strips[1:], axis=1)


if __name__ == "__main__":
    cli.run(main)
