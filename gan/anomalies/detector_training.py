"""Training of a detector: a GAN of normal images, then an encoder to its latents."""

import dataclasses
import math
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf

from common import callbacks as guards
from common import checkpoints, files, runs
from common import images as image_io
from common.errors import InputError
from common.streams import without_autotune
from gan import description, trainer
from gan.anomalies.encoder import FAnoGAN, build_encoder
from gan.build import build_gan, set_precision_and_seed
from gan.config import AUTO, Config
from gan.data.base import ImageDataset
from gan.model import GAN
from gan.networks.base import ImageSpec

GAN_SHARE = 0.75  # of the training time; the encoder has the rest
BATCH = 64  # images of a step of the encoder
RATE = 1e-3  # Adam's, of the encoder
STEPS = 8  # of the encoder, per call of the compiled step


def train_detector(config: Config, dataset: ImageDataset, folder: Path, minutes: float) -> FAnoGAN:
    """Train a GAN and an encoder, or load or continue what the folder holds of them.

    Args:
        config: Of the GAN; `run.run_dir`, `run.resume`, `stop` and
            `data.conditional` are overwritten.
        dataset: Normal images to train on.
        folder: Of this detector; "gan" in it is the GAN's run folder, and
            "encoder.keras" the encoder.
        minutes: Training time; three quarters for the GAN.

    Returns:
        A model that scores images.

    Raises:
        KeyboardInterrupt: Ctrl-C. The GAN's run is saved and continues the next time.
        InputError: The training diverged.

    Example:
        >>> detector = train_detector(Config(), dataset, Path("runs/screws"), minutes=2)
        >>> detector.score(images).draws.mean(axis=0)
    """
    run = folder / "gan"
    if not _finished(run, GAN_SHARE * minutes):
        train_gan(config, dataset, run, GAN_SHARE * minutes)
    gan, spec = load_gan(run)
    path = folder / "encoder.keras"
    if path.exists():
        return FAnoGAN(keras.models.load_model(path), gan)
    encoder = build_encoder(spec, gan.latent_size, len(dataset), seed=config.seed)
    detector = FAnoGAN(encoder, gan)
    train_encoder(detector, dataset.images, config.seed, minutes=(1.0 - GAN_SHARE) * minutes)
    with files.atomic_path(path) as temporary:
        encoder.save(temporary)
    return detector


def _finished(run: Path, minutes: float) -> bool:
    saved = checkpoints.Checkpoints(run)
    return bool(saved.paths("last")) and saved.load("last")[1]["elapsed"] >= 60.0 * minutes


def train_gan(config: Config, dataset: ImageDataset, run: Path, minutes: float) -> None:
    """Train or resume an unconditional GAN.

    Args:
        config: See `train_detector`.
        dataset: Images to train on.
        run: Run folder, new or of an interrupted run.
        minutes: Training time.

    Raises:
        KeyboardInterrupt: The run was interrupted; it is saved.
        InputError: The training diverged.
    """
    begun = (run / runs.CONFIG).exists()
    preset = "default" if config.preset == AUTO else config.preset  # as measured
    config = dataclasses.replace(
        config,
        preset=preset,
        data=dataclasses.replace(config.data, conditional="off"),
        stop=dataclasses.replace(config.stop, epochs=None, max_minutes=minutes, evaluate_every=0.0),
        run=dataclasses.replace(
            config.run, run_dir=None if begun else run, resume=run if begun else None
        ),
    )
    result = trainer.train(config, dataset=dataset)
    if result.status == "interrupted":
        raise KeyboardInterrupt
    if result.status == "diverged":
        raise InputError(
            f"{run}: the training of the GAN diverged: {result.reason}\n"
            "start anew with another --run-dir, perhaps with another --resolution"
        )


def load_gan(run: Path) -> tuple[GAN, ImageSpec]:
    """Load the networks of a run in float32.

    Args:
        run: Run folder of a finished run.

    Returns:
        The GAN, not compiled, and the images that it generates.

    Raises:
        InputError: The networks cannot be rebuilt.

    Example:
        >>> gan, spec = load_gan(Path("runs/screws/gan"))
        >>> gan.ema_generator, gan.discriminator
    """
    saved = description.read(run, "--run-dir")
    arrays, _ = checkpoints.Checkpoints(run).load("last")
    set_precision_and_seed(dataclasses.replace(saved.config, precision="float32"))
    gan = build_gan(saved.config, saved.spec)
    description.check_fingerprint(
        saved.fingerprint, run, "--run-dir", gan.generator, gan.discriminator
    )
    checkpoints.assign(gan.variables, arrays, f"--run-dir {run}: its checkpoint")
    return gan, saved.spec


def train_encoder(
    detector: FAnoGAN,
    images: np.ndarray,
    seed: int,
    minutes: float | None = None,
    steps: int | None = None,
) -> None:
    """Train the encoder of a detector.

    Args:
        detector: Changed in place.
        images: Normal images, uint8 (N, H, W, C).
        seed: Seed of the order of the images.
        minutes: Training time; None without a limit.
        steps: Training steps of `BATCH` images, rounded up to a multiple of
            `STEPS`; None without a limit.

    Raises:
        KeyboardInterrupt: Ctrl-C.

    Example:
        >>> train_encoder(detector, images, seed=0, minutes=1)
    """
    signed = image_io.to_signed(images)
    batch = min(BATCH, len(signed))
    stream = tf.data.Dataset.from_tensor_slices(signed).shuffle(len(signed), seed).repeat()
    stream = without_autotune(stream)
    detector.compile(keras.optimizers.Adam(RATE), steps_per_execution=STEPS)
    ending = guards.Ending()
    budget = guards.TimeBudget(minutes, ending)

    def seen() -> int:
        return batch * int(detector.optimizer.iterations.numpy())

    def share_done() -> float:
        by_time = budget.elapsed / (60.0 * minutes) if minutes else 0.0
        return max(by_time, seen() / (batch * steps) if steps else 0.0)

    detector.fit(
        stream.batch(batch).prefetch(2),
        steps_per_epoch=STEPS * 10**6,  # a callback ends the training
        callbacks=[
            guards.Interrupt(ending),
            budget,
            guards.StopAfter(seen, batch * steps if steps else math.inf, ending),
            guards.Progress(share_done, seen, _pace, [("score", "score")]),
        ],
        shuffle=False,  # the stream is shuffled
        verbose=0,
    )
    if ending.status == "interrupted":
        raise KeyboardInterrupt


def _pace(images: float, per_second: float) -> str:
    return f"encoder: {images / 1000:.0f} kimg {per_second:.0f} img/s"
