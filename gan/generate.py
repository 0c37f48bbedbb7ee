"""Pictures from a trained generator: a grid, an .npz, or an interpolation.

python -m gan.sample --run runs/NAME --count 64 --seed 1 --out grid.png
"""

from pathlib import Path

import numpy as np

from common import checkpoints, cli, runs
from common import images as image_io


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
    arrays, _ = checkpoints.Checkpoints(run).load(checkpoint)
    cli.import_tensorflow()
    from gan.build import build_gan, set_precision_and_seed
    from gan.config import from_dict

    config = from_dict(about["config"])
    set_precision_and_seed(config)
    data = about["data"]
    gan = build_gan(config, data["resolution"], data["channels"], data["classes"])
    checkpoints.assign(gan.variables, arrays)
    return gan.ema_generator, tuple(data["class_names"])
