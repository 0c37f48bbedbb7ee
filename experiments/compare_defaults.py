"""Are the defaults of training the best for one, three and ten minutes?

    python -m experiments.compare_defaults
    python -m experiments.compare_defaults --minutes 1 3 --variants default "width 24"

Trains each variant once for the longest time and measures its averaged
generator at each of the times on the way: the Frechet distance of 5,000 samples
on the features of a classifier. Measuring does not count as time. Run it on a
quiet machine; it takes variants x (longest time + about a minute). Every result
is a file under runs/compare_defaults, so it goes on where it was.
"""

import dataclasses
import json
import shutil
import time
from dataclasses import dataclass
from pathlib import Path

from tqdm import tqdm

from common import cli, files
from common.runs import plain
from experiments.lab import Change, both, choose, measure, rate, read, whole_run, with_
from gan.config import Config, DataConfig, RunConfig, StopConfig


def falling(kimg: float) -> Change:
    """Both rates are halved after so many thousand images, and go on falling."""
    return both(
        *(with_(n, schedule="inverse", decay_kimg=kimg) for n in ("generator", "discriminator"))
    )


BATCH_64, BATCH_128 = with_(batch_size=64), with_(batch_size=128)
VARIANTS: dict[str, Change] = {
    "default": both(),
    "balance auto": with_("balance", mode="auto"),
    "falling rates": falling(400.0),
    "half the rates": both(rate("generator", 0.5), rate("discriminator", 0.5)),
    "width 24": with_("networks", width=24),
    "width 48": with_("networks", width=48),
    "batch of 32": with_(batch_size=32),
    "batch of 64": BATCH_64,
    "batch of 64, width 24": both(BATCH_64, with_("networks", width=24)),
    "batch of 128": BATCH_128,
    "batch of 128, falling rates": both(BATCH_128, falling(400.0)),
    "batch of 512": with_(batch_size=512),
    "R1, layer norm": both(with_(penalty="r1"), with_("networks", normalization="layer")),
}


@dataclass(frozen=True)
class Options:
    """Runs what is missing of the comparison, and shows all that is there."""

    dataset: str = "glyphs"
    """A dataset with labels."""
    minutes: tuple[float, ...] = (1.0, 3.0, 10.0)
    """When to measure, in ascending order; the last ends the run."""
    variants: tuple[str, ...] = ()
    """Some of them; all by default."""
    seed: int = 0
    """Of every run."""
    out: Path = Path("runs/compare_defaults")
    """Where the results are kept."""


def place(options: Options, variant: str) -> Path:
    times = "_".join(f"{minutes:g}" for minutes in options.minutes)
    name = f"{Path(options.dataset).name}_{times}min_seed{options.seed}"
    return options.out / name / f"{variant.replace(', ', '_').replace(' ', '_')}.json"


def one(options: Options, variant: str) -> None:
    """Trains one variant, measures it on the way, and writes its result."""
    import keras

    from gan.data import load

    keras.backend.clear_session()
    path = place(options, variant)
    run = RunConfig(run_dir=path.with_suffix(""))
    config = VARIANTS[variant](
        Config(
            data=DataConfig(dataset=options.dataset),
            seed=options.seed,
            stop=StopConfig(  # the callback ends it sooner
                max_minutes=2.0 * options.minutes[-1] + 3.0, evaluate_every=0
            ),
            run=run,
        )
    )
    whole = load.load(options.dataset, run.cache_dir)
    shutil.rmtree(run.run_dir, ignore_errors=True)
    waiting, found = list(options.minutes), {}

    class MeasureOnTheWay(keras.callbacks.Callback):
        def on_train_begin(self, logs=None):
            self.began = time.perf_counter()

        def on_train_batch_end(self, batch, logs=None):
            spent = time.perf_counter() - self.began
            if waiting and spent >= 60 * waiting[0]:
                kimg = int(self.model.images_seen.numpy()) / 1000
                found[f"{waiting.pop(0):g}"] = {"kimg": kimg, **measure(self.model, whole)}
                self.began += time.perf_counter() - self.began - spent
            self.model.stop_training = self.model.stop_training or not waiting

    whole_run(config, callbacks=[MeasureOnTheWay()], pictures=whole)
    summary = json.loads((run.run_dir / "summary.json").read_text())
    shutil.rmtree(run.run_dir)
    if not waiting:
        files.write_json(
            path,
            {
                "variant": variant,
                "at_minutes": found,
                "alarms": summary["alarms"],
                "metrics": summary["metrics"],
            },
        )


def main() -> int:
    options = cli.parse(Options, "python -m experiments.compare_defaults", None)
    wanted = choose("--variants", options.variants, VARIANTS)
    cli.import_tensorflow()
    for variant in tqdm([v for v in wanted if not place(options, v).exists()], desc="variants"):
        one(options, variant)
    rows = read(place(options, variant) for variant in wanted)
    times = [f"{minutes:g}" for minutes in options.minutes]
    print("Frechet distance (thousand images) after so many minutes")
    print(f"{'':20} " + " ".join(f"{minutes:>14}" for minutes in times))
    for row in rows:
        at = row["at_minutes"]
        cells = (f"{at[t]['frechet_distance']:.2f} ({at[t]['kimg']:.0f})" for t in times)
        print(f"{row['variant']:20} " + " ".join(f"{cell:>14}" for cell in cells))
    out = place(options, "x").with_name("table.json")
    files.write_json(out, {"options": plain(dataclasses.asdict(options)), "rows": rows})
    print(f"table: {out}")
    return 0


if __name__ == "__main__":
    cli.run(main)
