"""What does `--balance auto` buy when there are only a few hundred pictures?

    python -m experiments.few_pictures --dataset glyphs --pictures 200 --minutes 2

Trains twice on the same few pictures of a dataset, without and with
`--balance auto`, and measures both against the rest, which neither
has seen: the Frechet distance on the features of a classifier trained on the
rest's labels, of the last and of the best state by the training's own score.
Takes a little more than twice the minutes. Expected: at most half the distance.
Writes runs/few_pictures.json and both grids beside it.
"""

import shutil
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from common import cli, files
from common import images as image_io
from experiments.lab import part, whole_run
from gan.config import BalanceConfig, Config, DataConfig, RunConfig, StopConfig


@dataclass(frozen=True)
class Options:
    """Trains without and with the balance, one after the other."""

    dataset: str = "glyphs"
    """A dataset with labels."""
    pictures: int = 200
    """How many to train on."""
    minutes: float = 2.0
    """For each of the two."""
    count: int = 5000
    """Samples and held-out pictures for the distance."""
    seed: int = 0
    """Of everything."""
    out: Path = Path("runs/few_pictures.json")
    """The metrics."""


def main() -> int:
    options = cli.parse(Options, "python -m experiments.few_pictures", None)
    cli.import_tensorflow()
    from gan.data import load
    from gan.generate import draw, draw_latents, load_generator
    from gan.metrics.reference import reference_statistics
    from gan.metrics.scores import frechet

    cache = Config().run.cache_dir
    whole = load.load(options.dataset, cache)
    order = np.random.default_rng(options.seed).permutation(len(whole))
    parts = {
        name: part(
            whole,
            index,
            f"{Path(whole.name).name}-{name}-{options.pictures}",
            f"{name}-{options.pictures}-{options.seed}",
        )
        for name, index in (
            ("few", order[: options.pictures]),
            ("rest", order[options.pictures :]),
        )
    }
    real = reference_statistics(parts["rest"], "classifier", options.count, 0, cache)
    found = {}
    for name, balance in (
        ("without", BalanceConfig()),
        ("with", BalanceConfig(mode="auto")),
    ):
        config = Config(
            data=DataConfig(dataset=options.dataset, conditional="off"),
            seed=options.seed,
            balance=balance,
            stop=StopConfig(max_minutes=options.minutes),
            run=RunConfig(run_dir=options.out.with_suffix("") / name),
        )
        shutil.rmtree(config.run.run_dir, ignore_errors=True)  # of an earlier comparison
        folder = whole_run(config, pictures=parts["few"]).folder
        found[name] = {}
        for state in ("last", "best"):
            generator, _ = load_generator(folder, state)
            latents = draw_latents(options.count, generator.inputs[0].shape[-1], 1)
            fake = draw(generator, latents, np.zeros(len(latents), np.int32))
            found[name][state] = frechet(real, fake)
        image_io.write_image(
            options.out.with_name(f"few_pictures_{name}.png"), image_io.grid(fake[:144])
        )
    few = real.features_of.extract(parts["few"].images)
    from gan.metrics.distances import frechet_distance, gaussian

    found["the few pictures themselves"] = frechet_distance(gaussian(real.features), gaussian(few))
    print(f"Frechet distance to {len(real.index)} held-out pictures; {real.features_of.protocol}")
    for name, value in found.items():
        print(f"{name:30} {value}")
    files.write_json(options.out, {"protocol": real.features_of.protocol, "frechet": found})
    print(f"metrics: {options.out}")
    return 0


if __name__ == "__main__":
    cli.run(main)
