"""Run and cache a grid of training configurations, and show what came out.

An experiment is one file that names changes of `gan.config.Config`. The smallest:

    \"\"\"Does a wider network pay off within half a minute?\"\"\"

    from experiments import sweep

    WIDTHS = {f"width {width}": {"networks.width": width} for width in (16, 24, 32, 48)}

    if __name__ == "__main__":
        sweep.run(sweep.Sweep("widths", WIDTHS))

Saved as experiments/widths.py it runs with

    python -m experiments.widths
    python -m experiments.widths --dataset mnist --minutes 1 3 --seeds 5 --only "width 16"

Every run is one cell: a row, a column (optional, a second set of changes) and a
seed. Its result is one JSON file, so an interrupted sweep continues where it
stopped. table.json and table.png are made of the results that exist.
"""

import dataclasses
import functools
import json
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import numpy as np
import tyro

from common import cli, overrides, runs
from common.errors import InputError
from experiments import processes
from experiments.changes import Change, change
from experiments.report import Results, show
from gan import config as configuration
from gan.config import Config
from gan.validation import check

if TYPE_CHECKING:
    from gan.data.base import ImageDataset
    from gan.trainer import Result

TICKS = 20  # log points of a run whose length is given in thousand images
START = Config(preset="default")  # named, so that no preset is chosen by the images


@dataclass(frozen=True)
class Options:
    """Run the missing cells of a sweep and show all results."""

    dataset: str = "glyphs"
    """A dataset with labels."""
    minutes: tuple[float, ...] = (0.5,)
    """Wall-clock minutes at which each run is measured, ascending; the last one ends the run.
    Measuring in between does not count."""
    kimg: float = 0.0
    """Thousand images per run, instead of minutes. 0: use minutes."""
    seeds: int = 3
    """Runs of every combination, with the seeds 0, 1, ..."""
    only: tuple[str, ...] = ()
    """Names of some rows or columns. Default: all."""
    base: Annotated[tuple[str, ...], tyro.conf.arg(name="set", metavar="FIELD=VALUE ...")] = ()
    """Fields of gan.config.Config for every run, such as networks.width=16."""
    jobs: int = 1
    """Runs at the same time. With more than one, each has a single thread."""
    out: Path | None = None
    """Folder of the results; runs/EXPERIMENT by default."""


@dataclass(frozen=True)
class Sweep:
    """Define a grid of runs.

    Attributes:
        name: Name of the experiment's module, also of its folder under runs/.
        rows: Named changes. A change maps fields of `Config`, dotted, to values,
            or to functions of the old value such as `times(10)`.
        columns: Named changes that are combined with every row.
        base: A change that comes before those of row and column.
        options: Defaults of the command line.
        baseline: A (row, column) that always runs, even if `only` leaves it out.
        subset: Chooses the training images of a cell from the whole dataset.
        measure: Measures a finished run: (result, dataset, cell) to values for
            the cell's JSON. Default: `experiments.cell.quality`.
        report: Prints and draws: (results, options, folder).
    """

    name: str
    rows: Mapping[str, Change]
    columns: Mapping[str, Change] = dataclasses.field(default_factory=lambda: {"": {}})
    base: Change = dataclasses.field(default_factory=dict)
    options: Options = Options()
    baseline: tuple[str, str] | None = None
    subset: "Callable[[ImageDataset, Cell], ImageDataset] | None" = None
    measure: "Callable[[Result, ImageDataset, Cell], Mapping[str, object]] | None" = None
    report: Callable[[Results, Options, Path], None] = show


@dataclass(frozen=True)
class Cell:
    """One run of a sweep: a row, a column and a seed."""

    sweep: Sweep
    options: Options
    row: str
    column: str
    seed: int

    @property
    def config(self) -> Config:
        """The configuration of this run."""
        several = len(self.options.minutes) > 1
        start = {
            "data.dataset": self.options.dataset,
            "seed": self.seed,
            "stop.evaluate_every": 0.0,
            # a callback ends a run that is measured on the way
            "stop.max_minutes": (2 * several + 1) * self.options.minutes[-1] + 3 * several,
        }
        if self.options.kimg:
            start |= {
                "stop.max_minutes": None,
                "run.tick_kimg": self.options.kimg / TICKS,
                "balance.instance_noise_kimg": self.options.kimg,  # noise, if any, fades to zero
            }
        config = change(change(START, start), self.sweep.base)
        config = overrides.apply(config, self.options.base)
        for fields in (self.sweep.rows[self.row], self.sweep.columns[self.column]):
            config = change(config, fields)
        if self.options.kimg:  # three compiled calls per log point
            steps = round(1000 * config.run.tick_kimg / 3 / config.batch_size)
            config = change(config, {"run.steps_per_execution": max(1, steps)})
        return config

    @property
    def changes(self) -> list[str]:
        """The differences from the default configuration, as text."""
        fields = (configuration.to_dict(config) for config in (START, self.config))
        return runs.differences(*fields)

    @property
    def path(self) -> Path:
        """The file of this run's result."""
        name = "-".join(filter(None, (_plain(self.row), _plain(self.column), str(self.seed))))
        return folder(self.sweep, self.options) / f"{name}.json"

    @property
    def result(self) -> dict | None:
        """The result, or None if this configuration has not been run yet."""
        if not self.path.exists():
            return None
        found = json.loads(self.path.read_text())
        return found if found.get("changes", self.changes) == self.changes else None


