"""The objective of `stylize` on finished images of one size."""

from collections.abc import Sequence

import numpy as np
import tensorflow as tf

from style_transfer.config import Config
from style_transfer.extractors import Extractor
from style_transfer.objective import Objective
from style_transfer.plan import choose_weights
from style_transfer.refine import build_objective


def objective_of(
    goal: np.ndarray, references: Sequence[np.ndarray], config: Config, extractor: Extractor
) -> Objective:
    """Build the objective of a content and of styles with equal weights.

    Args:
        goal: The content in the styles' palette, (H, W, 3) in [0, 1].
        references: The styles, (h, w, 3) each.
        config: Names the losses.
        extractor: Computes the features.

    Returns:
        An objective of images of the size of `goal`.

    Example:
        >>> judged(objective_of(goal, [painting], config, extractor), image, scale=1.0)
    """
    styles = [(tf.constant(each[None]), 1.0) for each in references]
    weights = choose_weights(config, extractor)
    return build_objective(config, extractor, tf.constant(goal[None]), styles, weights)


def judged(objective: Objective, image: np.ndarray, scale: float) -> float:
    """Compute the sum of all terms of an image.

    Args:
        objective: Of the image's size. Its `content_scale` is changed.
        image: (H, W, 3) in [0, 1].
        scale: Multiplies the content's usual weight.
    """
    objective.content_scale.assign(scale)
    return float(sum(tf.reduce_sum(term) for term in objective(tf.constant(image[None])).values()))
