"""Which control rescues which failure_mode? A stress suite for GAN training.

    python -m experiments.balance_lab
    python -m experiments.balance_lab --controls none auto --seeds 1 --dataset mnist

Trains a small GAN in every combination of a failure_mode, a control and a seed, all
for the same number of images, and measures each: the Frechet distance of 5,000
samples to 5,000 pictures of the dataset, on the features of a classifier, and
whether the detector of gan/health.py spoke up. Every result is a file of its
own under runs/balance_lab, so an interrupted lab goes on where it was;
table.json and table.png are made of whatever is there. Ninety runs took 22
minutes on two busy cores, so the whole suite of 805 takes some three hours.
"""

import dataclasses
import json
import shutil
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING

from tqdm import tqdm

from common import cli, errors, files
from experiments.lab import (
    Change,
    both,
    choose,
    measure,
    part,
    quietly,
    rate,
    save_figure,
    whole_run,
    with_,
)
from gan.config import Config, DataConfig, NetworkConfig, RunConfig, StopConfig
from gan.validation import check as check_config

if TYPE_CHECKING:
    from gan.data.base import Pictures

SICK, HEALED = 3.0, 1.5  # times the healthy distance
TOGETHER = 24  # runs before the processes are renewed, which frees their memory


@dataclass(frozen=True)
class Options:
    """Runs what is missing of the suite, and shows all that is there."""

    dataset: str = "glyphs"
    """A dataset with labels."""
    resolution: int = 16
    """Pixels of a side."""
    kimg: float = 60.0
    """Thousand images for each run."""
    seeds: int = 5
    """Runs of every combination."""
    controls: tuple[str, ...] = ()
    """Some of them; all by default."""
    failure_modes: tuple[str, ...] = ()
    """Some of them; all by default."""
    jobs: int = 2
    """Runs at the same time, each with one thread."""
    out: Path = Path("runs/balance_lab")
    """Where the results are kept."""


WIDTH, BATCH_SIZE = 16, 64
BARE = with_("networks", normalization="none")
SICKNESSES: dict[str, Change] = {
    "healthy": both(),
    "discriminator rate x10": rate("discriminator", 10),
    "discriminator rate x30": rate("discriminator", 30),
    "generator rate x10": rate("generator", 10),
    "generator rate x30": rate("generator", 30),
    "discriminator 4 times as wide": with_("networks", discriminator_width=4 * WIDTH),
    "a tenth of the data": both(),
    "200 pictures": with_("data", conditional="on"),
    "no normalization": BARE,
    "batch of 8": with_(batch_size=8),
    "labels imbalanced 100:1": with_("data", conditional="on"),
    "no normalization, D rate x10": both(BARE, rate("discriminator", 10)),
    "no normalization, D rate x30": both(BARE, rate("discriminator", 30)),
    "minimax loss, same, D rate x10": both(BARE, with_(loss="minimax"), rate("discriminator", 10)),
    "least squares, same, D rate x10": both(
        BARE, with_(loss="least_squares"), rate("discriminator", 10)
    ),
    "hinge loss, same, D rate x30": both(BARE, with_(loss="hinge"), rate("discriminator", 30)),
    "5 generator steps a round": with_("balance", generator_steps=5),
    "Adam's beta_1 0.9": both(with_("generator", beta_1=0.9), with_("discriminator", beta_1=0.9)),
}


def controls(kimg: float) -> dict[str, Change]:
    return {
        "none": both(),
        "pause at .85": with_("balance", pause_accuracy=0.85, resume_accuracy=0.75),
        "smoothing .1": with_("balance", label_smoothing=0.1),
        "flips .05": with_("balance", label_flips=0.05),
        "noise .3 to 0": with_("balance", instance_noise=0.3, instance_noise_kimg=kimg),
        "gradient norm 1": both(
            with_("generator", clip_norm=1.0), with_("discriminator", clip_norm=1.0)
        ),
        "D rate /4": rate("discriminator", 0.25),
        "augment to .6": with_("balance", augment_target=0.6),
        "auto": with_("balance", mode="auto"),
    }


