"""How fast is it, beside bare loops over the same networks, the tutorial's loop and PyTorch?

    make bench                                about 17 minutes on 2 cores
    make bench ARGS="--only step style"       a part of it

    step      images per second of `gan.train` as it is (Keras's `fit`, input pipeline,
              averaged generator, metrics, guards, checkpoints, TensorBoard) and of a
              bare `tf.function` loop that does nothing but the two updates, for our
              default, the TensorFlow tutorial's networks and the PyTorch example's,
              in float32 and, where the processor has it, bfloat16; and of the last
              two in PyTorch, if `pip install torch` was done. What a tick costs
              is charged as often as it comes by default, every 10,000 images; the
              Frechet distance, at most a tenth of the time, is left out.
    tutorial  the tutorial's networks in a loop as the tutorial writes it
    pipeline  images per second of the input alone
    style     an iteration of `stylize` and a bare pass of the same extractor
    profile   what a step of ours spends its time on, by TensorFlow's profiler
    growth    a step against batch size and resolution

Ours, the bare loop and PyTorch take turns, so their ratios hold on a busy
machine where seconds do not. Every row has a process of its own, whose
peak of memory is shown. Wanted: a style iteration of at most 1.1 times the bare
pass. Measured: 1.02 to 1.13 of compact and its reference, 0.98 to 1.03 of VGG-19; ours
in training at 0.91 of the bare loop or more.
Writes runs/bench.json and a figure beside it.
"""

import resource
import sys
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path

from common import cli
from common.distribution import devices
from common.files import write_json
from experiments import bench_gan, bench_style, bench_torch
from experiments.lab import choose, quietly, save_figure

Row = dict[str, object]
STYLES = (  # extractor, pixels, turns, whether in every precision
    ("compact", 256, 16, True),
    ("compact", 512, 12, True),
    ("compact", 1024, 3, False),
    ("reference", 512, 4, True),
    ("vgg19", 256, 4, True),
    ("vgg19", 512, 3, True),
    ("vgg19", 1024, 2, False),
)


@dataclass(frozen=True)
class BenchConfig:
    """Times training and stylizing."""

    only: tuple[str, ...] = ()
    """Some parts: step, tutorial, pipeline, profile, style, growth; all by default."""
    rounds: int = 3
    """In the part step: turns that each takes, after one to warm up."""
    out: Path = Path("runs/bench.json")
    """Where the metrics go."""


def alone(function: Callable[..., Row], *arguments: object) -> Row:
    """The row that `function` measures in a process of its own, with that one's peak of memory."""
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        return pool.submit(_with_memory, function, *arguments).result()


def _with_memory(function: Callable[..., Row], *arguments: object) -> Row:
    with quietly():
        row = function(*arguments)
    unit = 2**20 if sys.platform == "darwin" else 2**10
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / unit
    return {**row, "peak_megabytes": round(peak)}


def peak(precision: str) -> Row:
    cli.import_tensorflow()
    from experiments.peak import convolution_peak

    return {"operations_per_second": convolution_peak(precision)}


def steps(precisions: list[str], options: BenchConfig) -> list[Row]:
    """Prints and returns our step's rows, with their share of the convolutions' peak."""
    peaks = {p: alone(peak, p)["operations_per_second"] for p in precisions}
    for precision, speed in peaks.items():
        print(f"3x3 convolutions at their best in {precision}: {speed / 1e9:.0f} GFLOP/s")
    if not bench_torch.installed():
        print("PyTorch is not installed; to measure it beside ours: pip install torch")
    titles = ("ours img/s", "bare img/s", "ratio", "PyTorch", "ratio", "x float32", "of peak")
    _print_title("a step of", *titles)
    found = []
    for key, networks in bench_gan.NETWORKS.items():
        slow = None
        for precision in precisions:
            row = alone(bench_gan.step, key, precision, options.rounds)
            ours = row["ours_images_per_second"]
            slow = slow or ours
            row = {"networks": key, "precision": precision, **row, "times_float32": ours / slow}
            row["share_of_peak"] = ours * row["operations_per_image"] / peaks[precision]
            found.append(row)
            bare, pytorch = row["bare_images_per_second"], row.get("pytorch_images_per_second")
            _print_row(
                networks.name,
                row,
                f"{ours:.0f}",
                f"{bare:.0f}",
                row["ratio"],
                f"{pytorch:.0f}" if pytorch else "-",
                row.get("over_pytorch", "-"),
                row["times_float32"],
                f"{100 * row['share_of_peak']:.0f} %",
            )
    return found


