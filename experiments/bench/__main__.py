"""How fast is it, beside bare loops over the same networks, the tutorial's loop and PyTorch?

    make bench                                20 to 30 minutes on 2 cores
    make bench ARGS="--only step style"       parts of it

    step      images per second of `gan.train` as it is (Keras's `fit`, input pipeline,
              EMA generator, metrics, guards, checkpoints, TensorBoard) and of a
              bare `tf.function` loop with only the two updates, for our default, the
              TensorFlow tutorial's networks and the PyTorch example's, in float32 and,
              if the processor has it, bfloat16; and of the last two in PyTorch, after
              `pip install torch`. A tick's cost is counted as often as it comes by
              default, every 10,000 images; the Frechet distance, at most a tenth of
              the time, is left out.
    kernels   images per second of our default's step with `--kernels fast` and `keras`
    tutorial  the tutorial's networks in a loop as the tutorial writes it
    pipeline  images per second of the input alone
    style     an iteration of `stylize` and a bare pass of the same extractor
    paint     a step of `feedforward.train` and a bare loop of the same update, and
              an image painted by such a network and a bare pass of it
    profile   where a step's time goes, by TensorFlow's profiler
    stages    the step in each stage of a training that grows, and a bare loop of its networks
    growth    a step against batch size and resolution

Ours, the bare loop and PyTorch take turns, so their ratios hold on a busy
machine where seconds do not. Every row has its own process, whose peak memory
is shown. Target: a style iteration of at most 1.1 times the bare pass. Measured:
1.02 to 1.13 of compact and its reference, 0.98 to 1.03 of VGG-19; ours in
training at 0.91 of the bare loop or more.
Writes runs/bench.json and a figure beside it.
"""

from dataclasses import dataclass
from pathlib import Path

from common import cli
from common.distribution import devices
from common.files import write_json
from experiments.bench import figure, pytorch
from experiments.bench.cases import CASES, GROWING, PAINTINGS, STAGES, STYLES
from experiments.processes import alone
from experiments.sweep import choose

Row = dict[str, object]
HERE = "experiments.bench"


@dataclass(frozen=True)
class BenchConfig:
    """Time training and style transfer."""

    only: tuple[str, ...] = ()
    """Some parts: step, kernels, tutorial, pipeline, profile, style, paint, stages, growth. All
    by default."""
    rounds: int = 3
    """Turns in the parts step and kernels, after one to warm up."""
    out: Path = Path("runs/bench.json")
    """File for the metrics; a figure is written beside it."""


def steps(precisions: list[str], options: BenchConfig) -> list[Row]:
    """Print and return the rows of training, with their share of the convolutions' peak."""
    peaks = {
        precision: alone(f"{HERE}.peak.measure", precision)["operations_per_second"]
        for precision in precisions
    }
    for precision, speed in peaks.items():
        print(f"fastest 3x3 convolutions in {precision}: {speed / 1e9:.0f} GFLOP/s")
    if not pytorch.installed():
        print("PyTorch is not installed; to measure it beside ours: pip install torch")
    titles = ("ours img/s", "bare img/s", "ratio", "PyTorch", "ratio", "x float32", "of peak")
    _print_title("a training step", *titles)
    found = []
    for key, case in CASES.items():
        slow = None
        for precision in precisions:
            row = alone(f"{HERE}.steps.step", key, precision, options.rounds)
            ours = row["ours_images_per_second"]
            slow = slow or ours
            row = {"networks": key, "precision": precision, **row, "times_float32": ours / slow}
            row["share_of_peak"] = ours * row["operations_per_image"] / peaks[precision]
            found.append(row)
            bare, in_pytorch = row["bare_images_per_second"], row.get("pytorch_images_per_second")
            _print_row(
                case.name,
                row,
                f"{ours:.0f}",
                f"{bare:.0f}",
                row["ratio"],
                f"{in_pytorch:.0f}" if in_pytorch else "-",
                row.get("over_pytorch", "-"),
                row["times_float32"],
                f"{100 * row['share_of_peak']:.0f} %",
            )
    return found


def kernels(precisions: list[str], options: BenchConfig) -> list[Row]:
    """Print and return the rows of both implementations of the default networks' layers."""
    _print_title("a step by --kernels", "fast img/s", "keras img/s", "ratio")
    found = []
    for precision in precisions:
        row = alone(f"{HERE}.steps.kernels", precision, options.rounds)
        found.append({"networks": "default", "precision": precision, **row})
        speeds = (f"{row[f'{name}_images_per_second']:.0f}" for name in ("fast", "keras"))
        _print_row(CASES["default"].name, found[-1], *speeds, row["ratio"])
    return found


def tutorial(precisions: list[str], options: BenchConfig) -> list[Row]:
    """Print and return the row of the tutorial's own loop."""
    del precisions, options
    row = {"precision": "float32", **alone(f"{HERE}.loops.tutorial_loop")}
    _print_title("in the tutorial's loop", "img/s")
    _print_row(CASES["tutorial"].name, row, f"{row['images_per_second']:.0f}")
    return [row]