def subset(whole: "Pictures", failure_mode: str, seed: int) -> "Pictures":
    """The pictures that a failure_mode leaves."""
    import numpy as np

    random = np.random.default_rng(seed)
    order = random.permutation(len(whole))
    if failure_mode == "a tenth of the data":
        index = order[: len(whole) // 10]
    elif failure_mode == "200 pictures":
        index = order[:200]
    elif failure_mode.startswith("labels imbalanced"):
        classes = len(whole.class_names)
        kept = 100.0 ** (-np.asarray(whole.labels)[order] / (classes - 1))
        index = order[random.random(len(order)) < kept]
    else:
        return whole
    return part(whole, index, failure_mode, f"{failure_mode}-{seed}")


def settings(options: Options, failure_mode: str, control: str, seed: int, count: int) -> Config:
    """The configuration of a run on `count` pictures."""
    config = Config(
        data=DataConfig(dataset=options.dataset, resolution=options.resolution),
        batch_size=BATCH_SIZE,
        networks=NetworkConfig(width=WIDTH),
        seed=seed,
        stop=StopConfig(epochs=1000 * options.kimg / count, evaluate_every=0),
    )
    config = controls(options.kimg)[control](SICKNESSES[failure_mode](config))
    run = RunConfig(
        run_dir=_place(options, failure_mode, control, seed).with_suffix(""),
        tick_kimg=options.kimg / 20,
        steps_per_execution=max(1, round(options.kimg / 60 * 1000 / config.batch_size)),
    )
    return dataclasses.replace(config, run=run)


def one(options: Options, failure_mode: str, control: str, seed: int) -> None:
    """Trains and measures one run, and writes its result."""
    with quietly():
        _one(options, failure_mode, control, seed)


def _one(options: Options, failure_mode: str, control: str, seed: int) -> None:
    import keras

    from gan.data import load

    keras.backend.clear_session()
    whole = load.load(options.dataset, Config().run.cache_dir, options.resolution)
    pictures = subset(whole, failure_mode, seed)
    config = settings(options, failure_mode, control, seed, len(pictures))
    shutil.rmtree(config.run.run_dir, ignore_errors=True)  # half a run, from a lab cut short
    result = whole_run(config, pictures=pictures)
    found = measure(result.gan, whole)
    rows = (config.run.run_dir / "metrics.jsonl").read_text().splitlines()
    shutil.rmtree(config.run.run_dir)
    files.write_json(
        _place(options, failure_mode, control, seed),
        {
            "status": result.status,
            **found,
            "ticks": [json.loads(row) for row in rows],
        },
    )


def _place(options: Options, failure_mode: str, control: str, seed: int) -> Path:
    def plain(text: str) -> str:
        return "".join(c if c.isalnum() else "_" for c in text)

    name = f"{Path(options.dataset).name}_{options.resolution}px_{options.kimg:g}kimg"
    return options.out / name / plain(failure_mode) / f"{plain(control)}-{seed}.json"


def _prepare() -> None:
    """A worker of one thread."""
    cli.import_tensorflow()
    import tensorflow as tf

    tf.config.threading.set_intra_op_parallelism_threads(1)
    tf.config.threading.set_inter_op_parallelism_threads(1)


def run_missing(options: Options, chosen: list[tuple[str, str, int]]) -> None:
    """Everything of `chosen` that has no result yet."""
    missing = [key for key in chosen if not _place(options, *key).exists()]
    with tqdm(total=len(missing), desc="runs", smoothing=0.02) as bar:
        for start in range(0, len(missing), TOGETHER):
            with ProcessPoolExecutor(
                options.jobs, mp_context=get_context("spawn"), initializer=_prepare
            ) as pool:
                keys = missing[start : start + TOGETHER]
                waiting = [pool.submit(one, options, *key) for key in keys]
                try:
                    for done in as_completed(waiting):
                        done.result()
                        bar.update()
                except BaseException:
                    pool.shutdown(cancel_futures=True)
                    raise


def judge(runs: dict[int, dict], healthy: float, recall: float) -> dict:
    """What became of the runs, by seed, of one failure_mode under one control.

    A run is sick beyond `SICK` times the healthy distance and healed within
    `HEALED` times; it has collapsed or diverged if it ended non-finite, beyond
    ten times, or with a tenth of the healthy recall.
    """
    found = list(runs.values())
    distances = [run["frechet_distance"] for run in found]
    return {
        "seeds": list(runs),
        "runs": len(found),
        "frechet_distance": median(distances),
        "ratio": median(distances) / healthy,
        "ratios": [distance / healthy for distance in distances],
        "healthy": sum(distance <= HEALED * healthy for distance in distances),
        "sick": sum(distance > SICK * healthy for distance in distances),
        "collapsed": [collapsed(run, healthy, recall) for run in found],
        "alarms": [first_alarm(run["ticks"]) for run in found],
        "in_time": [in_time(run["ticks"]) for run in found],
    }


def collapsed(run: dict, healthy: float, recall: float) -> bool:
    return (
        run["status"] == "diverged"
        or run["frechet_distance"] > 10.0 * healthy
        or run["recall"] < 0.1 * recall
    )


def first_alarm(ticks: list[dict]) -> tuple[int, list[str]] | None:
    """When the detector would have spoken, in images, and of what."""
    from gan.metrics.collapse import WARMUP, Watch

    watch = Watch()
    for tick in ticks:
        new = watch.look(tick) if tick["images"] >= WARMUP else []
        if new:
            return int(tick["images"]), new
    return None


def in_time(ticks: list[dict]) -> bool:
    """Whether the alarm came before a quarter of what was left was wasted.

    Wasted is what follows the run's best tick by its own sliced Wasserstein distance.
    """
    alarm = first_alarm(ticks)
    if alarm is None or not ticks:
        return False
    best = min(ticks, key=lambda tick: tick["quality/sliced_wasserstein"])["images"]
    return alarm[0] <= best + 0.25 * (ticks[-1]["images"] - best)


def table(options: Options, names: list[str], wanted: list[str]) -> dict[str, dict[str, dict]]:
    """Sickness to control to what became of it, of all results that are there."""

    def results(failure_mode: str, control: str) -> dict[int, dict]:
        paths = {
            seed: _place(options, failure_mode, control, seed) for seed in range(options.seeds)
        }
        return {seed: json.loads(p.read_text()) for seed, p in paths.items() if p.exists()}

    reference = results("healthy", "none").values()
    healthy = median(run["frechet_distance"] for run in reference)
    recall = median(run["recall"] for run in reference)
    rows = {
        failure_mode: {
            control: judge(found, healthy, recall)
            for control in wanted
            if (found := results(failure_mode, control))
        }
        for failure_mode in names
    }
    return {failure_mode: row for failure_mode, row in rows.items() if row}


def show(rows: dict[str, dict[str, dict]], wanted: list[str]) -> None:
    width = max(map(len, rows))
    print(f"{'Frechet distance over the healthy':{width}} " + " ".join(f"{c:>15}" for c in wanted))
    for failure_mode, row in rows.items():
        cells = (
            f"{row[c]['ratio']:8.2f} {row[c]['healthy']:>2}/{row[c]['runs']} ok"
            if c in row
            else "-"
            for c in wanted
        )
        print(f"{failure_mode:{width}} " + " ".join(f"{cell:>15}" for cell in cells))


def verdict(rows: dict[str, dict[str, dict]]) -> dict[str, object]:
    """The suite as a whole: how sick, how many rescued, how well noticed."""
    sick = {name: row for name, row in rows.items() if name != "healthy"}
    untreated = [row["none"] for row in sick.values() if "none" in row]
    rescued = []
    for row in sick.values():
        before, after = (
            dict(zip(row[control]["seeds"], row[control]["ratios"], strict=True))
            if control in row
            else {}
            for control in ("none", "auto")
        )
        paired = before.keys() & after.keys()
        rescued += [after[seed] <= HEALED for seed in paired if before[seed] > SICK]
    flagged = [
        (collapse, early)
        for row in untreated
        for collapse, early in zip(row["collapsed"], row["in_time"], strict=True)
    ]
    healthy = rows.get("healthy", {})
    return {
        "untreated runs": sum(row["runs"] for row in untreated),
        "of them sick": sum(row["sick"] for row in untreated),
        "of these healthy under auto": f"{sum(rescued)} of {len(rescued)}",
        "the healthy configuration, auto over none": healthy.get("auto", {}).get("ratio"),
        "untreated runs that collapsed or diverged": sum(collapse for collapse, _ in flagged),
        "of them flagged in time": sum(early for collapse, early in flagged if collapse),
        "false alarms on healthy runs": sum(
            alarm is not None for alarm in healthy.get("none", {}).get("alarms", ())
        ),
    }


def main() -> int:
    options = cli.parse(Options, "python -m experiments.balance_lab", None)
    names = choose("--failure_modes", options.failure_modes, SICKNESSES)
    wanted = choose("--controls", options.controls, controls(options.kimg))
    chosen = [("healthy", "none", seed) for seed in range(options.seeds)]  # all are measured by
    chosen += [
        (failure_mode, control, seed)
        for seed in range(options.seeds)
        for control in wanted
        for failure_mode in names
        if _possible(options, failure_mode, control)
        and (failure_mode, control) != ("healthy", "none")
    ]
    run_missing(options, chosen)
    rows = table(options, names, wanted)
    show(rows, wanted)
    summary = verdict(rows)
    for name, value in summary.items():
        print(f"{name}: {value}")
    out = _place(options, "x", "x", 0).parent.parent
    files.write_json(out / "table.json", {"rows": rows, "verdict": summary})
    draw_figure(rows, wanted, out / "table.png")
    print(f"table: {out}/table.json | figure: {out}/table.png")
    return 0


def _possible(options: Options, failure_mode: str, control: str) -> bool:
    """Whether the control exists for the failure_mode's loss."""
    try:
        config = settings(options, failure_mode, control, 0, 1000)
        check_config(dataclasses.replace(config, run=RunConfig()))
    except errors.InputError:
        return False
    return True


def draw_figure(rows: dict[str, dict[str, dict]], wanted: list[str], path: Path) -> None:
    """Sicknesses by controls, coloured by the distance over the healthy one."""
    import matplotlib

    matplotlib.use("Agg")
    import numpy as np
    from matplotlib import pyplot as plt
    from matplotlib.colors import LogNorm

    values = np.array(
        [[row.get(c, {}).get("ratio", np.nan) for c in wanted] for row in rows.values()]
    )
    figure, axes = plt.subplots(figsize=(1.1 * len(wanted) + 3.6, 0.36 * len(rows) + 1.4))
    axes.imshow(values, cmap="RdYlGn_r", norm=LogNorm(0.7, 30), aspect="auto")
    axes.set_xticks(range(len(wanted)), wanted, rotation=30, ha="left")
    axes.xaxis.tick_top()
    axes.set_yticks(range(len(rows)), list(rows))
    for y, row in enumerate(rows.values()):
        for x, control in enumerate(wanted):
            if control in row:
                cell = row[control]
                text = f"{cell['ratio']:.1f}\n{cell['healthy']}/{cell['runs']}"
                axes.text(x, y, text, ha="center", va="center", fontsize=7)
    axes.set_xlabel("Frechet distance over the healthy one; how many runs ended within 1.5 times")
    save_figure(figure, path)
    plt.close(figure)


if __name__ == "__main__":
    cli.run(main)