def tutorial(precisions: list[str], options: BenchConfig) -> list[Row]:
    del precisions, options
    row = {"precision": "float32", **alone(bench_gan.tutorial_loop)}
    _print_title("in the tutorial's own loop", "img/s")
    name = bench_gan.NETWORKS["tutorial"].name
    _print_row(name, row, f"{row['images_per_second']:.0f}")
    return [row]


def pipeline(precisions: list[str], options: BenchConfig) -> list[Row]:
    del precisions, options
    _print_title("the input alone", "img/s")
    found = []
    for key, networks in bench_gan.NETWORKS.items():
        row = {"networks": key, "precision": "", **alone(bench_gan.pipeline, key)}
        found.append(row)
        _print_row(networks.name, row, f"{row['images_per_second']:.0f}")
    return found


def profile(precisions: list[str], options: BenchConfig) -> list[Row]:
    del options
    found = []
    for key, networks in bench_gan.NETWORKS.items():
        row = alone(bench_gan.profile, key, precisions[-1])
        found.append({"networks": key, "precision": precisions[-1], **row})
        print(f"\n{networks.name}, {precisions[-1]}, time in operations:")
        ordered = sorted(row["shares"].items(), key=lambda pair: -pair[1])
        print(", ".join(f"{kind} {100 * share:.0f} %" for kind, share in ordered), flush=True)
    return found


def style(precisions: list[str], options: BenchConfig) -> list[Row]:
    del options
    _print_title("a style iteration", "ours ms", "bare ms", "ratio", "x float32")
    found = []
    for extractor, size, turns, every in STYLES:
        slow = None
        for precision in precisions if every else precisions[-1:]:
            row = alone(bench_style.iteration, extractor, size, precision, turns)
            slow = slow or row["ours_seconds"]
            row = {"extractor": extractor, "size": size, "precision": precision, **row}
            row["times_float32"] = slow / row["ours_seconds"] if every else None
            found.append(row)
            ours, bare = (f"{1000 * row[side]:.1f}" for side in ("ours_seconds", "bare_seconds"))
            times = row["times_float32"] or "-"
            _print_row(f"{extractor}, {size} px", row, ours, bare, row["ratio"], times)
    return found


def growth(precisions: list[str], options: BenchConfig) -> list[Row]:
    del options
    row = alone(bench_gan.growth, precisions[-1])
    for what in ("batch_size", "resolution"):
        cells = ", ".join(f"{size}: {spent:.1f}" for size, spent in row[what].items())
        print(f"\nour default's step in ms by {what.replace('_', ' ')}: {cells}")
    return [{"precision": precisions[-1], **row}]


def _print_title(what: str, *titles: str) -> None:
    cells = "".join(f"{title:>11}" for title in (*titles, "MB"))
    print(f"\n{what:38} {'precision':9} {cells}", flush=True)


def _print_row(name: str, row: Row, *cells: str | float) -> None:
    shown = (f"{cell:.2f}" if isinstance(cell, float) else str(cell) for cell in cells)
    row_cells = "".join(f"{cell:>11}" for cell in (*shown, row["peak_megabytes"]))
    print(f"{name:38} {row['precision']:9} {row_cells}", flush=True)


