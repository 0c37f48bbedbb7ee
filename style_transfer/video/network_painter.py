"""Frames painted by a trained network."""

import numpy as np
from PIL import Image

from style_transfer.feedforward import apply
from style_transfer.video.blend import Carried
from style_transfer.video.config import Config
from style_transfer.video.sequence import Painter


def make(config: Config) -> Painter:
    """Load the network of a configuration.

    Args:
        config: Names the run, the weights of its styles and the colors.

    Raises:
        InputError: The checkpoint cannot be used.
    """
    brush, appearance = apply.load(config.model), config.appearance

    def paint(number: int, frame: np.ndarray, carried: Carried | None) -> np.ndarray:
        return brush.paint(Image.fromarray(frame), appearance.style_weights, appearance.colors)

    return paint
