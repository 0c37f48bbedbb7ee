"""Pictures from a trained generator: a grid, an .npz, or an interpolation.

python -m gan.sample --run runs/NAME --count 64 --seed 1 --out grid.png
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np

from common import cli, image_io, runs
from common.files import InputError, atomic_path


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


def columns_for(count: int, classes: int) -> int:
    """Columns of a grid: one for each class where that fits, otherwise about a square."""
    if classes and count % classes == 0 and classes <= 20:
        return classes
    if classes and classes % 12 == 0:
        return 12
    return round(count**0.5)


def labels_in_turn(count: int, classes: int) -> np.ndarray:
    """0, 1, 2, ... modulo `classes`, int32 (count,)."""
    return (np.arange(count) % max(classes, 1)).astype(np.int32)


def draw(generator, latents: np.ndarray, labels: np.ndarray, batch_size: int = 128) -> np.ndarray:
    """Runs a generator over latents (N, Z) and labels (N,); uint8 (N, H, W, C)."""
    conditional = len(generator.inputs) > 1
    parts = []
    for start in range(0, len(latents), batch_size):
        part = slice(start, start + batch_size)
        inputs = [latents[part], labels[part]] if conditional else latents[part]
        parts.append(image_io.to_uint8(generator(inputs, training=False)))
    return np.concatenate(parts)


def draw_latents(count: int, size: int, seed: int) -> np.ndarray:
    """Standard normal float32 (count, size)."""
    return np.random.default_rng(seed).normal(size=(count, size)).astype(np.float32)


def spherical_path(corners: np.ndarray, steps: int) -> np.ndarray:
    """A closed walk along great circles through latents (N, Z): (N * steps, Z).

    Spherical, because a normal latent of Z dimensions lies near a sphere of
    radius sqrt(Z), and a straight line would leave it (White 2016, section 2.1).
    """
    path = []
    for start, end in zip(corners, np.roll(corners, -1, axis=0), strict=True):
        cosine = start @ end / (np.linalg.norm(start) * np.linalg.norm(end))
        angle = np.arccos(np.clip(cosine, -1.0, 1.0))
        for share in np.arange(steps) / steps:
            if np.sin(angle) < 1e-6:  # parallel: the great circle is a line, or undefined
                path.append((1.0 - share) * start + share * end)
                continue
            weights = np.sin([(1.0 - share) * angle, share * angle]) / np.sin(angle)
            path.append(weights[0] * start + weights[1] * end)
    return np.asarray(path, np.float32)


def load_generator(run: Path, checkpoint: str = "last"):
    """The averaged generator of a run and the names of its classes.

    Raises:
        InputError: not a run, or no whole checkpoint in it.
    """
    about = runs.read_config(run, "--run")
    arrays, _ = runs.Checkpoints(run).load(checkpoint)
    cli.import_tensorflow()
    from gan.config import from_dict
    from gan.train import build_gan, set_precision_and_seed

    config = from_dict(about["config"])
    set_precision_and_seed(config)
    data = about["data"]
    gan = build_gan(config, data["resolution"], data["channels"], data["classes"])
    runs.assign(gan.variables, arrays)
    return gan.averaged_generator, tuple(data["class_names"])


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
    runs.Checkpoints(config.run).load(config.checkpoint)


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
