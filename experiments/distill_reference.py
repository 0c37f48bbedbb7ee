"""Distil the reference that refines the last iterations with the compact extractor.

    python -m experiments.distill_reference --teacher vgg19 --images FOLDER

The reference has VGG-19's architecture to relu3_1, but each convolution after the
first is split in two: 3x3 to fewer channels, then 1x1 to all of them; half the
numbers and half the arithmetic. It starts from the principal components of the
teacher's responses (Zhang et al. 2016, Accelerating Very Deep Convolutional
Networks for Classification and Detection, section 3.1) and is then trained as a
whole on the data of `experiments.distill_extractor`.

About 4 minutes for 800 steps on two cores with bfloat16. Curves: TensorBoard
over runs/.
"""

from dataclasses import dataclass
from pathlib import Path

from common import cli
from experiments.distillation import lesson as data

WEIGHTS = Path("common/extractors/weights")
BATCHES = 8  # for the principal components
CARD = """# The compact extractor's reference

A thinner VGG-19 that computes the last iterations of style transfer.

- **Architecture**: VGG-19 to relu3_1; every convolution after the first leads to fewer channels,
  {ranks}, and a 1x1
  convolution from them to VGG-19's own (`style_transfer/vgg.py`).
  {numbers:,} numbers, stored as float16: {kib} KiB.
- **Teacher**: VGG-19 (Simonyan and Zisserman 2015, CC BY 4.0), {teacher}.
  The first convolution starts as the teacher's, the thin ones from the principal components of its
  responses.
- **Training**: `experiments/distill_reference.py`, {config.steps} steps of {config.batch_size}
  crops, Adam at most {config.learning_rate:g}, {minutes:.0f} minutes on two cores, {date}.
"""


@dataclass(frozen=True)
class ReferenceConfig(data.LessonConfig):
    """Distil the compact extractor's reference from a VGG-19."""

    steps: int = 800
    """Training steps."""
    learning_rate: float = 0.0002
    """Highest learning rate of Adam; it falls to nearly zero along a cosine."""
    out: Path = WEIGHTS / "reference.npz"
    """File for the weights; the card is written beside it."""


def main() -> int:
    """Distil the reference and write its weights and card."""
    config, paths = data.parse(ReferenceConfig, "python -m experiments.distill_reference")
    cli.import_tensorflow()
    import numpy as np

    from experiments.distillation import thin, training
    from style_transfer import extractors, vgg

    lesson = training.begin(config, paths)
    arrays = vgg.read_vgg(config.teacher)
    teacher = extractors.vgg("teacher", arrays, "max", lesson.dtype)
    model = thin.ThinStudent(thin.thin(arrays, lesson.source, BATCHES), teacher, lesson.dtype)
    model.compile(optimizer=training.adam(config.learning_rate, config.steps))
    training.fit(model, lesson, config.steps)
    errors = training.evaluate(model.errors, lesson.test)
    training.publish(
        {name: np.asarray(values.value) for name, values in model.arrays.items()},
        config.out,
        "REFERENCE_CARD.md",
        CARD,
        errors={layer: f"{error:.4f}" for layer, error in errors.items()},
        config=config,
        ranks=", ".join(f"{rank} ({layer})" for layer, rank in thin.RANKS.items()),
        minutes=lesson.minutes,
        license="CC BY 4.0",
    )
    return training.finish(errors, 4, config.out, lesson.folder)


if __name__ == "__main__":
    cli.run(main)
