"""Measure generated images against a dataset: distances, diversity, copying.

python -m gan.evaluate --run runs/NAME
python -m gan.evaluate --npz samples.npz --dataset mnist
python -m gan.evaluate --folder images/ --dataset glyphs
"""

import math
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from common import cli, files
from common import images as image_io
from common.errors import InputError, printable
from gan import description, generator_file
from gan.config import CACHE
from gan.data import load
from gan.data.base import ImageDataset
from gan.metrics.neighbors import LEAST, NEIGHBORS
from gan.resolution import Resolution, plain

if TYPE_CHECKING:
    from gan.metrics.generated import Samples
    from gan.metrics.reference import ReferenceStatistics

PROGRAM = "python -m gan.evaluate"
LEAST_SIDE = 16  # pixels; the classifier and the patches need as many


@dataclass(frozen=True)
class Config:
    """Measure a run, an .npz of samples or a folder of images against a dataset."""

    run: Path | None = None
    """Folder of a run; samples are drawn from its EMA generator, with the dataset's class
    shares."""
    npz: Path | None = None
    """Archive with `images`, uint8 (N, H, W, C), as gan.sample writes it."""
    folder: Path | None = None
    """Folder of images."""
    dataset: str | None = None
    """Real images to compare with. Default: those that the run was trained on."""
    features: Literal["auto", "classifier", "compact", "inception"] = "auto"
    """Extractor. auto: a classifier if the dataset has labels and 50 images per class, otherwise
    compact."""
    count: int = 5000
    """Images of either set; compare equal counts only."""
    seed: int = 0
    """Seed of the samples and of random subsets."""
    checkpoint: Literal["last", "best"] = "last"
    """Checkpoint of the run."""
    out: Path | None = None
    """JSON file to write. Default: evaluation.json in the run's folder, or beside the samples."""
    cache_dir: Path = CACHE
    """Folder for prepared datasets, classifiers and reference statistics."""


def check(config: Config) -> None:
    """Check what can be known without TensorFlow.

    Raises:
        InputError: Arguments that do not fit together, or missing files.
    """
    given = [name for name in ("run", "npz", "folder") if getattr(config, name) is not None]
    if len(given) != 1:
        found = " and ".join(f"--{name}" for name in given) or "none"
        raise InputError(f"expected one of --run, --npz, --folder; found {found}")
    if config.count < LEAST:
        raise InputError(f"--count: expected at least {LEAST}, got {config.count}")
    if config.seed < 0:
        raise InputError(f"--seed: expected at least 0, got {config.seed}")
    if config.run is None and config.dataset is None:
        raise InputError(f"--dataset: missing; expected the dataset to compare --{given[0]} with")
    if config.npz is not None and not config.npz.is_file():
        raise InputError(f"--npz {config.npz}: no such file")
    if config.folder is not None and not config.folder.is_dir():
        raise InputError(f"--folder {config.folder}: no such folder")
    if config.dataset is not None:
        load.check_dataset(config.dataset)
    if config.run is not None:
        saved = generator_file.find(config.run, config.checkpoint).description
        if config.dataset is None:
            _check_dataset_of_run(config.run, saved.config.data.dataset)
        files.remove_temporaries(config.run, deep=False)  # of an evaluation that was killed
    files.check_outputs({"--out": output(config)}, [config.npz])


def output(config: Config) -> Path:
    """Return the file of the scores: --out, evaluation.json of the run, or beside the images."""
    if config.out is not None:
        return config.out
    if config.run is not None:
        return config.run / "evaluation.json"
    source = (config.npz or config.folder).absolute()
    return source.with_name(f"{source.stem}-evaluation.json")


def _check_dataset_of_run(run: Path, name: str) -> None:
    try:
        load.check_dataset(name)
    except InputError as error:
        first = str(error).splitlines()[0]
        raise InputError(f"--run {run}: {first}\nsay with --dataset where it lies now") from None


def load_real(name: str, cache: Path, resolution: Resolution, channels: int) -> ImageDataset:
    """Load a dataset in its own channels, or in those of the samples if these are more.

    Fewer channels would hide what the other set shows in them: gray samples of a
    color dataset must not score like color ones, nor color samples of a gray
    dataset like gray ones.

    Args:
        name: A dataset or folder.
        cache: Cache folder.
        resolution: Side of a square or (height, width), in pixels.
        channels: Channels of the samples.
    """
    source = load.find(name, cache, resolution)
    if channels > source.channels:
        source = load.find(name, cache, resolution, channels)
    dataset = load.prepare(source, cache)
    if len(dataset) < LEAST:
        raise InputError(
            f"--dataset {dataset.name}: expected at least {LEAST} images, found {len(dataset)}"
        )
    return dataset


def load_sets(config: Config) -> tuple[ImageDataset, "Samples"]:
    """Load the real images and the generated ones, of one shape.

    Raises:
        InputError: Files that hold no images, too few, or of another shape.
    """
    from gan.metrics import generated

    if config.run:
        saved = description.read(config.run, own=True)
        name = config.dataset or saved.config.data.dataset
        size = saved.spec.height, saved.spec.width
        dataset = load_real(name, config.cache_dir, size, saved.spec.channels)
        fake = generated.from_run(config.run, config.checkpoint, config.count, config.seed, dataset)
    else:
        if config.npz:
            fake = generated.from_npz(config.npz, config.count, config.seed)
        else:
            fake = generated.from_folder(config.folder, config.count, config.seed, config.cache_dir)
        _check_shape(fake)
        _, height, width, channels = fake.images.shape
        dataset = load_real(config.dataset, config.cache_dir, (height, width), channels)
    return dataset, fake


