"""How good is a generator? Distances to the real pictures, what is missing, and is it copying?

python -m gan.evaluate --run runs/NAME
python -m gan.evaluate --npz samples.npz --dataset mnist
python -m gan.evaluate --folder pictures/ --dataset glyphs
"""

import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import numpy as np

from common import checkpoints, cli, files, npz, runs
from common.errors import InputError
from gan.config import CACHE
from gan.data import load

if TYPE_CHECKING:
    pass
from gan.metrics.reference import ReferenceStatistics, reference_statistics
from gan.metrics.scores import NEIGHBOURS, scores

PROGRAM = "python -m gan.evaluate"


@dataclass(frozen=True)
class Config:
    """Measures a run, an .npz of samples or a folder of pictures against a dataset."""

    run: Path | None = None
    """A run's folder; its averaged generator is sampled."""
    npz: Path | None = None
    """An archive with `images`, uint8 (N, H, W, C), as gan.sample writes it."""
    folder: Path | None = None
    """A folder of pictures."""
    dataset: str | None = None
    """The real pictures; the run's own by default."""
    features: Literal["auto", "classifier", "compact", "inception"] = "auto"
    """auto: the classifier where the dataset has labels, otherwise compact."""
    count: int = 5000
    """Pictures of either side; compare equal counts only."""
    seed: int = 0
    """Of the samples, and of which real pictures are taken."""
    checkpoint: Literal["last", "best"] = "last"
    """Which state of the run."""
    out: Path | None = None
    """The scores as JSON; by default evaluation.json in the run, or beside the samples."""
    cache_dir: Path = CACHE
    """Where datasets, classifiers and the real side's features are kept."""


def protocol(config: Config, real: ReferenceStatistics, fake: np.ndarray) -> dict[str, object]:
    """What the scores were measured with."""
    return {
        "features": real.features_of.protocol,
        "real": f"{real.pictures.name}, {len(real.index)} of {len(real.pictures)} pictures, "
        "the ones trained on",
        "fake": f"{len(fake)} pictures",
        "resolution": int(fake.shape[1]),
        "seed": config.seed,
        "neighbours": NEIGHBOURS,
    }


def load_fake(config: Config) -> tuple[np.ndarray, str]:
    """The pictures to be measured, uint8 (N, H, W, C), and where they are from.

    Raises:
        InputError: files that hold none.
    """
    if config.run:
        from gan.generate import draw, draw_latents, labels_in_turn, load_generator

        generator, names = load_generator(config.run, config.checkpoint)
        latents = draw_latents(config.count, generator.inputs[0].shape[-1], config.seed)
        labels = np.random.default_rng(config.seed).permutation(
            labels_in_turn(config.count, len(names) if len(generator.inputs) > 1 else 0)
        )
        return draw(generator, latents, labels), f"{config.run} ({config.checkpoint})"
    if config.npz:
        images = npz.read(config.npz).get("images")
        if images is None or images.ndim != 4 or images.dtype != np.uint8:
            raise InputError(f"--npz {config.npz}: expected `images`, uint8 (N, H, W, C)")
        return images[: config.count], str(config.npz)
    pictures = load.load(str(config.folder.absolute()), config.cache_dir)
    return np.asarray(pictures.images[: config.count]), str(config.folder)


def check(config: Config) -> None:
    """Raises InputError for what can be known without TensorFlow."""
    given = [name for name in ("run", "npz", "folder") if getattr(config, name) is not None]
    if len(given) != 1:
        found = " and ".join(f"--{name}" for name in given) or "none"
        raise InputError(f"expected one of --run, --npz, --folder; found {found}")
    if config.count < 2 * NEIGHBOURS + 2:
        raise InputError(f"--count: expected at least {2 * NEIGHBOURS + 2}, got {config.count}")
    if config.run is None and config.dataset is None:
        raise InputError(f"--dataset: missing; what should --{given[0]} be compared with?")
    if config.npz is not None and not config.npz.is_file():
        raise InputError(f"--npz {config.npz}: no such file")
    if config.folder is not None and not config.folder.is_dir():
        raise InputError(f"--folder {config.folder}: no such folder")
    if config.dataset is not None:
        load.check_dataset(config.dataset)
    if config.run is not None:
        runs.read_config(config.run, "--run")
        checkpoints.Checkpoints(config.run).load(config.checkpoint)


def evaluate(config: Config) -> dict[str, object]:
    """Scores with their protocol, also written as JSON."""
    check(config)
    about = runs.read_config(config.run, "--run") if config.run else None
    cli.import_tensorflow()
    started = time.perf_counter()
    fake, source = load_fake(config)
    if len(fake) < 2 * NEIGHBOURS + 2:
        raise InputError(f"{source}: {len(fake)} pictures; expected at least {2 * NEIGHBOURS + 2}")
    name = config.dataset or about["config"]["data"]["dataset"]
    pictures = load.load(name, config.cache_dir, fake.shape[1], fake.shape[3])
    if pictures.images.shape[1:] != fake.shape[1:]:
        raise InputError(
            f"{source}: pictures of shape {fake.shape[1:]}, expected {pictures.images.shape[1:]} "
            f"as in {name}"
        )
    real = reference_statistics(
        pictures, config.features, config.count, config.seed, config.cache_dir
    )
    found = {
        "of": source,
        "protocol": protocol(config, real, fake),
        "scores": scores(real, fake, config.seed),
        "seconds": round(time.perf_counter() - started, 1),
    }
    out = config.out
    if out is None and config.run:
        out = config.run / "evaluation.json"
    if out is None:
        source = config.npz or config.folder
        out = source.with_name(f"{source.stem}-evaluation.json")
    files.write_json(out, found)
    _print(found, out)
    return found


def _print(found: Mapping, out: Path) -> None:
    print(f"{found['of']}: {found['protocol']['fake']} against {found['protocol']['real']}")
    print(f"features: {found['protocol']['features']}")
    for name, value in found["scores"].items():
        if name == "class_shares_fake":
            ordered = sorted(value.items(), key=lambda item: item[1])
            rare = ", ".join(f"{label} {100 * share:.1f} %" for label, share in ordered[:5])
            print(f"{'rarest classes':40} {rare}")
        elif isinstance(value, dict):
            print(f"{name:40} " + ", ".join(f"{k} px {v:.4f}" for k, v in value.items()))
        else:
            print(f"{name:40} {value:10.4f}")
    print(f"scores with their protocol: {out}")


def main() -> int:
    config = cli.parse(Config, PROGRAM, None)
    evaluate(config)
    return 0


if __name__ == "__main__":
    cli.run(main)
