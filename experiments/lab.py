"""What the comparisons of whole runs share: changes of a configuration, and one measure."""

import contextlib
import dataclasses
import json
import os
from collections.abc import Callable, Collection, Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from common import errors, files
from gan.config import Config

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from gan.data.base import Pictures
    from gan.model import GAN
    from gan.trainer import Result

COUNT = 5000  # samples, and real pictures
MANIFOLD = 2000  # of them for recall and coverage

Change = Callable[[Config], Config]


def rate(network: str, factor: float) -> Change:
    """Another learning rate for "generator" or "discriminator"."""

    def change(config: Config) -> Config:
        optimizer = getattr(config, network)
        faster = dataclasses.replace(optimizer, learning_rate=factor * optimizer.learning_rate)
        return dataclasses.replace(config, **{network: faster})

    return change


def with_(part: str = "", **fields: object) -> Change:
    """Other fields of the configuration, or of the `part` of it."""

    def change(config: Config) -> Config:
        if not part:
            return dataclasses.replace(config, **fields)
        return dataclasses.replace(
            config, **{part: dataclasses.replace(getattr(config, part), **fields)}
        )

    return change


def both(*changes: Change) -> Change:
    """One change after the other; none leaves all as it is."""

    def change(config: Config) -> Config:
        for one in changes:
            config = one(config)
        return config

    return change


@contextlib.contextmanager
def quietly() -> Iterator[None]:
    """Throws away what is printed: a process among others has no terminal of its own."""
    with (
        open(os.devnull, "w") as nowhere,
        contextlib.redirect_stdout(nowhere),
        contextlib.redirect_stderr(nowhere),
    ):
        yield


def whole_run(config: Config, **options: object) -> "Result":
    """`gan.train.train`, but Ctrl-C ends the whole comparison: half a run is no result.

    Raises:
        KeyboardInterrupt: the run was interrupted.
    """
    from gan.trainer import train

    result = train(config, **options)
    if result.status == "interrupted":
        raise KeyboardInterrupt
    return result


def measure(gan: "GAN", whole: "Pictures") -> dict[str, object]:
    """Frechet distance, precision and recall, density and coverage, with their protocol.

    Of the averaged generator, all classes alike, to as many pictures of the dataset.
    """
    from gan.generate import draw, draw_latents, labels_in_turn
    from gan.metrics.distances import frechet_distance, gaussian
    from gan.metrics.neighbors import precision_recall_density_coverage
    from gan.metrics.reference import reference_statistics
    from gan.metrics.scores import NEIGHBOURS

    labels = labels_in_turn(COUNT, len(whole.class_names))
    labels = np.random.default_rng(0).permutation(labels)
    fake = draw(gan.ema_generator, draw_latents(COUNT, gan.latent_size, 1), labels)
    real = reference_statistics(whole, "classifier", COUNT, 0, Config().run.cache_dir)
    features = real.features_of.extract(fake)
    manifold = precision_recall_density_coverage(
        real.features[:MANIFOLD], features[:MANIFOLD], NEIGHBOURS
    )
    return {
        "protocol": f"{real.features_of.protocol}; {COUNT} samples, {len(real.index)} real",
        "frechet_distance": frechet_distance(real.gaussian, gaussian(features)),
        **manifold._asdict(),
    }


def read(paths: Iterable[Path]) -> list[dict]:
    """The results that are there."""
    return [json.loads(path.read_text()) for path in paths if path.exists()]


def choose(flag: str, given: Collection[str], known: Collection[str]) -> list[str]:
    """The names that were given, or all.

    Raises:
        InputError: one that is not known.
    """
    for name in given:
        if name not in known:
            raise errors.InputError(f"{flag}: no {name!r}; expected some of {', '.join(known)}")
    return list(given or known)


def part(whole: "Pictures", index: np.ndarray, name: str, mark: str) -> "Pictures":
    """Some pictures of a dataset, in its order; `mark` tells them from other parts in caches."""
    index = np.sort(index)
    return dataclasses.replace(
        whole,
        name=name,
        images=whole.images[index],
        labels=whole.labels[index],
        fingerprint=f"{whole.fingerprint}-{mark}",
    )


def save_figure(figure: "Figure", path: Path) -> None:
    """Writes a figure of matplotlib as PNG, whole or not at all."""
    figure.tight_layout()
    with files.atomic_path(path) as temporary:
        figure.savefig(temporary, dpi=110, format="png")
