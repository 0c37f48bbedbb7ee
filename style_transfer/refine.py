"""Corrections by a second, more accurate extractor.

An extractor may have a slower `reference` with the same layers. Two things use
it: during most of the optimization, the fast extractor's statistics are
corrected towards the reference's every few iterations; the last iterations go
through the reference itself. With another extractor, or `refine` and `correct`
at 0, nothing here runs.
"""

from collections.abc import Callable, Mapping, Sequence

import keras
import tensorflow as tf

from common.extractors.compact import Features
from common.losses.feature_map import Moments
from style_transfer.config import Config
from style_transfer.extractors import Extractor
from style_transfer.masks import Guides
from style_transfer.objective import Objective, Weights
from style_transfer.plan import Stage

FIRST_RATE, LAST_RATE = 2.5, 0.2  # of the learning rate; a new gradient first needs large steps
HORIZON = 15.0  # iterations
CORNER = 64  # pixels of a style image that show the shapes of its moments
CORRECTED = ("gram", "gram_and_mean")  # statistics that are sums over moments


class CorrectedObjective(Objective):
    """An `Objective` with the statistics of a reference and the gradients of its extractor.

    The style targets are the reference's. `correct` measures at an image how far
    the extractor's moments are from the reference's and adds that from then on:
    the defect correction of numerical analysis (Stetter 1978). It corrects
    moments, so the statistic is "gram".

    Attributes:
        reference: The slower extractor with the same layers.
        offsets: {layer: Moments} of the layers that differ, added to the extractor's own moments.
    """

    def __init__(
        self,
        extractor: Extractor,
        content: tf.Tensor,
        styles: Sequence[tuple[tf.Tensor, float]],
        weights: Weights,
        **losses: str,
    ):
        self.reference = extractor.reference
        super().__init__(extractor, content, styles, weights, **losses)
        self.offsets = self._zeros(styles[0][0]) if styles else {}

    def _zeros(self, style: tf.Tensor) -> dict[str, Moments]:
        """Make offsets of 0 in the shapes of the reference's moments, which a corner tells."""
        corner = self.reference(style[:, :CORNER, :CORNER])
        return {
            layer: Moments(*(tf.Variable(tf.zeros_like(each)) for each in corner[layer].moments()))
            for layer in self.weights.style
            if layer not in self.extractor.exact
        }

    def style_target(self, style: tf.Tensor) -> dict[str, Features]:
        return self.features(self.reference, style, self.weights.style)

    @tf.function(autograph=False)
    def correct(self, image: tf.Tensor) -> None:
        """Update the correction that aligns the extractor's moments with the reference's.

        At `image` the style loss is then the reference's, its gradient the
        extractor's.

        Args:
            image: (1, H, W, 3) in [0, 1].
        """
        true, own = self.reference(image), self.extractor(image)
        for layer, offset in self.offsets.items():
            for part, wanted, found in zip(
                offset, true[layer].moments(), own[layer].moments(), strict=True
            ):
                part.assign(wanted - found)

    def style_terms(self, f: Mapping[str, Features]) -> dict[str, tf.Tensor]:
        corrected = dict(f)
        for layer, offset in self.offsets.items():
            parts = zip(f[layer].moments(), offset, strict=True)
            corrected[layer] = Features(f[layer].values, Moments(*(m + o for m, o in parts)))
        return super().style_terms(corrected)


class Correct(keras.callbacks.Callback):
    """Correct the objective at the current image, at first and every few iterations."""

    def __init__(self, correct: Callable[[tf.Tensor], None], every: int):
        super().__init__()
        self.correct, self.every = correct, every

    def on_train_begin(self, logs=None):
        self.last = -self.every

    def on_train_batch_begin(self, batch, logs=None):
        now = self.model.steps_done
        if now - self.last >= self.every:
            self.correct(self.model.image.value)
            self.last = now


def with_refinement(stages: Sequence[Stage], config: Config, extractor: Extractor) -> list[Stage]:
    """Let the last iterations of the last stage refine, through the reference if there is one.

    Args:
        stages: From `plan`.
        config: Names the fraction that refines and the learning rate.
        extractor: That of the stages.

    Returns:
        The stages that have iterations.
    """
    rate = config.optimization.learning_rate
    count = round(config.optimization.refine * config.optimization.iterations)
    last = stages[-1]
    refining = last._replace(
        iterations=count,
        extractor=extractor.reference or extractor,
        rates=(FIRST_RATE * rate, LAST_RATE * rate),
        horizon=HORIZON,
    )
    split = [*stages[:-1], last._replace(iterations=last.iterations - count), refining]
    return [stage for stage in split if stage.iterations]


def build_objective(
    config: Config,
    extractor: Extractor,
    content: tf.Tensor,
    styles: Sequence[tuple[tf.Tensor, float]],
    weights: Weights,
    *,
    guides: Guides | None = None,
    kept: tf.Tensor | None = None,
) -> Objective:
    """Build the objective of one stage, corrected if the extractor has a reference.

    With masks nothing is corrected, as the corrections are those of whole images.

    Args:
        config: Names the losses and whether to correct.
        extractor: Computes the features.
        content: (1, H, W, 3) in [0, 1].
        styles: (1, h, w, 3) in [0, 1], each with its weight.
        weights: Of the terms, for an extractor that is its own reference.
        guides: Masks at these sizes, or None.
        kept: What the image is where `guides` keep it; by default the content.
    """
    appearance, optimization = config.appearance, config.optimization
    losses = {
        "guides": guides,
        "kept": kept,
        "statistic": appearance.statistic,
        "content_distance": appearance.content_distance,
        "smoothness": appearance.smoothness,
    }
    if extractor.reference is None:
        return Objective(extractor, content, styles, weights, **losses)
    # A line search needs a fixed objective, and only moments can be corrected.
    adam, moments = optimization.optimizer == "adam", appearance.statistic in CORRECTED
    corrects = optimization.correct and adam and moments and not guides
    kind = CorrectedObjective if corrects else Objective
    return kind(extractor, content, styles, weights, **losses)
