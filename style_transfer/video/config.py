"""Configuration of a stylized video, importable without TensorFlow."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

import tyro

from common.bounds import bounded
from style_transfer import config as stylization
from style_transfer.config import (
    LARGEST_SIDE,
    SMALLEST_SIDE,
    AppearanceConfig,
    Hidden,
    OptimizationConfig,
)

STYLIZATION = stylization.Config()
CHANGEABLE = ("out", "fps", "run_dir", "resume")  # fields that a resume may change


@dataclass(frozen=True)
class TemporalConfig:
    """What keeps the result from flickering."""

    temporal_weight: float = bounded(0.8, 0, 0.99)
    """Weight of the previous result, moved along the optical flow, against the new painting.
    Occluded and changed places take the new painting alone. 0: every frame by itself."""
    frame_iterations: int = bounded(40, 1, 1_000_000)
    """With --style: iterations of every frame after the first."""
    flow: Literal["auto", "dis", "none"] = "auto"
    """Optical flow. dis: OpenCV's DIS. none: what does not move is kept. auto: dis if
    opencv-python-headless is installed."""
    tolerance: Hidden[float] = bounded(0.06, 0, 1)
    """Largest mean difference of a frame and the moved previous one, in [0, 1], around a place that
    keeps the previous result; half of it without optical flow, where a slow movement is small."""
    penalty: Hidden[float] = bounded(12.5, 0)
    """With --style: weight of the squared difference from the moved previous result, at a
    --temporal-weight of 0.5; w / (1 - w) times as much at w."""


@dataclass(frozen=True)
class Config:
    """Stylize a video without flicker, through a trained network or by optimizing every frame."""

    input: Path | None = None
    """A video, or a folder of frames in the order of their names."""
    model: Path | None = None
    """Run folder of a network of `make train-style`, which paints every frame: fast."""
    style: tuple[Path, ...] = ()
    """In place of --model: one or more image files. Every frame is optimized."""
    out: Path | None = None
    """Result: a video (.mp4, .mkv, .mov, .webm) or a folder of frames. Default: video.mp4, or
    frames/, in the run folder."""
    size: int | None = bounded(None, SMALLEST_SIDE, LARGEST_SIDE)
    """Longer side of the result in pixels. Default: the input's; with --style at most 512."""
    fps: float | None = bounded(None, above=0, high=1000)
    """Frames per second of a video made from a folder. Default: 25."""
    extractor: str = "compact"
    """With --style: feature extractor, as of `stylize`."""
    seed: int = bounded(0, 0, 2**31 - 100)
    """With --style: seed of the noise of --init noise."""
    run_dir: Path | None = None
    """Folder of the run; a run that it holds is continued. By default runs/video-DATE-TIME."""
    resume: Path | None = None
    """Folder of a run to continue at the frame where it stopped."""
    temporal: Annotated[TemporalConfig, tyro.conf.OmitArgPrefixes] = TemporalConfig()
    appearance: Annotated[AppearanceConfig, tyro.conf.OmitArgPrefixes] = STYLIZATION.appearance
    optimization: Hidden[OptimizationConfig] = STYLIZATION.optimization
    """With --style: optimization of the first frame, and the rates of the others."""


def as_stylization(config: Config, longer: int) -> stylization.Config:
    """Return the configuration of `stylize` for one frame.

    Args:
        config: Of the video.
        longer: Longer side of the result in pixels.

    Example:
        >>> as_stylization(Config(), 320).size
        320
    """
    return stylization.Config(
        style=config.style,
        size=longer,
        extractor=config.extractor,
        seed=config.seed,
        appearance=config.appearance,
        optimization=config.optimization,
    )
