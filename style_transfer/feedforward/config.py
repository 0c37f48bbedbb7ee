"""Configuration of a network's training, importable without TensorFlow."""

import dataclasses
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

import tyro

from common import runs
from common.bounds import bounded, restored
from common.distribution.devices import Compile, Precision
from style_transfer import config as stylization
from style_transfer.config import LARGEST_SIDE, LEAST_STRENGTH, STYLES, Hidden

DEFAULT_MINUTES = 10.0
WAVES = 16  # of the position, by default
UPSAMPLING = ("subpixel", "resize")
BEFORE = {"waves": 0, "upsampling": "resize"}  # of networks whose configuration has no such field
MULTIPLE = 16  # of a crop's sides, the stride of the extractor's deepest layer
SMALLEST_CROP, LARGEST_CROP = 32, 256  # pixels, by default
CHANGEABLE = ("run_dir", "resume", "max_minutes", "steps")  # fields that a resume may change


@dataclass(frozen=True)
class NetworkConfig:
    """Size of the network."""

    width: int = bounded(16, 1, 256)
    """Channels at half the image's size; twice and four times as many at a quarter and an eighth.
    More: better paintings after longer training, and slower painting."""
    depth: int = bounded(6, 0, 32)
    """Residual blocks."""
    waves: Hidden[int | None] = bounded(None, 0, 256)
    """Waves of the position, from which the network makes texture in flat regions. They stay in
    place when the content moves. Default: 16, or 0 with --video; with --add-style those of its
    run."""
    upsampling: Hidden[Literal[UPSAMPLING]] = UPSAMPLING[0]
    """How feature maps are enlarged. subpixel: transposed convolutions. resize: nearest-neighbor
    resizing, then a convolution. With --add-style that of its run."""


@dataclass(frozen=True)
class TrainingConfig:
    """How the weights are found."""

    batch_size: Hidden[int] = bounded(1, 1, 256)
    """Crops per step."""
    crop: Hidden[int | None] = bounded(None, 32, 1024)
    """Side of the crops that the objective sees in pixels, a multiple of 16. Default: two thirds of
    --size, at most 256. A large crop has statistics like those of a whole photo."""
    learning_rate: float = bounded(2e-3, 0, 1)
    """Learning rate of Muon, which trains the convolutions, and of Adam, which trains the rest."""
    ema_images: Hidden[float] = bounded(1000.0, 0)
    """Half-life of the moving average of the weights, in crops; at most a 20th of those seen."""
    tick_images: Hidden[int] = bounded(200, 1)
    """Crops between two log entries, samples and checkpoints."""
    warp_weight: Hidden[float] = bounded(2.0, 0)
    """With --video: weight of the mean absolute difference from the moved painting."""
    style_layers: Hidden[tuple[str, ...]] = ()
    """LAYER or LAYER=WEIGHT of the style loss, as of `stylize`."""
    content_layers: Hidden[tuple[str, ...]] = ()
    """LAYER or LAYER=WEIGHT of the content loss, as of `stylize`."""
    precision: Hidden[Precision] = "auto"
    """Arithmetic of the convolutions. auto: bfloat16 where a measurement finds it faster."""
    compile: Hidden[Compile] = "auto"
    """Compile the step with XLA. auto: on a GPU."""


