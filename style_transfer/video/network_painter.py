"""Frames painted by a trained network."""

import numpy as np
from PIL import Image

from style_transfer.feedforward import apply
from style_transfer.video.blend import Carried, blend
from style_transfer.video.config import Config
from style_transfer.video.sequence import Painter


def make(config: Config) -> Painter:
    """Load the network of a configuration.

    Args:
        config: Names the run, the weights of its styles, the colors and the weight of the
            carried result.

    Raises:
        InputError: The checkpoint cannot be used.
    """
    brush, appearance = apply.load(config.model), config.appearance
    weight = config.temporal.temporal_weight

    def paint(number: int, frame: np.ndarray, carried: Carried | None) -> np.ndarray:
        image = Image.fromarray(frame)
        painted = brush.paint(image, appearance.style_weights, appearance.colors)
        return painted if carried is None else blend(painted, carried, weight)

    return paint
