"""How close does the embedded extractor come to VGG-19, and how much faster is it?

    python -m experiments.teacher --teacher WEIGHTS.npz --images FOLDER

Stylizes ten pairs of images that the extractor was not trained on, through the
teacher's first five layers and through `compact`, with the same iterations, and
measures both in the teacher's features. Then times an iteration of each and of
VGG-19 to relu5_1, alternately. Target: at most 1.3 times the teacher's style loss at
no more content loss; at least 3 times as fast as the five layers and 6 times as
fast as the whole. About 8 minutes on two cores with bfloat16.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from common import cli, files
from common.errors import InputError
from experiments.distillation import lesson
from style_transfer.config import Config, OptimizationConfig
from style_transfer.validation import check_extractor


@dataclass(frozen=True)
class TeacherConfig:
    """Compare the compact extractor with its teacher."""

    images: Path
    """The folder that the extractor was distilled on; only held-out images are used."""
    teacher: str = "vgg19"
    """vgg19, through Keras, or a file of its weights."""
    pairs: int = 10
    """Pairs of a content and a style image."""
    size: int = 384
    """Longer side in pixels."""
    iterations: int = OptimizationConfig.iterations
    """Iterations per level."""
    rounds: int = 9
    """Turns of each extractor for the time of an iteration."""
    out: Path = Path("runs/teacher.json")
    """File for the metrics."""
    save: Path | None = None
    """Folder for the stylized images."""


def held_out_pairs(folder: Path, count: int) -> list[tuple[Path, Path]]:
    """Choose contents and styles that the extractor has not seen."""
    _, held_out = lesson.split(folder)
    if len(held_out) < 2:
        raise InputError(f"--images {folder}: expected at least {2 * lesson.HELD_OUT} images")
    order = [held_out[i] for i in np.random.default_rng(0).permutation(len(held_out))]
    shift = len(order) // 2
    return [(order[n % len(order)], order[(n + shift) % len(order)]) for n in range(count)]


def main() -> int:
    """Stylize all pairs, time the extractors, print and write the metrics."""
    options = cli.parse(TeacherConfig, "python -m experiments.teacher", None)
    check_extractor(options.teacher, "--teacher")
    pairs = held_out_pairs(options.images, options.pairs)
    cli.import_tensorflow()
    from experiments import style_scores

    optimization = OptimizationConfig(iterations=options.iterations, tolerance=0.0)
    config = Config(size=options.size, optimization=optimization)
    rows = style_scores.compare_pairs(pairs, config, options.teacher, options.save)
    style_scores.show(rows)
    times = style_scores.compare_times(options.teacher, config, options.rounds)
    files.write_json(options.out, {"size": options.size, "pairs": rows, "seconds": times})
    return 0


if __name__ == "__main__":
    cli.run(main)