@dataclass(frozen=True)
class Config:
    """Train a network that paints photos in one or several styles, in one pass each."""

    style: tuple[Path, ...] = ()
    """Style: one or more image files. One network holds them all."""
    photos: Path | None = None
    """Folder of photos to practise on. Default: generated scenes and an embedded photo."""
    add_style: Path | None = None
    """Run whose network gets the styles of --style in addition. Only their scales and shifts are
    trained; its styles stay as they are."""
    size: int = bounded(512, 64, LARGEST_SIDE)
    """Longer side in pixels of the photos that the network is to paint; the style images are
    scaled to it, which sets the size of the strokes."""
    strength: float = bounded(0.5, LEAST_STRENGTH, 1)
    """Strength of the style: the content's weight is ((1 - strength) / strength)^2 of the usual."""
    statistic: Literal[STYLES] = "gram_and_mean"
    """Statistic that the style loss compares, as of `stylize`."""
    extractor: str = "compact"
    """Feature extractor: compact (embedded), vgg19, vgg16, or a file of weights."""
    trim_style: Annotated[bool, tyro.conf.FlagCreatePairsOff] = False
    """Cut uniform borders off the style images, such as the white of a scan."""
    video: Annotated[bool, tyro.conf.FlagCreatePairsOff] = False
    """Train for video: a moved image is to be painted as the moved painting (ReReVST). Steadier
    frames for a little less style; a step takes longer."""
    max_minutes: float | None = bounded(None, above=0)
    """Minutes of training. Default: 10, or no limit with --steps."""
    steps: int | None = bounded(None, 1)
    """Training steps."""
    seed: int = bounded(0, 0, 2**31 - 100)
    """Seed of the weights, the crops and the generated scenes."""
    run_dir: Path | None = None
    """Folder of the run. By default runs/style-DATE-TIME."""
    resume: Path | None = None
    """Folder of a run to continue, with the same results as if it had never stopped."""
    network: Annotated[NetworkConfig, tyro.conf.OmitArgPrefixes] = NetworkConfig()
    training: Annotated[TrainingConfig, tyro.conf.OmitArgPrefixes] = TrainingConfig()


def minutes(config: Config) -> float | None:
    """Return the limit of the training time in minutes; None without a limit.

    Example:
        >>> minutes(Config()), minutes(Config(steps=100))
        (10.0, None)
    """
    if config.max_minutes is None and config.steps is None:
        return DEFAULT_MINUTES
    return config.max_minutes


def crop_side(config: Config) -> int:
    """Return the side of the crops that the objective sees, in pixels.

    Example:
        >>> crop_side(Config(size=192)), crop_side(Config(size=1024))
        (128, 256)
    """
    if config.training.crop is not None:
        return config.training.crop
    return min(max(config.size * 2 // 3 // MULTIPLE * MULTIPLE, SMALLEST_CROP), LARGEST_CROP)


def resolved(config: Config) -> Config:
    """Return the configuration with what follows from other fields, as config.json keeps it.

    Example:
        >>> resolved(Config(size=192)).training.crop
        128
        >>> resolved(Config(video=True)).network.waves
        0
    """
    training, network = dataclasses.replace(config.training, crop=crop_side(config)), config.network
    if network.waves is None:
        network = dataclasses.replace(network, waves=0 if config.video else WAVES)
    return dataclasses.replace(config, training=training, network=network)


def to_dict(config: Config) -> dict[str, Any]:
    """Convert a configuration to JSON values."""
    return runs.plain(dataclasses.asdict(config))


def from_dict(fields: Any, file: str) -> Config:
    """Invert `to_dict`; missing fields have their defaults, but those of networks `BEFORE`.

    Args:
        fields: What config.json holds.
        file: How errors name it.

    Raises:
        InputError: A field is unknown, has another type or is out of its bounds.
    """
    network = fields.get("network") if isinstance(fields, dict) else None
    if isinstance(network, dict):
        fields = {**fields, "network": {**BEFORE, **network}}
    return restored(Config, fields, file)


def as_stylization(config: Config) -> stylization.Config:
    """Return the configuration of `stylize` with the same objective and size.

    Example:
        >>> as_stylization(Config(size=256)).size
        256
    """
    return stylization.Config(
        style=config.style,
        size=config.size,
        extractor=config.extractor,
        seed=config.seed,
        appearance=stylization.AppearanceConfig(
            strength=config.strength,
            statistic=config.statistic,
            trim_style=config.trim_style,
            style_layers=config.training.style_layers,
            content_layers=config.training.content_layers,
        ),
    )
