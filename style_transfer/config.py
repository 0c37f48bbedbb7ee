"""Configuration of a stylization, importable without TensorFlow."""

import dataclasses
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

import tyro

from common.bounds import Hidden, bounded
from common.distribution.devices import Compile, Precision
from common.registry import constant, table_keys
from common.runs import plain

EMBEDDED = ("compact",)
KERAS_FILES = {  # what keras.applications downloads
    name: f"{name}_weights_tf_dim_ordering_tf_kernels_notop.h5" for name in ("vgg16", "vgg19")
}
LEAST_STRENGTH = 1e-3  # above 0; the content's weight is then a million times the usual
MOST_WEIGHT = 1e6  # of a style
SMALLEST_SIDE = 16  # pixels; the deepest layers of a smaller image are empty
LARGEST_SIDE = 16384  # pixels
PREVIEW_SIZE = 256  # pixels
PREVIEW_ITERATIONS = 80  # per level

STYLES = table_keys("common.losses.style", "STYLE")
MASKABLE = constant("common.losses.style", "MASKABLE")
CONTENTS = table_keys("common.losses.content", "CONTENT")
SMOOTHNESSES = table_keys("common.losses.smoothness", "SMOOTHNESS")


@dataclass(frozen=True)
class AppearanceConfig:
    """Appearance of the result."""

    strength: float = bounded(0.5, 0, 1)
    """Strength of the style, from 0 (the content itself) to 1 (style alone): the content distance,
    as a fraction of that of the style alone. Above 0, at least 0.001."""
    style_weights: tuple[float, ...] = bounded((), 0, MOST_WEIGHT)
    """One weight for each style image. Equal by default."""
    style_scale: float = bounded(1.0, 0.05, 10)
    """Size of the strokes: size of the style images in units of the result's. They are never
    enlarged."""
    trim_style: Annotated[bool, tyro.conf.FlagCreatePairsOff] = False
    """Cut uniform borders off the style images, such as the white of a scan."""
    colors: Literal["style", "content", "matched"] = "style"
    """Colors of the result. content: stylize the luminance alone. matched: give the style images
    the content's mean color and covariance first."""
    init: Literal["content", "noise", "style", "instant"] = "content"
    """Image that the first level of the optimization starts from. instant: a rendering of the
    content in the styles' palette by the instant method, at the size of this level."""
    statistic: Literal[STYLES] = "gram_and_mean"
    """Statistic that the style loss compares. gram: Gram matrices. gram_and_mean: also means.
    wasserstein: means and covariances, as of Gaussians. sliced: whole distributions, by sorted
    projections. nearest: each place with the most similar place of the style."""
    content_distance: Hidden[Literal[CONTENTS]] = "squared"
    """Distance of the content loss. huber: large departures from the content cost less."""
    total_variation: Hidden[float] = bounded(0.12, 0)
    """Weight of the differences between neighboring pixels. A smaller one gives more grain."""
    smoothness: Hidden[Literal[SMOOTHNESSES]] = "absolute"
    """Cost of a difference between neighboring pixels."""
    style_layers: Hidden[tuple[str, ...]] = ()
    """LAYER or LAYER=WEIGHT of the style loss. By default five layers from fine to coarse."""
    content_layers: Hidden[tuple[str, ...]] = ()
    """LAYER or LAYER=WEIGHT of the content loss. By default one deep layer."""


