"""The objective of `stylize` on batches of crops, each with its own content and style."""

import copy
from collections.abc import Sequence

import tensorflow as tf

from common.extractors.compact import Features
from common.losses.content import CONTENT
from common.losses.style import STYLE, Moments, StyleLoss
from style_transfer.extractors import Extractor
from style_transfer.objective import Objective, Weights

DISTANCE = "squared"  # of the content


class CropObjective(Objective):
    """An `Objective` whose content and style change with every batch.

    The targets of the styles are computed once, the content's features with each batch.

    Example:
        >>> objective = CropObjective(extractor, [wave, night], weights, side=128)
        >>> objective.of_crops(painted, contents, tf.constant([0, 1]))  # {term: (2,)}
    """

    def __init__(
        self,
        extractor: Extractor,
        styles: Sequence[tf.Tensor],
        weights: Weights,
        side: int,
        *,
        statistic: str = "gram_and_mean",
    ):
        """Compute the targets of the styles.

        Args:
            extractor: Computes the features.
            styles: (1, h, w, 3) in [0, 1] of any size each.
            weights: Of the terms.
            side: Of the crops in pixels.
            statistic: A key of `common.losses.style.STYLE`; with several styles one that
                reads moments only.
        """
        self.targets: list[dict[str, Features]] = []
        blank = tf.zeros((1, side, side, 3))
        shares = [(style, 1.0) for style in styles]
        super().__init__(extractor, blank, shares, weights, statistic=statistic)
        self.statistic = STYLE[statistic]
        self.stacked = {layer: self._stack(layer) for layer in weights.style}

    def style_target(self, style: tf.Tensor) -> dict[str, Features]:
        self.targets.append(super().style_target(style))
        return self.targets[-1]

    def of_crops(
        self, images: tf.Tensor, contents: tf.Tensor, styles: tf.Tensor
    ) -> dict[str, tf.Tensor]:
        """Compute every weighted term of a batch.

        Args:
            images: Paintings, (B, H, W, 3) in [0, 1].
            contents: What the content loss compares them with, of the same shape.
            styles: The style of each, int32 (B,).

        Returns:
            {term: (B,)}, as of `Objective`.
        """
        this = copy.copy(self)
        if self.content:
            p = self.extractor(contents)
            this.content = {layer: CONTENT[DISTANCE](p[layer]) for layer in self.content}
        if len(self.targets) > 1:
            this.styles = [({layer: self._chosen(layer, styles) for layer in self.stacked}, 1.0)]
        return this(images)

    def _stack(self, layer: str) -> Moments:
        """The moments of all styles, (S, C) and (S, C, C)."""
        found = [target[layer].moments() for target in self.targets]
        return Moments(*(tf.concat(part, axis=0) for part in zip(*found, strict=True)))

    def _chosen(self, layer: str, styles: tf.Tensor) -> StyleLoss:
        moments = Moments(*(tf.gather(part, styles) for part in self.stacked[layer]))
        return self.statistic(Features(self.targets[0][layer].values, moments))
