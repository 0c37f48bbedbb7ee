"""Is the strength of the style even? A strip of eleven images and a curve for each pair.

    python -m experiments.strength                                  the demonstration
    python -m experiments.strength --content a.jpg b.jpg --style c.jpg d.jpg --size 256

Takes about eleven times as long as a stylization, for each pair.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure
from tqdm import tqdm

from common import cli, overrides
from common import images as image_io
from common.bounds import bounded, check_bounds
from common.files import write_json
from experiments.pairs import checked, or_demonstration
from style_transfer.config import LARGEST_SIDE, SMALLEST_SIDE, Config
from style_transfer.prepare import Source, prepare

PROGRAM = "python -m experiments.strength"
STRENGTHS = tuple(n / 10 for n in range(11))


@dataclass(frozen=True)
class Options:
    """Stylize pairs with eleven strengths and measure the distance from the content."""

    content: tuple[Path, ...] = ()
    """Content images, one for each pair. By default the demonstration."""
    style: tuple[Path, ...] = ()
    """Style images, one for each pair."""
    size: int = bounded(256, SMALLEST_SIDE, LARGEST_SIDE)
    """Longer side of the results in pixels."""
    iterations: int = bounded(150, 1)
    """Iterations per level."""
    out: Path = Path("runs/strength")
    """Folder of strip-N.png, curve.png and distances.json."""


def largest_step(distances: Sequence[float]) -> float:
    """Compute the largest change from one strength to the next, relative to the mean change.

    Args:
        distances: From the content, one for each strength.

    Example:
        >>> largest_step([0.0, 0.1, 0.4])
        1.5
    """
    steps = np.diff(distances)
    return float(np.abs(steps).max() / max(abs(steps.mean()), 1e-12))


def measure(content: Source, style: Source, options: Options, out: Path) -> list[float]:
    """Stylize a pair with every strength, write the strip and return the content distances."""
    import tensorflow as tf

    from style_transfer import optimize
    from style_transfer.objective import Objective

    config = overrides.replace(
        Config(size=options.size), "optimization.iterations", options.iterations
    )
    extractor = optimize.load_extractor(config)
    weights = optimize.choose_weights(config, extractor)
    images, distances, objective = [], [], None
    for strength in tqdm(STRENGTHS, desc="strengths"):
        chosen = overrides.replace(config, "appearance.strength", strength)
        image, _ = optimize.paint(content, style, chosen, extractor=extractor)
        image = image[..., :3]
        if objective is None:
            source = image_io.as_image(content, near=options.size)
            goal, _ = prepare(source, [], image.shape[1::-1], config)
            objective = Objective(extractor, tf.constant(goal[None]), [], weights)
        found = objective.content_terms(extractor(tf.constant(image[None])))
        distances.append(sum(float(value[0]) for value in found.values()))
        images.append(image)
    image_io.write_image(out, image_io.from_unit(np.concatenate(images, axis=1)))
    return distances


def curve(rows: Sequence[Sequence[float]]) -> Figure:
    """Draw the content distance over the strength, as a share of that of the style alone."""
    figure = Figure(figsize=(5, 4), layout="constrained")
    axes = figure.subplots()
    for number, distances in enumerate(rows, start=1):
        axes.plot(STRENGTHS, np.divide(distances, distances[-1]), ".-", label=f"pair {number}")
    axes.plot([0, 1], [0, 1], "k:", linewidth=1, label="even")
    axes.set(xlabel="--strength", ylabel="content distance / that of the style alone")
    axes.legend()
    return figure


def main() -> int:
    """Measure the pairs that the command line names."""
    options = cli.parse(Options, PROGRAM, None)
    check_bounds(options)
    pairs = checked(options.content, options.style, options.size)
    cli.import_tensorflow()
    options.out.mkdir(parents=True, exist_ok=True)
    rows = []
    for number, (content, style) in enumerate(or_demonstration(pairs), start=1):
        rows.append(measure(content, style, options, options.out / f"strip-{number}.png"))
        print(f"pair {number}: largest step {largest_step(rows[-1]):.2f} times the mean step")
    curve(rows).savefig(options.out / "curve.png", dpi=150)
    write_json(options.out / "distances.json", {"strengths": STRENGTHS, "distances": rows})
    print(f"results: {options.out}/strip-1.png, curve.png and distances.json")
    return 0


if __name__ == "__main__":
    cli.run(main)