@dataclass(frozen=True)
class OptimizationConfig:
    """Optimization of the pixels."""

    optimizer: Hidden[Literal["adam", "lbfgs"]] = "adam"
    """Optimizer. lbfgs: SciPy's L-BFGS-B."""
    iterations: int = bounded(150, 1, 1_000_000)
    """Iterations per level of the pyramid. The first level takes twice as many. Adam does them in
    tens: 25 become 30."""
    learning_rate: Hidden[float] = bounded(0.02, 1e-6, 1)
    """Learning rate of Adam, in units of the image's range [0, 1]. It falls from 2.5 times to a
    fifth of this during refinement."""
    smallest: Hidden[int] = bounded(128, SMALLEST_SIDE, LARGEST_SIDE)
    """Longer side of the first level in pixels, about. Each level is twice as large."""
    tolerance: Hidden[float] = bounded(0.002, 0, 1)
    """A level ends when its loss falls by less than this fraction in 25 iterations. 0: never."""
    refine: Hidden[float] = bounded(0.4, 0, 1)
    """Fraction of the last level's iterations that refine: with decreasing steps and, with the
    embedded extractor, through its slower, more accurate reference."""
    correct: Hidden[int] = bounded(20, 0)
    """Iterations between two corrections of the embedded extractor's Gram matrices by those of its
    reference, until refinement. 0: no corrections."""
    tile: Hidden[int] = bounded(768, 16, LARGEST_SIDE)
    """Side of a tile in pixels. An image of over 4/3 times as many pixels is computed in tiles,
    with the same result, in bounded memory and about twice the time."""
    pooling: Hidden[Literal["max", "average"]] = "max"
    """Pooling of a VGG."""
    precision: Hidden[Precision] = "auto"
    """Arithmetic of the convolutions. auto: bfloat16 if a short measurement finds it faster on this
    CPU or the GPU supports it, otherwise float32. float16 is refused."""
    compile: Hidden[Compile] = "auto"
    """Compile the iteration with XLA. auto: on a GPU."""
    max_minutes: float | None = bounded(None, above=0)
    """Wall-clock budget for all images. A single image is then written as it is, at full size; the
    unfinished image of a folder is left for the next run."""


@dataclass(frozen=True)
class OutputConfig:
    """Output files."""

    out: Path | None = None
    """Result: an image file, or a folder for a folder of content images. By default in the run
    folder."""
    bits: Hidden[Literal[8, 16]] = 8
    """Bits per channel. 16 needs .png or .tif."""
    animation: Path | None = None
    """A .gif of the optimization."""
    run_dir: Path | None = None
    """New folder for metrics and TensorBoard events. By default runs/stylize-DATE-TIME."""
    shard: Hidden[str] = "0/1"
    """INDEX/COUNT: stylize every COUNT-th image of a folder, from INDEX on, to share it between
    processes."""


@dataclass(frozen=True)
class Config:
    """Stylize a photo after paintings. Without arguments: an embedded demonstration."""

    content: Path | None = None
    """Content: an image file or a folder of images."""
    style: tuple[Path, ...] = ()
    """Style: one or more image files."""
    masks: tuple[Path, ...] = ()
    """A mask for the content, then one for each style. Regions of a color take the style of the
    regions of the same color. Gray levels blend white and black."""
    keep: Path | None = None
    """A mask for the content: what is white stays as it is."""
    size: int = bounded(512, SMALLEST_SIDE, LARGEST_SIDE)
    """Longer side of the result in pixels."""
    method: Literal["optimize", "instant"] = "optimize"
    """Method of stylization. optimize: optimize the pixels, in about a minute. instant: move the
    content's features to the styles' mean and covariance and decode them, in seconds."""
    extractor: str = "compact"
    """Feature extractor. compact: embedded. vgg19, vgg16: downloaded once by Keras. Or a file of
    weights: .npz, or Keras's .h5."""
    preview: Annotated[bool, tyro.conf.FlagCreatePairsOff] = False
    """Fast preview of at most 256 pixels."""
    seed: int = bounded(0, 0, 2**31 - 100)
    """Seed of the noise and of the demonstration's style."""
    appearance: Annotated[AppearanceConfig, tyro.conf.OmitArgPrefixes] = AppearanceConfig()
    optimization: Annotated[OptimizationConfig, tyro.conf.OmitArgPrefixes] = OptimizationConfig()
    output: Annotated[OutputConfig, tyro.conf.OmitArgPrefixes] = OutputConfig()


def to_dict(config: Config) -> dict[str, Any]:
    """Convert a configuration to JSON values."""
    return plain(dataclasses.asdict(config))


def resolve(config: Config) -> Config:
    """Replace `--preview` by what it stands for: a small size, few iterations, no refinement.

    Args:
        config: Any configuration. Without `preview` it is returned unchanged.

    Example:
        >>> resolve(Config(preview=True)).size
        256
    """
    if not config.preview:
        return config
    optimization = dataclasses.replace(
        config.optimization,
        iterations=min(PREVIEW_ITERATIONS, config.optimization.iterations),
        refine=0.0,
        correct=0,
    )
    return dataclasses.replace(
        config, preview=False, size=min(PREVIEW_SIZE, config.size), optimization=optimization
    )
