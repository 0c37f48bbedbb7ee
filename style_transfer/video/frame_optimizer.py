"""Frames painted by optimization, each from the previous result."""

import contextlib
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import tensorflow as tf
from PIL import Image

from common.callbacks import Ending
from common.fast.custom_gradients import released_graphs
from common.fast.graph_optimizer import is_small, without_graph_optimizer
from common.images import from_unit
from style_transfer import colors, optimize
from style_transfer import config as stylization
from style_transfer.image_model import StyledImage
from style_transfer.plan import Stage, choose_weights
from style_transfer.prepare import finish, palette_of, prepare, read_styles
from style_transfer.refine import HORIZON
from style_transfer.stage import fit_stage
from style_transfer.strength import Dial, usual_scale
from style_transfer.video import scene_state
from style_transfer.video.blend import Carried
from style_transfer.video.config import Config, as_stylization
from style_transfer.video.frame_objective import FrameObjective
from style_transfer.video.sequence import Painter

SCALE, PALETTE = "content_scale", "palette"  # what a scene's first frame has found
RATES = 1.0, 0.1  # of the learning rate, at the first and at the last iteration


def make(config: Config, folder: Path, size: tuple[int, int]) -> Painter:
    """Make a painter that optimizes every frame.

    Args:
        config: Of the video.
        folder: The run folder, for the weight of the content.
        size: (width, height) of the frames.

    Raises:
        InputError: A style or the extractor cannot be used.
    """
    chosen, weight = as_stylization(config, max(size)), config.temporal.temporal_weight
    return OptimizingPainter(
        chosen,
        read_styles(config.style, chosen),
        folder,
        iterations=config.temporal.frame_iterations,
        penalty=config.temporal.penalty * weight / (1.0 - weight),
    )


class OptimizingPainter:
    """A painter whose scenes begin with a whole stylization.

    The frames after it take few iterations, at full size, from the carried result, or from the
    frame itself where that cannot be trusted. They keep what the first one has found: the weight
    of the content for the strength, and the map that gives the content the styles' palette. A map
    for each frame would let the colors of still places change with what moves elsewhere.
    """

    def __init__(
        self,
        config: stylization.Config,
        styles: Sequence[Image.Image],
        folder: Path,
        *,
        iterations: int,
        penalty: float,
    ):
        """Load the extractor.

        Args:
            config: Of one frame.
            styles: The style images.
            folder: Keeps what a resumed run needs.
            iterations: Of a frame after the first.
            penalty: Weight of the temporal loss.
        """
        self.config, self.styles, self.folder = config, styles, folder
        self.iterations, self.penalty = iterations, penalty
        self.extractor = optimize.load_extractor(config)
        self.weights = choose_weights(config, self.extractor)
        self.model: StyledImage | None = None  # of the frames after the first

    def __call__(self, number: int, frame: np.ndarray, carried: Carried | None) -> np.ndarray:
        if not self.config.appearance.strength:
            return frame
        image = Image.fromarray(frame)
        if carried is None:
            return from_unit(self._begin(number, image))
        if self.config.appearance.colors == "style":
            return from_unit(self._continue(number, image, carried))
        self.model = None  # the colors of the styles follow the frame, and so do their targets
        with released_graphs():
            return from_unit(self._continue(number, image, carried))

    def _begin(self, number: int, frame: Image.Image) -> np.ndarray:
        """Stylize a whole image, and note what it has found before the frame is written."""
        strength = self.config.appearance.strength
        dial = Dial(strength) if self.weights.content else None
        image, _ = optimize.paint(
            frame, self.styles, self.config, extractor=self.extractor, dial=dial
        )
        plain, references = prepare(frame, self.styles, frame.size, self.config, palette=False)
        palette = palette_of(plain, references, self.config)
        found = {
            SCALE: dial.scale if dial else usual_scale(strength),
            PALETTE: palette.state() if palette else None,
        }
        scene_state.note(self.folder, number, found)
        return image

    def _continue(self, number: int, frame: Image.Image, carried: Carried) -> np.ndarray:
        goal, references = prepare(frame, self.styles, frame.size, self.config, palette=False)
        if palette := scene_state.of_scene(self.folder, number, PALETTE):
            goal = colors.Palette.restore(palette)(goal)
        before = carried.image
        if self.config.appearance.colors == "content":
            before = colors.luminance(before)
        trust = carried.trust[..., None]
        start = np.clip(goal + trust * (before - goal), 0.0, 1.0)[None]
        if self.model is None:
            self.model = self._build(goal, references, start)
        else:
            self.model.restart(start)
        self.model.terms.begin(
            tf.constant(goal[None]), tf.constant(before[None]), tf.constant(trust[None])
        )
        self.model.terms.content_scale.assign(scene_state.of_scene(self.folder, number, SCALE))
        extractor, rate = self.model.terms.extractor, self.config.optimization.learning_rate
        rates = RATES[0] * rate, RATES[1] * rate
        stage = Stage(frame.size, self.iterations, extractor, rates, HORIZON)
        with without_graph_optimizer() if is_small(frame.size) else contextlib.nullcontext():
            fit_stage(self.model, stage, self.config, (), Ending(), None)
        return finish(self.model.average.numpy()[0], frame, frame.size, self.config)

    def _build(
        self, goal: np.ndarray, references: Sequence[np.ndarray], start: np.ndarray
    ) -> StyledImage:
        appearance = self.config.appearance
        shares = appearance.style_weights or [1.0] * len(references)
        objective = FrameObjective(
            self.extractor.reference or self.extractor,
            tf.constant(goal[None]),
            [(tf.constant(each[None]), w) for each, w in zip(references, shares, strict=True)],
            self.weights,
            penalty=self.penalty,
            statistic=appearance.statistic,
            content_distance=appearance.content_distance,
            smoothness=appearance.smoothness,
        )
        return StyledImage(start, objective, horizon=HORIZON)
