"""How long does the optimization need to pass the instant method, and does it help as a start?

    python -m experiments.instant_curve                                  the demonstration
    python -m experiments.instant_curve --content a.jpg b.jpg --style c.jpg d.jpg --size 512

For each pair the objective is that of the last level, through the extractor's reference. The
optimization takes place at the final size alone, once from the content in the style's palette, as
by default, and once from the result of `--method instant`, and its averaged image is judged after
some seconds. This is not `--init instant`, which is a start of the first, small level. Tracing and
one unjudged run of ten iterations come before. The time of the instant method counts for what
starts from it.
"""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure

from common import cli, overrides
from common import images as image_io
from common.bounds import bounded, check_bounds
from common.errors import InputError
from common.files import write_json
from experiments.pairs import checked, or_demonstration
from style_transfer.config import LARGEST_SIDE, SMALLEST_SIDE, Config
from style_transfer.prepare import Source, prepare, read

PROGRAM = "python -m experiments.instant_curve"
STARTS = {"recolored": "recolored content", "instant": "instant result"}
ENDLESS = 10_000_000  # iterations


@dataclass(frozen=True)
class Options:
    """Compare the objective over time from two starts with that of the instant method."""

    content: tuple[Path, ...] = ()
    """Content images, one for each pair. By default the demonstration."""
    style: tuple[Path, ...] = ()
    """Style images, one for each pair."""
    size: int = bounded(512, SMALLEST_SIDE, LARGEST_SIDE)
    """Longer side of the results in pixels."""
    strength: float = bounded(0.5, 0.01, 1)
    """Strength of the style."""
    seconds: tuple[float, ...] = bounded((2.0, 10.0, 30.0), above=0)
    """Times of optimization after which the image is judged."""
    out: Path = Path("runs/instant_curve")
    """Folder of curve.png, curve.json and the images."""


def measure(content: Source, style: Source, options: Options, stem: Path) -> dict:
    """Measure a pair and write its images.

    Args:
        content: An image.
        style: Another.
        options: Size, strength and times.
        stem: How the names of the images start.

    Returns:
        "recolored" and "instant": the objective of the content in the style's palette and of the
        instant result; "instant_seconds"; "from_recolored" and "from_instant": [seconds of
        optimization, iterations, objective] for each time.
    """
    import keras

    from common.callbacks import Ending
    from experiments.judge import judged, objective_of
    from style_transfer import optimize
    from style_transfer.image_model import StyledImage
    from style_transfer.instant import coarse_to_fine
    from style_transfer.plan import HORIZON, Stage
    from style_transfer.stage import fit_stage
    from style_transfer.strength import usual_scale

    config = overrides.replace(Config(size=options.size), "appearance.strength", options.strength)
    config = overrides.replace(config, "optimization.tolerance", 0.0)
    content, styles = read(content, style, config)
    size = image_io.fit_longer_side(content.size, config.size)
    plain, references = prepare(content, styles, size, config, palette=False)
    goal, _ = prepare(content, styles, size, config)
    extractor = optimize.load_extractor(config)

    scale = usual_scale(options.strength)
    judge = objective_of(goal, references, config, extractor.reference or extractor)

    coarse_to_fine.render(plain, references, config)  # TensorFlow's first use takes longer
    began = time.perf_counter()
    instant = coarse_to_fine.render(plain, references, config)
    found = {"instant_seconds": round(time.perf_counter() - began, 3)}
    starts = dict(zip(STARTS, (goal, instant), strict=True))
    for name, start in starts.items():
        (found[name],) = judged(judge, start, [scale])
        image_io.write_image(Path(f"{stem}-{name}.png"), image_io.from_unit(start))
    rate = config.optimization.learning_rate
    objective = objective_of(goal, references, config, extractor)
    objective.content_scale.assign(scale)
    model = StyledImage(goal[None], objective, horizon=HORIZON)
    stage = Stage(size, ENDLESS, extractor, (rate, rate), HORIZON)
    unjudged = stage._replace(iterations=model.EXECUTION)
    fit_stage(model, unjudged, config, (), Ending(), None)
    for name, start in starts.items():
        model.restart(start[None])
        taken = _Snapshots(options.seconds)
        note = keras.callbacks.LambdaCallback(
            on_train_begin=lambda logs, taken=taken: taken.begin(),
            on_train_batch_end=lambda batch, logs, taken=taken: taken.take(model),
        )
        fit_stage(model, stage, config, [note], Ending(), None)
        found[f"from_{name}"] = [
            [round(seconds, 3), steps, *judged(judge, image, [scale])]
            for seconds, steps, image in taken.found
        ]
        last = image_io.from_unit(taken.found[-1][2])
        image_io.write_image(Path(f"{stem}-from-{name}.png"), last)
    return found


class _Snapshots:
    """The averaged image of a model after some seconds each; then its `fit` ends."""

    def __init__(self, marks: Sequence[float]):
        self.marks, self.found = sorted(marks), []

    def begin(self) -> None:
        self.began = time.perf_counter()

    def take(self, model) -> None:
        passed = time.perf_counter() - self.began
        if len(self.found) < len(self.marks) and passed >= self.marks[len(self.found)]:
            self.found.append((passed, model.steps_done, model.average.numpy()[0]))
        if len(self.found) == len(self.marks):
            model.stop_training = True


def curve(rows: Sequence[dict]) -> Figure:
    """Draw the objective over the seconds, one panel for each pair."""
    figure = Figure(figsize=(4.5 * len(rows), 4), layout="constrained")
    panels = figure.subplots(1, len(rows), squeeze=False)[0]
    for number, (axes, row) in enumerate(zip(panels, rows, strict=True), start=1):
        for name, own in (("recolored", 0.0), ("instant", row["instant_seconds"])):
            points = [[0.0, 0, row[name]], *row[f"from_{name}"]]
            seconds, _, values = zip(*points, strict=True)
            axes.plot(
                np.add(seconds, own), values, ".-", label=f"optimized from the {STARTS[name]}"
            )
        axes.plot(row["instant_seconds"], row["instant"], "ko", label="instant result")
        axes.set(xlabel="seconds", ylabel="objective", yscale="log", title=f"pair {number}")
        axes.legend()
    return figure


def main() -> int:
    """Measure the pairs that the command line names."""
    options = cli.parse(Options, PROGRAM, None)
    check_bounds(options)
    pairs = checked(options.content, options.style, options.size)
    if not options.seconds:
        raise InputError("--seconds: expected at least one time")
    cli.import_tensorflow()
    options.out.mkdir(parents=True, exist_ok=True)
    rows = []
    for number, (content, style) in enumerate(or_demonstration(pairs), start=1):
        rows.append(measure(content, style, options, options.out / f"pair-{number}"))
        row = rows[-1]
        print(f"pair {number}: recolored content {row['recolored']:.3f}, instant result "
              f"{row['instant']:.3f} in {row['instant_seconds']:.2f} s")  # fmt: skip
        for name, start in STARTS.items():
            found = [f"{value:.3f} in {seconds:.1f} s" for seconds, _, value in row[f"from_{name}"]]
            print(f"  optimized from the {start}: {', '.join(found)}")
    curve(rows).savefig(options.out / "curve.png", dpi=150)
    names = [[str(path) for path in pair] for pair in pairs]
    write_json(options.out / "curve.json", {"pairs": names, "size": options.size, "found": rows})
    print(f"results: {options.out}/curve.png and curve.json")
    return 0


if __name__ == "__main__":
    cli.run(main)
