"""Frames painted by a trained network."""

from pathlib import Path

import numpy as np
from PIL import Image

from style_transfer.feedforward import apply
from style_transfer.feedforward.palettes import moments
from style_transfer.video import scene_state
from style_transfer.video.blend import Carried, blend
from style_transfer.video.config import Config
from style_transfer.video.sequence import Painter

COLORS = "colors"  # mean and covariance of a scene's first frame


def make(config: Config, folder: Path) -> Painter:
    """Load the network of a configuration.

    All frames of a scene get the palette of the style by the map of its first frame. A map for
    each would let the colors of still places change with what moves elsewhere.

    Args:
        config: Names the run, the weights of its styles, the colors and the weight of the
            carried result.
        folder: The run folder of the video, which keeps the colors of first frames.

    Raises:
        InputError: The checkpoint cannot be used.
    """
    brush, appearance = apply.load(config.model), config.appearance
    weight = config.temporal.temporal_weight

    def paint(number: int, frame: np.ndarray, carried: Carried | None) -> np.ndarray:
        if carried is None:
            colors = moments(frame)
            scene_state.note(folder, number, {COLORS: [each.tolist() for each in colors]})
        else:
            found = scene_state.of_scene(folder, number, COLORS)
            colors = tuple(map(np.array, found)) if found else moments(frame)
        image = Image.fromarray(frame)
        painted = brush.paint(image, appearance.style_weights, appearance.colors, photo=colors)
        return painted if carried is None else blend(painted, carried, weight)

    return paint
