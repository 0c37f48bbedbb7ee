"""An even strength of the style: a target for the content distance in place of a weight.

Losses differ in scale from pair to pair, so that a fixed weight of the content gives
one pair the photo and another the painting (Reimann et al. 2021, arXiv 2104.10064,
find more than half of all results over- or under-stylized). Here the strength s
asks for a result whose content distance is s times that of the style alone. The small
stages measure that, by some iterations without the content. The weight then follows: it
grows while the image is farther from the content, and falls while it is nearer.
"""

import math
from collections.abc import Mapping

import keras
import numpy as np
import tensorflow as tf

ALONE = 1e-6  # scale of the content loss that leaves the style alone, and still measures it
SPEED = 0.04  # change of the logarithm of the weight per iteration, relative to that of the error
LARGEST_ERROR = 1.0  # logarithm of the ratio of distance and target; bounds one change
TINY = 1e-12
LEAST_SHAPE = 0.3  # of the distance asked for that is left to other changes than of color
FIRST = (0.01, 10.0)  # least and largest at first: Adam is slow to forget a large gradient
SCALES = (1e-4, 1e4)  # least and largest later


def usual_scale(strength: float) -> float:
    """Return the weight of the content where nothing is measured, 1 at a strength of 0.5.

    Args:
        strength: `style_transfer.config.LEAST_STRENGTH` to 1.

    Example:
        >>> usual_scale(0.25)
        9.0
    """
    return ((1.0 - strength) / strength) ** 2


def content_distance(logs: Mapping[str, float], scale: float) -> float:
    """Compute the content loss without the scale.

    Args:
        logs: Terms of an objective, those of the content as "content/LAYER".
        scale: The scale in them.

    Example:
        >>> content_distance({"content/fire5": 1.5, "style/fire4": 2.0}, scale=3.0)
        0.5
    """
    return sum(float(v) for name, v in logs.items() if name.startswith("content/")) / scale


class Dial:
    """The scale of the content loss, which is carried from stage to stage.

    Attributes:
        strength: Above 0, below 1.
        scale: The present one.
        alone: Content distance of the style alone; None until it is measured.
        size: (width, height) at which it was measured.
        image: (1, H, W, 3) of the style alone at this size.
        shift: Content distance that the styles' palette alone makes. The content loss does
            not see it, as its target has the palette; it is about what adds to it.
    """

    def __init__(self, strength: float):
        self.strength, self.alone, self.size, self.image = strength, None, (0, 0), None
        self.shift = 0.0
        self.scale = min(max(usual_scale(strength), FIRST[0]), FIRST[1])

    @property
    def target(self) -> float:
        """The content distance to reach beside the palette's."""
        whole = self.strength * (self.alone + self.shift)
        return max(whole - self.shift, LEAST_SHAPE * whole)

    def image_at(self, start: np.ndarray) -> np.ndarray:
        """Return the image of the style alone at the size of `start`, at first `start` itself."""
        if self.image is None:
            return start
        return np.clip(tf.image.resize(self.image, start.shape[1:3], "bicubic"), 0.0, 1.0)

    def take(self, size: tuple[int, int], image: np.ndarray, distance: float) -> None:
        """Take what a stage has measured.

        Args:
            size: (width, height) in pixels.
            image: (1, H, W, 3), of the style alone.
            distance: Its content distance.
        """
        self.size, self.image, self.alone = size, image, distance

    def follow(self, logs: Mapping[str, float], iterations: int) -> None:
        """Change the scale after some iterations.

        Args:
            logs: Terms of the objective with the present scale.
            iterations: Number of them.
        """
        distance = content_distance(logs, self.scale)
        if not math.isfinite(distance * self.target):
            return  # the stage has diverged
        error = math.log(max(distance, TINY) / max(self.target, TINY))
        error = min(max(error, -LARGEST_ERROR), LARGEST_ERROR)
        changed = self.scale * math.exp(SPEED * iterations * error)
        self.scale = min(max(changed, SCALES[0]), SCALES[1])


class FollowDial(keras.callbacks.Callback):
    """Change the scale of an objective's content loss as a dial says."""

    def __init__(self, dial: Dial, content_scale: tf.Variable):
        super().__init__()
        self.dial, self.content_scale = dial, content_scale

    def on_train_begin(self, logs=None):
        self.done = self.model.steps_done
        self.content_scale.assign(self.dial.scale)

    def on_train_batch_end(self, batch, logs=None):
        now = self.model.steps_done
        self.dial.follow(logs, now - self.done)
        self.done = now
        self.content_scale.assign(self.dial.scale)
