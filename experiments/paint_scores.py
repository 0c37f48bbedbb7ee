"""How near does a trained network come to the optimization, by the objective of `stylize`?

    python -m experiments.paint_scores --model runs/style-NAME --content a.jpg b.jpg

For each photo it prints the objective of the optimized image, of the network's painting, and of the
photo in the palette of the style, where the optimization starts. The objective is that of the run:
its style (the first if there are several), strength, statistic and extractor. It is judged at full
size, through the extractor's reference, with the weight of the content that the optimization found
and with the usual one, that of the network's training.
"""

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from tqdm import tqdm

from common import cli
from common import images as image_io
from common.bounds import bounded, check_bounds
from common.errors import InputError
from common.files import write_json
from style_transfer.config import SMALLEST_SIDE, Config
from style_transfer.feedforward.config import as_stylization
from style_transfer.prepare import Source, prepare, read

PROGRAM = "python -m experiments.paint_scores"
LARGEST = 1024  # pixels; the judge computes whole images


@dataclass(frozen=True)
class Options:
    """Compare the paintings of a network with optimized ones."""

    model: Path
    """Run of `style_transfer.feedforward.train`."""
    content: tuple[Path, ...]
    """Photos that the network was not trained on."""
    size: int | None = bounded(None, SMALLEST_SIDE, LARGEST)
    """Longer side of the results in pixels. Default: the run's."""
    out: Path = Path("runs/paint_scores")
    """Folder of scores.json and of an image of each photo: photo, optimized, painted."""


def measure(
    content: Source, style: Source, brush, mixture: Sequence[float], config: Config
) -> tuple[dict, np.ndarray]:
    """Measure a photo.

    Args:
        content: The photo.
        style: The painting.
        brush: As of `feedforward.apply.load`.
        mixture: The weight of each of its styles.
        config: Of the optimization.

    Returns:
        The objectives "optimized", "network" and "start" with the content's weight that the
        optimization found and, as "..._usual", with that which the network was trained with; the
        seconds of both; and the three images beside each other, uint8 (H, 3 W, 3).
    """
    from experiments.judge import judged, objective_of
    from style_transfer import optimize
    from style_transfer.strength import Dial, usual_scale

    extractor, dial = optimize.load_extractor(config), Dial(config.appearance.strength)
    began = time.perf_counter()
    optimized, _ = optimize.paint(content, style, config, extractor=extractor, dial=dial)
    found = {"optimized_seconds": round(time.perf_counter() - began, 2)}
    content, styles = read(content, style, config)
    size = optimized.shape[1::-1]
    photo = image_io.resize(content.convert("RGB"), size)
    brush.paint(photo, mixture)  # TensorFlow's first use takes longer
    began = time.perf_counter()
    painted = brush.paint(photo, mixture)
    found["network_seconds"] = round(time.perf_counter() - began, 3)
    goal, references = prepare(content, styles, size, config)
    objective = objective_of(goal, references, config, extractor.reference or extractor)
    optimized = optimized[..., :3]
    images = {"optimized": optimized, "network": image_io.to_unit(painted), "start": goal}
    for name, image in images.items():
        scales = dial.scale, usual_scale(dial.strength)
        found[name], found[f"{name}_usual"] = judged(objective, image, scales)
    row = np.concatenate([np.asarray(photo), image_io.from_unit(optimized), painted], axis=1)
    return found, row


def main() -> int:
    """Measure the photos that the command line names."""
    options = cli.parse(Options, PROGRAM, None)
    check_bounds(options)
    if not options.content:
        raise InputError("--content: expected at least one photo")
    for path in options.content:
        image_io.as_image(path, near=LARGEST)
    cli.import_tensorflow()
    from style_transfer.feedforward import apply, saved

    about, brush = saved.read(options.model, "--model"), apply.load(options.model)
    style, mixture = about.own_style()
    size = options.size or min(about.config.size, LARGEST)
    config = replace(as_stylization(about.config), size=size)
    options.out.mkdir(parents=True, exist_ok=True)
    found = {}
    for number, path in enumerate(tqdm(options.content, desc="photos"), start=1):
        found[str(path)], row = measure(path, style, brush, mixture, config)
        image_io.write_image(options.out / f"row-{number}.png", row)
        each = found[str(path)]
        tqdm.write(f"{path.name}: optimized {each['optimized']:.3f} in "
                   f"{each['optimized_seconds']:.0f} s, network {each['network']:.3f} in "
                   f"{each['network_seconds']:.3f} s, start {each['start']:.3f}")  # fmt: skip
    write_json(options.out / "scores.json", {"style": str(style), "size": size, **found})
    for weight, end in (("the weight found", ""), ("the usual weight", "_usual")):
        ratios = [each[f"network{end}"] / each[f"optimized{end}"] for each in found.values()]
        print(
            f"network / optimized with {weight} of the content: median {np.median(ratios):.2f}, "
            f"largest {max(ratios):.2f}"
        )
    print(f"results: {options.out}/scores.json and row-*.png")
    return 0


if __name__ == "__main__":
    cli.run(main)