def _check_shape(fake: "Samples") -> None:
    count, height, width, channels = fake.images.shape
    if count < LEAST:
        raise InputError(f"{fake.source}: expected at least {LEAST} images, found {count}")
    if min(height, width) < LEAST_SIDE or channels not in image_io.MODES:
        raise InputError(
            f"{fake.source}: images of shape {(height, width, channels)}; expected a resolution of "
            f"at least {LEAST_SIDE}x{LEAST_SIDE} with 1, 3 or 4 channels"
        )


def protocol(config: Config, real: "ReferenceStatistics", fake: "Samples") -> dict[str, object]:
    """Describe how the scores were measured."""
    dataset, channels = real.dataset, real.dataset.images.shape[3]
    own = fake.images.shape[3]
    trained_on = ", the ones trained on" if config.run and config.dataset is None else ""
    return {
        "features": real.features_of.protocol,
        "real": f"{dataset.name}, {len(real.index)} of {len(dataset)} images{trained_on}",
        "fake": f"{len(fake.images)} images",
        "labels": fake.labels,
        "resolution": plain(dataset.images.shape[1:3]),
        "channels": channels if own == channels else f"{channels}, converted from {own}",
        "skipped": len(dataset.skipped),
        "skipped_fake": len(fake.skipped),
        "seed": config.seed,
        "neighbors": NEIGHBORS,
    }


def evaluate(config: Config) -> dict[str, object]:
    """Measure generated images and write the scores with their protocol as JSON.

    Args:
        config: What to measure.

    Returns:
        {"of": source, "images_seen": of the run's generator, "protocol": {...},
        "scores": {name: value}, "undefined": {name: reason}, "seconds": duration}. A
        score that is not defined for these sets is None, and "undefined" says why.

    Raises:
        InputError: Arguments, files or a dataset that cannot be used.

    Example:
        >>> evaluate(Config(run=Path("runs/glyphs")))["scores"]["frechet_distance"]
        8.1
    """
    check(config)
    cli.import_tensorflow()
    from gan.metrics import generated, scores
    from gan.metrics.reference import reference_statistics

    started = time.perf_counter()
    dataset, fake = load_sets(config)
    real = reference_statistics(
        dataset, config.features, config.count, config.seed, config.cache_dir
    )
    images = generated.to_channels(fake.images, dataset.images.shape[3])
    values, undefined = without_nan(scores.scores(real, images, config.seed), scores.REASONS)
    found = {
        "of": fake.source,
        "images_seen": _images_seen(config),
        "protocol": protocol(config, real, fake),
        "scores": values,
        "undefined": undefined,
        "seconds": round(time.perf_counter() - started, 1),
    }
    out = output(config)
    files.write_json(out, found)
    for title, skipped in (("", dataset.skipped), (f"{fake.source}: ", fake.skipped)):
        if skipped:
            print(f"{title}skipped {len(skipped)} files that cannot be read: {skipped[0]}")
    _print(found, out)
    return found


def _images_seen(config: Config) -> int | None:
    """Return how long a run's generator was trained, which tells its states apart."""
    if config.run is None:
        return None
    return generator_file.find(config.run, config.checkpoint).images_seen


def without_nan(
    values: Mapping[str, Any], reasons: Mapping[str, str]
) -> tuple[dict[str, Any], dict[str, str]]:
    """Replace NaN and infinities, which JSON cannot hold, by None.

    Args:
        values: {name: number, or a dictionary of numbers}.
        reasons: {name: why it is not defined}.

    Returns:
        The values, and {name: reason} of those that were replaced.

    Example:
        >>> without_nan({"error": float("nan")}, {"error": "one block"})
        ({'error': None}, {'error': 'one block'})
    """
    plain, undefined = {}, {}
    for name, value in values.items():
        if isinstance(value, Mapping):
            plain[name], inner = without_nan(value, {})
            undefined |= {f"{name}.{key}": reason for key, reason in inner.items()}
        elif math.isfinite(value):
            plain[name] = value
        else:
            plain[name], undefined[name] = None, reasons.get(name, f"the value is {value}")
    return plain, undefined


def _print(found: Mapping, out: Path) -> None:
    print(f"{found['of']}: {found['protocol']['fake']} against {found['protocol']['real']}")
    print(f"features: {found['protocol']['features']}")
    for name, value in found["scores"].items():
        if name == "class_shares_fake":
            ordered = sorted(value.items(), key=lambda item: item[1])
            rare = ", ".join(f"{label} {100 * share:.1f} %" for label, share in ordered[:5])
            print(f"{'rarest classes':40} {rare}")
        elif isinstance(value, dict):
            print(
                f"{name:40} "
                + ", ".join(f"{k} px {v:.4f}" for k, v in value.items() if v is not None)
            )
        elif value is None:
            print(f"{name:40} not defined: {found['undefined'][name]}")
        else:
            print(f"{name:40} {value:10.4f}")
    print(printable(f"scores with their protocol: {out}"))


def main() -> int:
    """Run the command line."""
    evaluate(cli.parse(Config, PROGRAM, None))
    return 0


if __name__ == "__main__":
    cli.run(main)