PARTS = {
    "step": steps,
    "tutorial": tutorial,
    "pipeline": pipeline,
    "profile": profile,
    "style": style,
    "growth": growth,
}


def draw_figure(found: dict[str, list[Row]], path: Path) -> None:
    """Speeds side by side, and how time grows; of the parts that were measured."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot as plt
    from matplotlib.ticker import LogLocator, NullFormatter

    figure, (speeds, batches, sizes) = plt.subplots(1, 3, figsize=(14, 4.2))
    for number, key in enumerate(bench_gan.NETWORKS):
        bars = _bars(found, key)
        base = max(bars.values(), default=1.0)
        for place, (name, speed) in enumerate(bars.items()):
            bar = speeds.barh(number + 0.13 * (place - 2.5), speed / base, 0.12, color=f"C{place}")
            speeds.bar_label(bar, [f" {name}: {speed:.0f}/s"], fontsize=7)
    names = [networks.name.split(",")[0] for networks in bench_gan.NETWORKS.values()]
    speeds.set_yticks(range(len(names)), names)
    speeds.set(xlim=(0, 1.7), xticks=(), title="images per second, over the fastest")
    for row in found.get("growth", ()):
        for what, marker in (("batch_size", "o"), ("resolution", "s")):
            curve = zip(*row[what].items(), strict=True)
            batches.loglog(*curve, marker=marker, label=what.replace("_", " "))
    batches.set(title="our default's step, ms", xlabel="batch size, or pixels of a side")
    styles = found.get("style", ())
    for curve in sorted({(row["extractor"], row["precision"]) for row in styles}):
        points = [
            (row["size"], 1000 * row["ours_seconds"])
            for row in styles
            if (row["extractor"], row["precision"]) == curve
        ]
        sizes.loglog(*zip(*points, strict=True), marker="o", label=", ".join(curve))
    sizes.set(title="a style iteration, ms", xlabel="pixels of the longer side")
    for axes in (batches, sizes):
        if axes.lines:
            for line in axes.lines:
                name = f"  {line.get_label()}"
                axes.annotate(name, line.get_xydata()[-1], va="center", fontsize=8)
            axes.yaxis.set(
                major_locator=LogLocator(subs=(1, 2, 5)),
                major_formatter="{x:g}",
                minor_formatter=NullFormatter(),
            )
            axes.grid(True, which="both", alpha=0.3)
            measured = sorted({x for line in axes.lines for x in line.get_xdata()})
            axes.set_xticks(measured, [str(x) for x in measured])
            axes.set_xticks([], minor=True)
            axes.set_xlim(measured[0] / 1.2, 2.2 * measured[-1])  # room for the names
    save_figure(figure, path)
    plt.close(figure)


def _bars(found: dict[str, list[Row]], key: str) -> dict[str, float]:
    """Images per second by what was measured, for one pair of networks."""
    bars = {}
    for row in found.get("step", ()):
        if row["networks"] == key:
            bars[f"ours, {row['precision']}"] = row["ours_images_per_second"]
    for row in found.get("step", ()):
        if row["networks"] == key and "pytorch_images_per_second" in row:
            bars[f"PyTorch, {row['precision']}"] = row["pytorch_images_per_second"]
    for row in found.get("tutorial", ()) if key == "tutorial" else ():
        bars["the tutorial's loop"] = row["images_per_second"]
    return bars


def main() -> int:
    options = cli.parse(BenchConfig, "python -m experiments.bench", None)
    wanted = choose("--only", options.only, PARTS)
    native = devices.resolve_precision("auto")
    precisions = sorted({"float32", native}, reverse=True)
    found = {}
    for part in wanted:
        found[part] = PARTS[part](precisions, options)
        write_json(options.out, found)
    figure = options.out.with_suffix(".png")
    draw_figure(found, figure)
    print(f"metrics: {options.out} | drawn: {figure}")
    return 0


if __name__ == "__main__":
    cli.run(main)
