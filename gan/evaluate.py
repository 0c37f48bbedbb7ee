"""How good is a generator? Distances to the real pictures, what is missing, and is it copying?

python -m gan.evaluate --run runs/NAME
python -m gan.evaluate --npz samples.npz --dataset mnist
python -m gan.evaluate --folder pictures/ --dataset glyphs
"""

import math
import time
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import numpy as np

from common import cli, files, npz, runs
from common.files import InputError
from gan import data, metrics
from gan.config import CACHE

if TYPE_CHECKING:
    from gan.features import Features

PROGRAM = "python -m gan.evaluate"
NEIGHBOURS = 5


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


@dataclass(frozen=True)
class RealSide:
    """What stays the same from one evaluation to the next; computed once and cached.

    Attributes:
        index: of the pictures used, (N,).
        features: (N, D) float32.
    """

    pictures: data.Pictures
    features_of: "Features"
    index: np.ndarray
    features: np.ndarray

    @cached_property
    def gaussian(self) -> metrics.Gaussian:
        return metrics.gaussian(self.features)

    @property
    def images(self) -> np.ndarray:
        return self.pictures.images[self.index]


def real_side(pictures: data.Pictures, kind: str, count: int, seed: int, cache: Path) -> RealSide:
    """Features of `count` real pictures at most.

    Raises:
        InputError: a classifier is asked for and the dataset has no labels.
    """
    from gan import features

    labelled = len(pictures.class_names) > 1
    if kind == "auto":
        enough = len(pictures) >= data.MIN_PER_CLASS * len(pictures.class_names)
        kind = "classifier" if labelled and enough else "compact"
    if kind == "classifier" and not labelled:
        raise InputError(
            f"--features classifier: {pictures.name} has no labels; try --features compact"
        )
    makers = {
        "classifier": lambda: features.classifier(pictures, cache),
        "compact": features.compact_features,
        "inception": features.inception_features,
    }
    chosen = makers[kind]()
    order = np.random.default_rng(seed).permutation(len(pictures))
    index = np.sort(order[: min(count, len(pictures))])
    path = (
        cache
        / "features"
        / f"{pictures.fingerprint}-{pictures.images.shape[1]}px-{kind}-{len(index)}-{seed}.npz"
    )
    if path.exists():
        found = npz.read(path)["features"]
    else:
        found = chosen.extract(pictures.images[index]).astype(np.float32)
        with files.atomic_path(path) as temporary:
            np.savez(temporary, features=found)
    return RealSide(pictures, chosen, index, found)


def frechet(real: RealSide, fake: np.ndarray) -> float:
    """The Frechet distance alone, of uint8 pictures (N, H, W, C)."""
    found = real.features_of.extract(fake)
    return metrics.frechet_distance(real.gaussian, metrics.gaussian(found))


def scores(real: RealSide, fake: np.ndarray, seed: int = 0) -> dict[str, float | dict]:
    """All figures for uint8 pictures (N, H, W, C) of the real ones' shape."""
    found = real.features_of.extract(fake)
    count = min(len(found), len(real.features))
    a, b = real.features[:count], found[:count]
    kernel, kernel_error = metrics.kernel_distance(a, b, seed=seed)
    manifold = metrics.coverage(a, b, min(NEIGHBOURS, count - 1))
    images = real.images[:count]
    half = count // 2
    figures: dict[str, float | dict] = {
        "frechet_distance": metrics.frechet_distance(real.gaussian, metrics.gaussian(found)),
        "frechet_distance_of_two_real_halves": metrics.frechet_distance(
            metrics.gaussian(a[:half]), metrics.gaussian(a[half:])
        ),
        "kernel_distance": kernel,
        "kernel_distance_standard_error": kernel_error,
        **manifold._asdict(),
        "sliced_wasserstein_by_level": {
            str(size): value
            for size, value in metrics.laplacian_wasserstein(images, fake[:count], seed).items()
        },
        "ms_ssim_of_fake_pairs": similarity(fake, seed),
        "ms_ssim_of_real_pairs": similarity(images, seed),
        "nearest_training_distance_over_real": 1.0 / metrics.memorisation(b, a[:half], a[half:]),
    }
    if real.features_of.classify is not None:
        classes = len(real.pictures.class_names)
        shares = metrics.class_shares(real.features_of.classify(fake), classes)
        actual = metrics.class_shares(real.pictures.labels[real.index], classes)
        figures |= {
            "class_entropy_fake": metrics.entropy(shares),
            "class_entropy_real": metrics.entropy(actual),
            "class_shares_fake": {
                name: round(float(share), 4)
                for name, share in zip(real.pictures.class_names, shares, strict=True)
            },
        }
    return figures


def similarity(images: np.ndarray, seed: int, pairs: int = 256) -> float:
    """The mean MS-SSIM of random pairs: as high as of real ones if diverse, near 1 if collapsed.

    Odena et al. 2017, section 4.2. Deviations: as many scales as fit the
    pictures, a window of 7 pixels, all kinds of pictures together.
    """
    import tensorflow as tf

    random = np.random.default_rng(seed)
    first, second = (images[random.integers(0, len(images), pairs)] for _ in range(2))
    scales = max(1, min(5, int(math.log2(images.shape[1] / 7)) + 1))
    factors = np.array([0.0448, 0.2856, 0.3001, 0.2363, 0.1333])[:scales]  # Wang et al. 2003
    values = tf.image.ssim_multiscale(
        tf.constant(first), tf.constant(second), 255, tuple(factors / factors.sum()), filter_size=7
    )
    return float(tf.reduce_mean(values))


def protocol(config: Config, real: RealSide, fake: np.ndarray) -> dict[str, object]:
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
        from gan.sample import draw, draw_latents, labels_in_turn, load_generator

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
    pictures = data.load(str(config.folder.absolute()), config.cache_dir)
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
        data.check_dataset(config.dataset)
    if config.run is not None:
        runs.read_config(config.run, "--run")
        runs.Checkpoints(config.run).load(config.checkpoint)


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
    pictures = data.load(name, config.cache_dir, fake.shape[1], fake.shape[3])
    if pictures.images.shape[1:] != fake.shape[1:]:
        raise InputError(
            f"{source}: pictures of shape {fake.shape[1:]}, expected {pictures.images.shape[1:]} "
            f"as in {name}"
        )
    real = real_side(pictures, config.features, config.count, config.seed, config.cache_dir)
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