def pipeline(precisions: list[str], options: BenchConfig) -> list[Row]:
    """Print and return the rows of the input alone."""
    del precisions, options
    _print_title("the input alone", "img/s")
    found = []
    for key, case in CASES.items():
        row = {"networks": key, "precision": "", **alone(f"{HERE}.steps.pipeline", key)}
        found.append(row)
        _print_row(case.name, row, f"{row['images_per_second']:.0f}")
    return found


def profile(precisions: list[str], options: BenchConfig) -> list[Row]:
    """Print and return the shares of operations in a step's time."""
    del options
    found = []
    for key, case in CASES.items():
        row = alone(f"{HERE}.profile.profile", key, precisions[-1])
        found.append({"networks": key, "precision": precisions[-1], **row})
        print(f"\n{case.name}, {precisions[-1]}, time in operations:")
        ordered = sorted(row["shares"].items(), key=lambda pair: -pair[1])
        print(", ".join(f"{kind} {100 * share:.0f} %" for kind, share in ordered), flush=True)
    return found


def style(precisions: list[str], options: BenchConfig) -> list[Row]:
    """Print and return the rows of style transfer."""
    del options
    _print_title("a style iteration", "ours ms", "bare ms", "ratio", "x float32")
    found = []
    for extractor, size, turns, every in STYLES:
        slow = None
        for precision in precisions if every else precisions[-1:]:
            row = alone(f"{HERE}.style.iteration", extractor, size, precision, turns)
            slow = slow or row["ours_seconds"]
            row = {"extractor": extractor, "size": size, "precision": precision, **row}
            row["times_float32"] = slow / row["ours_seconds"] if every else None
            found.append(row)
            ours, bare = (f"{1000 * row[side]:.1f}" for side in ("ours_seconds", "bare_seconds"))
            times = row["times_float32"] or "-"
            _print_row(f"{extractor}, {size} px", row, ours, bare, row["ratio"], times)
    return found


def paint(precisions: list[str], options: BenchConfig) -> list[Row]:
    """Print and return the rows of networks that paint."""
    _print_title("networks that paint", "ours ms", "bare ms", "ratio")
    found = []

    def add(name: str, precision: str, row: Row) -> None:
        found.append({"what": name, "precision": precision, **row})
        times = (f"{1000 * row[side]:.1f}" for side in ("ours_seconds", "bare_seconds"))
        _print_row(name, found[-1], *times, row["ratio"])

    for precision in precisions:
        row = alone(f"{HERE}.feedforward.training", precision, 2 * options.rounds)
        add("a training step", precision, row)
    for width, height in PAINTINGS:
        row = alone(f"{HERE}.feedforward.painting", width, height, 4 * options.rounds)
        add(f"an image, {width}x{height}", "float32", row)
    return found


def stages(precisions: list[str], options: BenchConfig) -> list[Row]:
    """Print and return the rows of the stages of a training that grows."""
    _print_title("a step of a stage", "ours img/s", "bare img/s", "ratio")
    found = []
    for precision in precisions:
        for index, side in enumerate(STAGES):
            row = alone(f"{HERE}.stages.stage", index, precision, 2 * options.rounds)
            found.append({"precision": precision, **row})
            speeds = (f"{row[f'{who}_images_per_second']:.0f}" for who in ("ours", "bare"))
            _print_row(f"{GROWING.name}: {side}x{side}", found[-1], *speeds, row["ratio"])
    return found


def growth(precisions: list[str], options: BenchConfig) -> list[Row]:
    """Print and return the time of a step against batch size and resolution."""
    del options
    row = alone(f"{HERE}.steps.growth", precisions[-1])
    for what in ("batch_size", "resolution"):
        cells = ", ".join(f"{size}: {spent:.1f}" for size, spent in row[what].items())
        print(f"\nour default's step in ms by {what.replace('_', ' ')}: {cells}")
    return [{"precision": precisions[-1], **row}]


def _print_title(what: str, *titles: str) -> None:
    cells = "".join(f"{title:>12}" for title in (*titles, "MB"))
    print(f"\n{what:38} {'precision':9} {cells}", flush=True)


def _print_row(name: str, row: Row, *cells: str | float) -> None:
    shown = (f"{cell:.2f}" if isinstance(cell, float) else str(cell) for cell in cells)
    row_cells = "".join(f"{cell:>12}" for cell in (*shown, row["peak_megabytes"]))
    print(f"{name:38} {row['precision']:9} {row_cells}", flush=True)


PARTS = {
    "step": steps,
    "kernels": kernels,
    "tutorial": tutorial,
    "pipeline": pipeline,
    "profile": profile,
    "style": style,
    "paint": paint,
    "stages": stages,
    "growth": growth,
}


def main() -> int:
    """Measure the chosen parts and write metrics and figure."""
    options = cli.parse(BenchConfig, "python -m experiments.bench", None)
    wanted = choose("--only", options.only, PARTS)
    precisions = sorted({"float32", devices.resolve_precision("auto")}, reverse=True)
    found = {}
    for part in wanted:
        found[part] = PARTS[part](precisions, options)
        write_json(options.out, found)
    drawn = options.out.with_suffix(".png")
    figure.draw(found, drawn)
    print(f"metrics: {options.out} | figure: {drawn}")
    return 0


if __name__ == "__main__":
    cli.run(main)
