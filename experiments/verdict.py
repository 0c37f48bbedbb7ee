"""Judge training runs: did they fail, did a control help, did the alarms notice in time?"""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from statistics import median

import numpy as np

from experiments import report
from gan.metrics.collapse import WARMUP, Watch

FAILED, HEALTHY = 3.0, 1.5  # times the Frechet distance of the healthy configuration
BASELINE = ("healthy", "none")
Rows = Mapping[str, Mapping[str, dict]]  # failure mode to control to what `judge` returns


def rows(found: Mapping[tuple[str, str], Mapping[int, dict]]) -> dict[str, dict[str, dict]]:
    """Judge all results of a sweep against its healthy configuration.

    Args:
        found: (failure mode, control) to seed to result, with `BASELINE` among them.
    """
    healthy = median(run["frechet_distance"] for run in found[BASELINE].values())
    recall = median(run["recall"] for run in found[BASELINE].values())
    judged: dict[str, dict[str, dict]] = {}
    for (failure_mode, control), runs in found.items():
        judged.setdefault(failure_mode, {})[control] = judge(runs, healthy, recall)
    return judged


def judge(runs: Mapping[int, dict], healthy: float, recall: float) -> dict:
    """Summarize the runs of one failure mode under one control.

    A run has failed beyond `FAILED` times the healthy distance and is healthy
    within `HEALTHY` times.

    Args:
        runs: Seed to result.
        healthy: Median Frechet distance of the healthy configuration.
        recall: Its median recall.
    """
    found = list(runs.values())
    distances = [run["frechet_distance"] for run in found]
    return {
        "seeds": list(runs),
        "runs": len(found),
        "frechet_distance": median(distances),
        "ratio": median(distances) / healthy,
        "ratios": [distance / healthy for distance in distances],
        "healthy": sum(distance <= HEALTHY * healthy for distance in distances),
        "failed": sum(distance > FAILED * healthy for distance in distances),
        "collapsed": [collapsed(run, healthy, recall) for run in found],
        "alarms": [first_alarm(run["ticks"]) for run in found],
        "in_time": [in_time(run["ticks"]) for run in found],
    }


def collapsed(run: Mapping, healthy: float, recall: float) -> bool:
    """Whether a run ended non-finite, beyond 10 times the distance, or at a tenth of the recall."""
    return (
        run["status"] == "diverged"
        or run["frechet_distance"] > 10.0 * healthy
        or run["recall"] < 0.1 * recall
    )


def first_alarm(ticks: Iterable[Mapping[str, float]]) -> tuple[int, list[str]] | None:
    """Return when the collapse detection raises its first alarm, in images, and which ones."""
    watch = Watch()
    for tick in ticks:
        new = watch.update(tick) if tick["images"] >= WARMUP else []
        if new:
            return int(tick["images"]), new
    return None


def in_time(ticks: Sequence[Mapping[str, float]]) -> bool:
    """Whether the alarm came within the first quarter of the wasted part of a run.

    Wasted is what follows the run's best tick by its sliced Wasserstein distance.
    """
    alarm = first_alarm(ticks)
    if alarm is None or not ticks:
        return False
    best = min(ticks, key=lambda tick: tick["quality/sliced_wasserstein"])["images"]
    return alarm[0] <= best + 0.25 * (ticks[-1]["images"] - best)


def verdict(rows: Rows) -> dict[str, object]:
    """Summarize all failure modes: how many failed, were fixed by `auto`, and were noticed."""
    failing = [row for name, row in rows.items() if name != BASELINE[0]]
    untreated = [row["none"] for row in failing if "none" in row]
    fixed: list[bool] = []
    for row in failing:
        before, after = (_by_seed(row.get(control)) for control in ("none", "auto"))
        paired = before.keys() & after.keys()
        fixed += [after[seed] <= HEALTHY for seed in paired if before[seed] > FAILED]
    noticed = [
        (collapse, early)
        for row in untreated
        for collapse, early in zip(row["collapsed"], row["in_time"], strict=True)
    ]
    healthy = rows.get(BASELINE[0], {})
    return {
        "untreated runs": sum(row["runs"] for row in untreated),
        "of them failed": sum(row["failed"] for row in untreated),
        "of these healthy under auto": f"{sum(fixed)} of {len(fixed)}",
        "the healthy configuration, auto over none": healthy.get("auto", {}).get("ratio"),
        "untreated runs that collapsed or diverged": sum(collapse for collapse, _ in noticed),
        "of them noticed in time": sum(early for collapse, early in noticed if collapse),
        "false alarms on healthy runs": sum(
            alarm is not None for alarm in healthy.get("none", {}).get("alarms", ())
        ),
    }


def _by_seed(judged: Mapping | None) -> dict[int, float]:
    """The distances over the healthy one by seed."""
    return dict(zip(judged["seeds"], judged["ratios"], strict=True)) if judged else {}


def show(found: report.Results, options: report.Options, folder: Path) -> None:
    """Print and draw distances over the healthy one, and what they amount to."""
    judged = rows(found)
    controls = list(dict.fromkeys(control for _, control in found))
    grid = {name: [row.get(control) for control in controls] for name, row in judged.items()}
    texts = {
        name: [f"{c['ratio']:.2f} {c['healthy']}/{c['runs']}" if c else "-" for c in row]
        for name, row in grid.items()
    }
    report.table("Frechet distance over the healthy one, healthy runs", controls, texts)
    summary = verdict(judged)
    print(*(f"{name}: {value}" for name, value in summary.items()), sep="\n")
    values = np.array([[c["ratio"] if c else np.nan for c in row] for row in grid.values()])
    figure = report.heat_map(
        values,
        [[text.replace(" ", "\n") for text in row] for row in texts.values()],
        (list(judged), controls),
        f"Frechet distance over the healthy one; runs within {HEALTHY} times",
    )
    report.save(folder, options, figure, rows=judged, verdict=summary)
