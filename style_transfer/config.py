"""What a stylization is told; checked before TensorFlow is imported."""

import dataclasses
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

import tyro

from common.distribution.devices import Compile, Precision
from common.runs import plain

EMBEDDED = ("compact",)
KERAS_FILES = {  # what keras.applications downloads, and where to
    name: f"{name}_weights_tf_dim_ordering_tf_kernels_notop.h5" for name in ("vgg16", "vgg19")
}
SMALLEST_SIDE = 16  # pixels; below, the deepest layers have nothing left to look at
PREVIEW_SIZE = 256  # pixels
PREVIEW_ITERATIONS = 60  # at each level


@dataclass(frozen=True)
class AppearanceConfig:
    """What the picture should look like."""

    strength: float = 0.5
    """From 0, almost the content itself, to 1, nothing but style."""
    style_weights: tuple[float, ...] = ()
    """One weight for each style; equal ones by default."""
    style_scale: float = 1.0
    """Size of the strokes: the styles' size in units of the picture's. Never enlarged."""
    colors: Literal["style", "content", "matched"] = "style"
    """content: only the luminance is stylized. matched: the styles are first given the content's
    mean colour and covariance."""
    init: Literal["content", "noise", "style"] = "content"
    """What the first level starts from."""
    statistic: Literal["gram", "wasserstein"] = "gram"
    """What of a layer is compared: Gram matrices, or means and covariances."""
    content_distance: Literal["squared", "huber"] = "squared"
    """huber: large departures from the content cost less."""
    total_variation: float = 0.04
    """Weight of the differences between neighbouring pixels: less is grainier."""
    smoothness: Literal["absolute", "squared"] = "absolute"
    """How those differences are counted."""
    style_layers: tuple[str, ...] = ()
    """LAYER or LAYER=WEIGHT; by default five from fine to coarse."""
    content_layers: tuple[str, ...] = ()
    """LAYER or LAYER=WEIGHT; by default one, deep."""


@dataclass(frozen=True)
class OptimizationConfig:
    """How the picture is found."""

    optimizer: Literal["adam", "lbfgs"] = "adam"
    """lbfgs: scipy's L-BFGS-B."""
    iterations: int = 120
    """At each level of the pyramid; twice as many at the first."""
    learning_rate: float = 0.02
    """Adam's, in units of the picture's range [0, 1]; from 2.5 times to a fifth of it while
    refining."""
    smallest: int = 128
    """Pixels of the longer side at the first level; each level is larger by sqrt 2."""
    tolerance: float = 0.002
    """A level ends when its loss falls by less than this share in 25 iterations; 0: never."""
    refine: float = 7 / 12
    """Share of the last level's iterations that refine: with ever smaller steps and, with the
    embedded extractor, through its slower, truer reference."""
    correct: int = 20
    """Iterations after which the embedded extractor's Gram matrices are corrected by those of its
    reference, until that takes over; 0: never."""
    pooling: Literal["max", "average"] = "max"
    """Of a VGG."""
    precision: Precision = "auto"
    """auto: bfloat16 where the processor or GPU computes it natively; float16 is too narrow."""
    compile: Compile = "auto"
    """Compile the iteration with XLA. auto: on a GPU."""
    max_minutes: float | None = None
    """Wall-clock budget for all pictures; a single one is then written as it is, at full size, of a
    folder the unfinished one is left for next time."""


@dataclass(frozen=True)
class OutputConfig:
    """What is written, and where."""

    out: Path | None = None
    """The picture, or a folder for a folder of contents; in the run's folder by default."""
    bits: Literal[8, 16] = 8
    """Bits a channel; 16 for .png and .tif."""
    animation: Path | None = None
    """A .gif of the picture as it grows."""
    run_dir: Path | None = None
    """The run's new folder, with TensorBoard's events; runs/stylize-DATE-TIME by default."""
    shard: str = "0/1"
    """INDEX/COUNT: of a folder only every COUNT-th picture from INDEX on, for several processes."""


@dataclass(frozen=True)
class Config:
    """Paints a picture in the style of others. Without arguments: an embedded demonstration."""

    content: Path | None = None
    """The picture, or a folder of pictures, to be painted."""
    style: tuple[Path, ...] = ()
    """One or more pictures to take the style from."""
    size: int = 512
    """Pixels of the longer side of the result."""
    extractor: str = "compact"
    """compact: embedded. vgg19 and vgg16: through Keras, which downloads them once. Or a file of
    weights: .npz, or Keras's."""
    preview: bool = False
    """A quick look: at most 256 pixels, in seconds."""
    seed: int = 0
    """Of the noise and of the demonstration's style."""
    appearance: Annotated[AppearanceConfig, tyro.conf.OmitArgPrefixes] = AppearanceConfig()
    optimization: Annotated[OptimizationConfig, tyro.conf.OmitArgPrefixes] = OptimizationConfig()
    output: Annotated[OutputConfig, tyro.conf.OmitArgPrefixes] = OutputConfig()


def to_dict(config: Config) -> dict[str, Any]:
    """The configuration as JSON holds it."""
    return plain(dataclasses.asdict(config))


def resolve(config: Config) -> Config:
    """The same with --preview spelt out: small, soon done, by the quick network alone."""
    if not config.preview:
        return config
    few = min(PREVIEW_ITERATIONS, config.optimization.iterations)
    search = dataclasses.replace(config.optimization, iterations=few, refine=0.0, correct=0)
    return dataclasses.replace(config, size=min(PREVIEW_SIZE, config.size), optimization=search)
