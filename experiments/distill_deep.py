"""Can a smoothed SqueezeNet see what SqueezeNet sees?

    python -m experiments.distill_deep --teacher squeezenet.npz --images FOLDER

Trains the deep layers of the embedded extractor (`common.extractors.deep`): the
modules of SqueezeNet 1.1 behind a wider first convolution and with averages in
place of maxima, so that a stylized image gets no grain from their gradients. They
start from the teacher's weights.

About 40 minutes for 6,000 steps on two cores. Every 8th image is held out; the
relative errors on these are printed and go into the card beside the weights.
Curves: TensorBoard over runs/.
"""

from dataclasses import dataclass
from pathlib import Path

from common import cli
from experiments.distillation import lesson as data

WEIGHTS = Path("common/extractors/weights")
CARD = """# The deep layers of the compact extractor

A smoothed SqueezeNet for the style and content losses of style transfer.

- **Architecture**: SqueezeNet 1.1 to fire8. Its first convolution reads blocks of 2x2 pixels, 6x6
  pixels in all, at the same stride of 2; its 3x3 maxima are smooth 4x4 averages
  (`common/extractors/deep.py`). {numbers:,} weights, stored as float16: {kib} KiB.
- **Teacher**: SqueezeNet 1.1 (Iandola et al. 2016, BSD license), {teacher}. The student starts from
  its weights; the first convolution from its kernels, blurred{start}.
- **Training**: `experiments/distill_deep.py`, {config.steps} steps of {config.batch_size} crops,
  Adam with a learning rate of at most {config.learning_rate:g}, {minutes:.0f} minutes on two cores,
  {date}.
"""


@dataclass(frozen=True)
class DeepConfig(data.LessonConfig):
    """Distil the deep layers of the compact extractor from a SqueezeNet."""

    teacher: str = "squeezenet.npz"
    """File of SqueezeNet 1.1's weights."""
    batch_size: int = 8
    """Crops per step."""
    crop: int = 144
    """Pixels of a crop's side, divisible by 16."""
    sides: tuple[int, ...] = (640, 448, 320, 224, 144)
    """Pixels of the longer sides at which the images are cropped."""
    steps: int = 6000
    """Training steps."""
    learning_rate: float = 0.0015
    """Highest learning rate of Adam; it falls to nearly zero along a cosine."""
    start: Path | None = None
    """Weights to start from, instead of the teacher's."""
    out: Path = WEIGHTS / "deep.npz"
    """File for the weights; the card is written beside it."""


def main() -> int:
    """Distil the deep layers and write their weights and card."""
    config, paths = data.parse(DeepConfig, "python -m experiments.distill_deep")
    cli.import_tensorflow()
    from experiments.distillation import squeezenet, training

    lesson = training.begin(config, paths)
    model = squeezenet.DeepStudent(squeezenet.read(Path(config.teacher)))
    if config.start:
        model.read(config.start)
    model.compile(optimizer=training.adam(config.learning_rate, config.steps))
    training.fit(model, lesson, config.steps, validation_data=lesson.test)
    errors = training.evaluate(lambda batch: model.errors(model.prepare(batch)), lesson.test)
    training.publish(
        model.arrays(),
        config.out,
        "DEEP_CARD.md",
        CARD,
        errors={layer: f"{error:.3f}" for layer, error in errors.items()},
        config=config,
        start="; this run from the weights of an earlier one" if config.start else "",
        minutes=lesson.minutes,
        license="BSD",
    )
    return training.finish(errors, 3, config.out, lesson.folder)


if __name__ == "__main__":
    cli.run(main)
