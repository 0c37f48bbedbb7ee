"""Tables and plots of a sweep's results."""

import dataclasses
from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import median_high
from typing import Any

import numpy as np
from matplotlib.colors import LogNorm
from matplotlib.figure import Figure

from common import files
from common.runs import plain

Results = Mapping[tuple[str, str], Mapping[int, dict]]  # (row, column) to seed to result
Options = Any  # experiments.sweep.Options, whose module imports this one
METRIC = "frechet_distance"


def show(found: Results, options: Options, folder: Path) -> None:
    """Print and draw the Frechet distance of every row, or of every row and column.

    Args:
        found: The results that exist.
        options: The sweep's command line.
        folder: Where table.json and table.png are written.
    """
    rows = {", ".join(filter(None, names)): list(runs.values()) for names, runs in found.items()}
    rows = dict(sorted(rows.items(), key=lambda item: middle(item[1])))
    if len(options.minutes) > 1 and not options.kimg:
        titles, lines = _by_minutes(rows, options.minutes)
    else:
        titles, lines = _by_run(rows)
    table("Frechet distance", titles, lines)
    figure = dots(
        {name: [run[METRIC] for run in runs] for name, runs in rows.items()},
        f"Frechet distance on {Path(options.dataset).name}, lower is better",
    )
    save(folder, options, figure, rows=rows)


def middle(runs: Sequence[Mapping[str, float]], name: str = METRIC) -> float:
    """The median of a metric over runs; of an even number, the higher of the middle two."""
    return median_high(run[name] for run in runs)


def _by_run(rows: Mapping[str, Sequence[dict]]) -> tuple[list[str], dict[str, list[str]]]:
    """The metric of each run, and medians of the other numbers that all runs have."""
    runs = [run for found in rows.values() for run in found]
    numbers = [name for name, value in runs[0].items() if isinstance(value, int | float)]
    beside = [name for name in numbers if name != METRIC and all(name in run for run in runs)]
    lines = {
        name: [
            " ".join(f"{run[METRIC]:7.2f}" for run in runs),
            *(f"{middle(runs, other):.{0 if other == 'kimg' else 2}f}" for other in beside),
        ]
        for name, runs in rows.items()
    }
    return ["each run", *beside], lines


def _by_minutes(
    rows: Mapping[str, Sequence[dict]], minutes: Sequence[float]
) -> tuple[list[str], dict[str, list[str]]]:
    """Medians of the metric and of thousand images at every time."""
    lines = {}
    for name, runs in rows.items():
        at = [[run["at_minutes"][f"{m:g}"] for run in runs] for m in minutes]
        lines[name] = [f"{middle(one):.2f} ({middle(one, 'kimg'):.0f})" for one in at]
    return [f"{m:g} min (kimg)" for m in minutes], lines


def table(title: str, titles: Sequence[str], rows: Mapping[str, Sequence[str]]) -> None:
    """Print rows of text below titles, aligned.

    Example:
        >>> table("loss", ["each run"], {"hinge": ["20.1 20.4"]})
        loss   each run
        hinge 20.1 20.4
    """
    lines = [(title, *titles), *((name, *cells) for name, cells in rows.items())]
    widths = [max(len(line[i]) for line in lines) for i in range(len(titles) + 1)]
    for first, *others in lines:
        right = (f"{cell:>{width}}" for cell, width in zip(others, widths[1:], strict=True))
        print(f"{first:{widths[0]}}", *right, sep="  ")


def dots(rows: Mapping[str, Sequence[float]], label: str) -> Figure:
    """Draw a dot for every run, one line per row, the first row on top."""
    figure = Figure(figsize=(7.0, 0.4 * len(rows) + 1.2))
    axes = figure.subplots()
    for y, values in enumerate(rows.values()):
        axes.plot(values, [y] * len(values), "o", alpha=0.7, color="tab:blue")
    axes.set_yticks(range(len(rows)), list(rows))
    axes.invert_yaxis()
    axes.set_xscale("log")
    axes.set_xlabel(label)
    axes.grid(axis="x", alpha=0.3, which="both")
    return figure


def heat_map(
    values: np.ndarray,
    texts: Sequence[Sequence[str]],
    axes_names: Sequence[Sequence[str]],
    label: str,
) -> Figure:
    """Draw a table whose colors run from green to red on a logarithmic scale.

    Args:
        values: (rows, columns); NaN leaves a cell white.
        texts: What to write in each cell.
        axes_names: Names of the rows, names of the columns.
        label: What the cells show.
    """
    rows, columns = axes_names
    figure = Figure(figsize=(1.1 * len(columns) + 3.6, 0.36 * len(rows) + 1.4))
    axes = figure.subplots()
    axes.imshow(values, cmap="RdYlGn_r", norm=LogNorm(0.7, 30), aspect="auto")
    axes.set_xticks(range(len(columns)), columns, rotation=30, ha="left")
    axes.xaxis.tick_top()
    axes.set_yticks(range(len(rows)), rows)
    axes.set_xlabel(label)
    for (y, x), value in np.ndenumerate(values):
        if np.isfinite(value):
            axes.text(x, y, texts[y][x], ha="center", va="center", fontsize=7)
    return figure


def save(folder: Path, options: Options, figure: Figure, **content: object) -> None:
    """Write table.json and table.png, and print where they are."""
    fields = plain(dataclasses.asdict(options))
    files.write_json(folder / "table.json", {"options": fields, **content})
    save_figure(figure, folder / "table.png")
    print(f"table: {folder}/table.json | figure: {folder}/table.png")


def save_figure(figure: Figure, path: Path) -> None:
    """Write a matplotlib figure as PNG, atomically."""
    figure.tight_layout()
    with files.atomic_path(path) as temporary:
        figure.savefig(temporary, dpi=110, format="png")
