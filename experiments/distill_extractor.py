"""Can a small network replace VGG-19 for style?

    python -m experiments.distill_extractor --teacher vgg19 --images FOLDER
    python -m experiments.distill_extractor --teacher WEIGHTS.npz --images FOLDER --steps 5000

Trains the embedded extractor (`common.extractors.compact.student`) to predict
the first five layers of VGG-19 through linear heads, on crops of a folder of
images and on generated textures. Only the student is trained by gradients. The
heads are the solution of a linear regression (variable projection: Golub and
Pereyra 1973), which reaches in 300 steps what gradients on the heads do not
reach in 600.

About 17 minutes for 5,000 steps on two cores with bfloat16. Every 8th image is
held out; the relative errors on these are printed and go into the card beside
the weights. Curves: TensorBoard over runs/.
"""

from dataclasses import dataclass
from pathlib import Path

from common import cli
from experiments.distillation import lesson as data

WEIGHTS = Path("common/extractors/weights")
CARD = """# The compact extractor

A student of VGG-19 for style transfer and for distances between sets of images.

- **Architecture**: images in [0, 1] minus 0.45, blocks of 2x2 pixels as places of twelve channels,
  then 3x3 convolutions with ReLU of {widths} channels, a 2x2 maximum before the last
  (`common/extractors/compact.py`). Linear heads predict VGG-19's {layers} from them.
  {numbers:,} numbers, stored as float16: {kib} KiB.
- **Teacher**: VGG-19 (Simonyan and Zisserman 2015, CC BY 4.0), {teacher}.
- **Training**: `experiments/distill_extractor.py`, {config.steps} steps of
  {config.batch_size} crops{start}, Adam at most {config.learning_rate:g}, {minutes:.0f} minutes on
  two cores, {date}.
"""


@dataclass(frozen=True)
class DistillConfig(data.LessonConfig):
    """Distil the compact extractor from a VGG-19."""

    steps: int = 5000
    """Training steps."""
    learning_rate: float = 0.01
    """Highest learning rate of Adam; it falls to nearly zero along a cosine."""
    start: Path | None = None
    """Weights to start from, instead of random ones."""
    out: Path = WEIGHTS / "compact.npz"
    """File for the weights; the card is written beside it."""


def main() -> int:
    """Distil the extractor and write its weights and card."""
    config, paths = data.parse(DistillConfig, "python -m experiments.distill_extractor")
    cli.import_tensorflow()
    from experiments.distillation import student, training
    from style_transfer import extractors

    lesson = training.begin(config, paths)
    teacher = extractors.load(config.teacher, dtype=lesson.dtype)
    model = student.CompactStudent(teacher, lesson.dtype, config.crop)
    model.compile(optimizer=training.adam(config.learning_rate, config.steps))
    if config.start:
        model.read(config.start)
    model.solve_heads(lesson.source, 20)
    training.fit(model, lesson, config.steps, validation_data=lesson.test)
    model.solve_heads(lesson.source, 300)
    errors = training.evaluate(lambda batch: model.errors(model.prepare(batch)), lesson.test)
    training.publish(
        model.arrays(),
        config.out,
        "CARD.md",
        CARD,
        errors={layer: f"{error:.3f}" for layer, error in errors.items()},
        config=config,
        widths=", ".join(map(str, student.WIDTHS.values())),
        layers=", ".join(model.heads),
        start=", from the weights of an earlier run" if config.start else "",
        minutes=lesson.minutes,
        license="CC BY 4.0",
    )
    return training.finish(errors, 3, config.out, lesson.folder)


if __name__ == "__main__":
    cli.run(main)
