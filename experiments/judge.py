"""The objective of `stylize` on finished images of one size."""

from collections.abc import Sequence

import numpy as np
import tensorflow as tf

from style_transfer.config import Config
from style_transfer.extractors import Extractor
from style_transfer.objective import Objective
from style_transfer.plan import choose_weights
from style_transfer.refine import build_objective
from style_transfer.strength import content_distance


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
        >>> judged(objective_of(goal, [painting], config, extractor), image, [1.0])
    """
    styles = [(tf.constant(each[None]), 1.0) for each in references]
    weights = choose_weights(config, extractor)
    return build_objective(config, extractor, tf.constant(goal[None]), styles, weights)


def judged(objective: Objective, image: np.ndarray, scales: Sequence[float]) -> list[float]:
    """Compute the sum of all terms of an image, for several weights of the content.

    Args:
        objective: Of the image's size, as `objective_of` returns it.
        image: (H, W, 3) in [0, 1].
        scales: Multiply the content's usual weight.

    Returns:
        A sum for each scale.
    """
    terms = objective(tf.constant(image[None]))
    terms = {name: float(tf.reduce_sum(term)) for name, term in terms.items()}
    content = content_distance(terms, scale=1.0)
    rest = sum(terms.values()) - content
    return [rest + scale * content for scale in scales]