def folder(sweep: Sweep, options: Options) -> Path:
    """The folder for the results that these options lead to."""
    length = [f"{options.kimg:g}kimg"] if options.kimg else [f"{m:g}" for m in options.minutes]
    length = "_".join(length) + ("" if options.kimg else "min")
    parts = Path(options.dataset).name, length, *map(_plain, options.base)
    return (options.out or Path("runs") / sweep.name) / "-".join(parts)


def _plain(text: str) -> str:
    return "".join(c if c.isalnum() or c == "." else "_" for c in text)


def part(dataset: "ImageDataset", index: np.ndarray, name: str, fingerprint: str) -> "ImageDataset":
    """Select images of a dataset, in its order.

    Args:
        dataset: The whole dataset.
        index: Positions of the images, (N,).
        name: The name of the part.
        fingerprint: Tells the part from other parts in caches.
    """
    index = np.sort(index)
    return dataclasses.replace(
        dataset,
        name=name,
        images=dataset.images[index],
        labels=dataset.labels[index],
        fingerprint=f"{dataset.fingerprint}-{fingerprint}",
    )


def choose(flag: str, given: Collection[str], known: Collection[str]) -> list[str]:
    """Return the given names, or all known ones if none is given.

    Raises:
        InputError: A name that is not known.
    """
    for name in given:
        if name not in known:
            raise InputError(f"{flag}: no {name!r}; expected some of {', '.join(map(repr, known))}")
    return list(given or known)


def cells(sweep: Sweep, options: Options) -> list[Cell]:
    """List the runs of a sweep, the first seed of all combinations first.

    Combinations that `gan.validation.check` refuses are left out with a message,
    such as a control that needs labels beside a loss without.

    Raises:
        InputError: Unknown names, or no combination can be trained.
    """
    names = [name for name in (*sweep.rows, *sweep.columns) if name]
    chosen = choose("--only", options.only, names)
    rows, columns = (
        [name for name in axis if name in chosen] or list(axis)
        for axis in (sweep.rows, sweep.columns)
    )
    pairs = [(row, column) for column in columns for row in rows]
    if sweep.baseline:
        pairs = [sweep.baseline, *(pair for pair in pairs if pair != sweep.baseline)]
    possible, refused = [], None
    for pair in pairs:
        try:
            check(Cell(sweep, options, *pair, seed=0).config)
            possible.append(pair)
        except InputError as error:
            refused = error
            print(f"left out: {', '.join(filter(None, pair))}: {str(error).splitlines()[0]}")
    if refused and not possible:
        raise refused
    return [Cell(sweep, options, *pair, seed) for seed in range(options.seeds) for pair in possible]


def _train(cell: Cell) -> None:
    """Run one cell in a process that has imported nothing yet, or an earlier cell."""
    with processes.quietly():
        cli.import_tensorflow()
        from experiments.cell import train_and_measure

        train_and_measure(cell)


def results(cells: Iterable[Cell]) -> Results:
    """Read the results that exist: (row, column) to {seed: result}."""
    table: dict[tuple[str, str], dict[int, dict]] = {}
    for cell in cells:
        if (result := cell.result) is not None:
            table.setdefault((cell.row, cell.column), {})[cell.seed] = result
    return table


def main(sweep: Sweep, arguments: list[str] | None = None) -> int:
    """Parse the command line, run the missing cells, and show all results."""
    program = f"python -m experiments.{sweep.name}"
    options = cli.parse(type(sweep.options), program, arguments, sweep.options)
    if list(options.minutes) != sorted(m for m in set(options.minutes) if m > 0):
        raise InputError("--minutes: expected ascending numbers above 0")
    if options.kimg < 0 or options.seeds < 1 or options.jobs < 1:
        raise InputError("--kimg, --seeds, --jobs: expected at least 0, 1 and 1")
    wanted = cells(sweep, options)
    missing = [cell for cell in wanted if cell.result is None]
    processes.over(_train, missing, options.jobs)
    found = results(wanted)
    if not found:
        print("no results yet")
        return 0
    sweep.report(found, options, folder(sweep, options))
    return 0


def run(sweep: Sweep) -> None:
    """Run `main` as a command line that reports bad arguments in one or two lines."""
    cli.run(functools.partial(main, sweep))
