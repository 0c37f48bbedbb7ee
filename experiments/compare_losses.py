"""Which adversarial loss is best, each with its usual penalty, in equal time?

    python -m experiments.compare_losses
    python -m experiments.compare_losses --dataset mnist --minutes 2

Trains every loss with several seeds for the same wall-clock time, one run after
the other on the whole machine, and measures the averaged generator's 5,000
samples: Frechet distance on a classifier's features, recall and coverage. Takes
variants x seeds x (minutes + about 15 s). Every result is a file under
runs/compare_losses, so an interrupted comparison goes on where it was; the
table and the figure are made of whatever is there.
"""

import dataclasses
import shutil
from dataclasses import dataclass
from pathlib import Path
from statistics import median_high

from tqdm import tqdm

from common import cli, files
from common.runs import plain
from experiments.lab import Change, both, choose, measure, read, save_figure, whole_run, with_
from gan.config import Config, DataConfig, RunConfig, StopConfig

LAYER = with_("networks", normalization="layer")
VARIANTS: dict[str, Change] = {
    "non-saturating": both(),
    "non-saturating, R1": both(LAYER, with_(penalty="r1", penalty_weight=1.0)),
    "minimax": with_(loss="minimax"),
    "least squares": with_(loss="least_squares"),
    "hinge, spectral norm": both(with_(loss="hinge"), with_("networks", normalization="spectral")),
    "Wasserstein, gradient penalty": both(
        LAYER,
        with_(loss="wasserstein", penalty="wgan_gp", penalty_weight=10.0),
        with_("balance", discriminator_steps=5),
    ),
    "Wasserstein, weight clipping": both(
        LAYER,
        with_(loss="wasserstein"),
        with_("balance", discriminator_steps=5, weight_clip=0.05),
    ),
    "relativistic, R1 and R2": both(
        LAYER, with_(loss="relativistic", penalty="r1_r2", penalty_weight=1.0)
    ),
}


@dataclass(frozen=True)
class Options:
    """Runs what is missing of the comparison, and shows all that is there."""

    dataset: str = "glyphs"
    """A dataset with labels."""
    minutes: float = 0.5
    """Wall-clock for each run."""
    seeds: int = 3
    """Runs of every variant."""
    batch_size: int = Config.batch_size
    """Pictures per update."""
    variants: tuple[str, ...] = ()
    """Some of them; all by default."""
    out: Path = Path("runs/compare_losses")
    """Where the results are kept."""


def settings(options: Options, variant: str, seed: int) -> Config:
    config = Config(
        data=DataConfig(dataset=options.dataset),
        batch_size=options.batch_size,
        seed=seed,
        stop=StopConfig(max_minutes=options.minutes, evaluate_every=0),
        run=RunConfig(run_dir=place(options, variant, seed).with_suffix("")),
    )
    return VARIANTS[variant](config)


def place(options: Options, variant: str, seed: int) -> Path:
    name = f"{Path(options.dataset).name}_{options.minutes:g}min_batch{options.batch_size}"
    return options.out / name / f"{variant.replace(', ', '_').replace(' ', '_')}-{seed}.json"


def one(options: Options, variant: str, seed: int) -> None:
    """Trains and measures one run, and writes its result."""
    import keras

    from common import images as image_io
    from gan.data import load
    from gan.generate import draw, draw_latents, labels_in_turn

    keras.backend.clear_session()
    config = settings(options, variant, seed)
    whole = load.load(options.dataset, config.run.cache_dir)
    shutil.rmtree(config.run.run_dir, ignore_errors=True)
    result = whole_run(config, pictures=whole)
    gan, path = result.gan, place(options, variant, seed)
    if seed == 0:
        labels = labels_in_turn(72, len(whole.class_names))
        fake = draw(gan.ema_generator, draw_latents(72, gan.latent_size, 0), labels)
        image_io.write_image(path.with_suffix(".png"), image_io.grid(fake, 12))
    found = {
        "kimg": int(gan.images_seen.numpy()) / 1000,
        "status": result.status,
        **measure(gan, whole),
    }
    shutil.rmtree(config.run.run_dir)
    files.write_json(path, found)


def main() -> int:
    options = cli.parse(Options, "python -m experiments.compare_losses", None)
    wanted = choose("--variants", options.variants, VARIANTS)
    chosen = [(variant, seed) for seed in range(options.seeds) for variant in wanted]
    missing = [key for key in chosen if not place(options, *key).exists()]
    cli.import_tensorflow()
    for variant, seed in tqdm(missing, desc="runs", position=1):
        one(options, variant, seed)
    rows = {
        variant: read(place(options, variant, seed) for seed in range(options.seeds))
        for variant in wanted
    }
    rows = {variant: found for variant, found in rows.items() if found}
    print(f"{'Frechet distance':32} {'each run':>24} {'kimg':>8} {'recall':>8} {'coverage':>9}")
    for variant, found in sorted(rows.items(), key=lambda item: _median(item[1])):
        each = " ".join(f"{run['frechet_distance']:7.1f}" for run in found)
        print(
            f"{variant:32} {each:>24} {_median(found, 'kimg'):8.0f} "
            f"{_median(found, 'recall'):8.2f} {_median(found, 'coverage'):9.2f}"
        )
    out = place(options, "x", 0).parent
    files.write_json(
        out / "table.json", {"options": plain(dataclasses.asdict(options)), "rows": rows}
    )
    draw_figure(rows, options, out / "table.png")
    print(f"table: {out}/table.json | figure: {out}/table.png")
    return 0


def _median(found: list[dict], name: str = "frechet_distance") -> float:
    return median_high(run[name] for run in found)


def draw_figure(rows: dict[str, list[dict]], options: Options, path: Path) -> None:
    """A dot for every run, variants in the order of their medians."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot as plt

    names = sorted(rows, key=lambda name: -_median(rows[name]))
    figure, axes = plt.subplots(figsize=(7.0, 0.4 * len(names) + 1.2))
    for y, name in enumerate(names):
        values = [run["frechet_distance"] for run in rows[name]]
        axes.plot(values, [y] * len(values), "o", alpha=0.7, color="tab:blue")
    axes.set_yticks(range(len(names)), names)
    axes.set_xscale("log")
    axes.set_xlabel(
        f"Frechet distance after {options.minutes:g} minutes on {Path(options.dataset).name}, "
        "less is better"
    )
    axes.grid(axis="x", alpha=0.3, which="both")
    save_figure(figure, path)
    plt.close(figure)


if __name__ == "__main__":
    cli.run(main)
