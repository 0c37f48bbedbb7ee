"""Can images be recovered from the features that a closed form has moved to a style?

    python -m experiments.train_decoder --images FOLDER
    python -m experiments.train_decoder --images FOLDER --steps 200 --out decoder.npz

Trains the decoder of `stylize --method instant` (`style_transfer.instant.codec.decode`)
to invert the embedded extractor, on crops of a folder of images and of generated scenes,
and to decode transported features so that the extractor finds them again. It learns no
styles. Every 8th image is held out; the errors on these are printed and go into the card
beside the weights. Curves: TensorBoard over runs/.
"""

import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from common import cli
from common import images as image_io
from common.bounds import bounded, check_bounds
from common.errors import InputError
from common.files import atomic_path, write_bytes
from experiments.distillation import lesson
from style_transfer.feedforward import scenes

PROGRAM = "python -m experiments.train_decoder"
WEIGHTS, CARD = Path("common/extractors/weights/decoder.npz"), "DECODER_CARD.md"
STRIDE = 4  # pixels of a crop's side for each place of its code, as of `codec.STRIDE`
ABOUT = """# The decoder of instant style transfer

Images from the features of the compact extractor's last layer, for `stylize --method instant`.

- **Architecture**: 3x3 convolutions with ReLU of {widths} channels at a quarter,
  a half and the whole of the image's size, nearest-neighbor upsampling, no normalization
  (`style_transfer/instant/codec.py`). {numbers:,} weights, stored as float16: {kib} KiB.
- **Training**: `experiments/train_decoder.py`, {config.steps} steps of {config.batch_size} crops of
  {config.crop} pixels, Adam with a learning rate of at most {config.learning_rate:g},
  {minutes:.0f} minutes, {date}. Half of each batch is reconstructed. The features of the other half
  are moved to the means and covariances of the first, decoded and compared with those of the
  result; the finer layers of the result get the means and deviations of the first half's.
- **Data**: crops from a folder of photographs and paintings, one eighth of them held out, and
  generated scenes. The weights contain no images.
- **License**: CC BY 4.0, the extractor's.

Errors on crops of held-out images: mean absolute error of pixels in [0, 1], and mean squared errors
of features relative to their mean square. `transported` and `texture` are those of the second half:

| term | error |
|---|---|
{errors}
"""


@dataclass(frozen=True)
class DecoderConfig:
    """Train the decoder of instant style transfer."""

    images: Path
    """A folder of photos and paintings."""
    steps: int = bounded(3000, 1)
    """Training steps."""
    batch_size: int = bounded(8, 2)
    """Crops per step, an even number."""
    crop: int = bounded(80, 32)
    """Pixels of a crop's side, a multiple of 4."""
    size: int = bounded(320, 64)
    """Pixels of the images' longer side; crops are taken at 0.5 to 1.5 times this."""
    learning_rate: float = bounded(0.002, above=0)
    """Highest learning rate of Adam; it falls to nearly zero along a cosine."""
    seed: int = 0
    """Seed of crops, scenes and initial weights."""
    out: Path = WEIGHTS
    """File for the weights; the card is written beside it."""
    run_dir: Path | None = None
    """Folder for TensorBoard's events; runs/decoder-DATE-TIME by default."""


def main() -> int:
    """Train the decoder and write its weights and card."""
    config = cli.parse(DecoderConfig, PROGRAM, None)
    check(config)
    training_paths, held_out_paths = lesson.split(config.images)
    cli.import_tensorflow()
    import keras

    from common import runs
    from common.distribution import devices
    from experiments.distillation import reconstruction, training
    from style_transfer.feedforward import crops

    started = time.perf_counter()
    keras.utils.set_random_seed(config.seed)
    folder = runs.create(config.run_dir, "decoder")
    longest = round(1.5 * config.size)
    photos, held_out = ([_read(path, longest) for path in paths]
                        for paths in (training_paths, held_out_paths))  # fmt: skip
    drawn = scenes.contents(longest, config.seed)

    def stream(images, seed):
        batches = crops.batches(images, 1, config.batch_size, config.crop, config.size, seed)
        return batches.map(lambda images, *_: images)

    source, test = stream([*photos, *drawn], config.seed), stream(held_out, config.seed + 1)
    model = reconstruction.DecoderStudent(devices.resolve_precision("auto"), config.seed)
    model.measure(list(source.take(20)))
    model.compile(optimizer=training.adam(config.learning_rate, config.steps))
    lesson_of = training.Lesson(None, source, test.take(20), "", folder, started)
    training.fit(model, lesson_of, config.steps)
    errors = training.evaluate(lambda images: model.errors(model.prepare(images)), test.take(20))
    arrays = model.arrays()
    with atomic_path(config.out) as temporary:
        np.savez_compressed(temporary, **{k: v.astype(np.float16) for k, v in arrays.items()})
    card = ABOUT.format(
        widths=", ".join(str(values.shape[-1]) for values in arrays.values() if values.ndim == 4),
        numbers=sum(values.size for values in arrays.values()),
        kib=config.out.stat().st_size // 1024,
        config=config,
        minutes=lesson_of.minutes,
        date=time.strftime("%Y-%m-%d"),
        errors="\n".join(f"| {term} | {error:.3f} |" for term, error in errors.items()),
    )
    write_bytes(config.out.with_name(CARD), card.encode())
    return training.finish(errors, 3, config.out, folder)


def check(config: DecoderConfig) -> None:
    """Check the settings.

    Raises:
        InputError: One is out of its bounds, or the crops or the batches cannot be divided.
    """
    check_bounds(config)
    if config.crop % STRIDE:
        raise InputError(f"--crop: expected a multiple of {STRIDE}, got {config.crop}")
    if config.batch_size % 2:
        raise InputError(
            f"--batch-size: expected an even number, got {config.batch_size}\n"
            "half of each batch is moved to the moments of the other half"
        )


def _read(path: Path, longest: int) -> np.ndarray:
    image = image_io.read_image(path, channels=3, near=longest)
    longer = min(longest, max(image.size))
    return np.asarray(image_io.resize(image, image_io.fit_longer_side(image.size, longer)))


if __name__ == "__main__":
    cli.run(main)
