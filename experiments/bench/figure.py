"""The figure of `make bench`: speeds side by side, and how time grows."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, NullFormatter

from experiments.bench.cases import CASES
from experiments.report import save_figure

Found = Mapping[str, Sequence[dict]]  # part to rows


def draw(found: Found, path: Path) -> None:
    """Draw the parts that were measured and write a PNG file."""
    figure = Figure(figsize=(14, 4.2))
    speeds, batches, sizes = figure.subplots(1, 3)
    _draw_speeds(speeds, found)
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
            _label_curves(axes)
    save_figure(figure, path)


def _draw_speeds(axes: Axes, found: Found) -> None:
    for number, key in enumerate(CASES):
        values = bars(found, key)
        base = max(values.values(), default=1.0)
        for place, (name, speed) in enumerate(values.items()):
            bar = axes.barh(number + 0.13 * (place - 2.5), speed / base, 0.12, color=f"C{place}")
            axes.bar_label(bar, [f" {name}: {speed:.0f}/s"], fontsize=7)
    names = [case.name.split(",")[0] for case in CASES.values()]
    axes.set_yticks(range(len(names)), names)
    axes.set(xlim=(0, 1.7), xticks=(), title="images per second, over the fastest")


def bars(found: Found, key: str) -> dict[str, float]:
    """Images per second of one case by what was measured."""
    steps = [row for row in found.get("step", ()) if row["networks"] == key]
    values = {f"ours, {row['precision']}": row["ours_images_per_second"] for row in steps}
    values |= {
        f"PyTorch, {row['precision']}": row["pytorch_images_per_second"]
        for row in steps
        if "pytorch_images_per_second" in row
    }
    if key == "default":
        values |= {
            f"kernels keras, {row['precision']}": row["keras_images_per_second"]
            for row in found.get("kernels", ())
        }
    if key == "tutorial":
        for row in found.get("tutorial", ()):
            values["the tutorial's loop"] = row["images_per_second"]
    return values


def _label_curves(axes: Axes) -> None:
    """Write each curve's name at its end and label the measured places."""
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
