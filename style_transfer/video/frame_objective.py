"""The objective of a frame that starts from the previous result."""

from collections.abc import Mapping, Sequence

import tensorflow as tf

from common.extractors.compact import Features
from common.losses.content import CONTENT
from common.losses.feature_map import moments
from style_transfer.extractors import Extractor
from style_transfer.objective import Objective, Weights


class FrameObjective(Objective):
    """An `Objective` whose content changes from frame to frame, with a temporal loss.

    Its graph is traced once for all frames. The temporal loss is that of Ruder et al. 2016,
    equation 7: mean(c (x - w)^2), with w the previous result moved along the flow and c where
    it can be trusted.

    Attributes:
        carried: w, (1, H, W, 3).
        trust: c, (1, H, W, 1).
    """

    def __init__(
        self,
        extractor: Extractor,
        content: tf.Tensor,
        styles: Sequence[tuple[tf.Tensor, float]],
        weights: Weights,
        *,
        penalty: float,
        content_distance: str = "squared",
        **losses: str,
    ):
        """Compute the targets of the styles, once.

        Args:
            extractor: Computes the features.
            content: (1, H, W, 3) in [0, 1], a frame of the size of all.
            styles: As of `Objective`.
            weights: As of `Objective`.
            penalty: Weight of the temporal loss.
            content_distance: A key of `common.losses.content.CONTENT`.
            **losses: Of `Objective`.
        """
        super().__init__(
            extractor, content, styles, weights, content_distance=content_distance, **losses
        )
        self.penalty, self.distance = penalty, CONTENT[content_distance]
        features = extractor(content) if weights.content else {}
        self.heads = {layer: features[layer].head for layer in weights.content}
        self.targets = {layer: tf.Variable(features[layer].values) for layer in weights.content}
        self.carried = tf.Variable(content)
        self.trust = tf.Variable(tf.zeros_like(content[..., :1]))

    def begin(self, content: tf.Tensor, carried: tf.Tensor, trust: tf.Tensor) -> None:
        """Take the next frame.

        Args:
            content: (1, H, W, 3) in [0, 1].
            carried: The same shape.
            trust: (1, H, W, 1) in [0, 1].
        """
        features = self.extractor(content) if self.targets else {}
        for layer, target in self.targets.items():
            target.assign(features[layer].values)
        self.carried.assign(carried)
        self.trust.assign(trust)

    def __call__(self, image: tf.Tensor) -> dict[str, tf.Tensor]:
        terms = super().__call__(image)
        if self.penalty:
            error = self.trust * tf.square(image - self.carried)
            terms["temporal"] = self.penalty * tf.reduce_mean(error, axis=(1, 2, 3))
        return terms

    def content_terms(self, f: Mapping[str, Features]) -> dict[str, tf.Tensor]:
        found = {}
        for layer, target in self.targets.items():
            values = tf.convert_to_tensor(target)
            loss = self.distance(Features(values, moments(values), self.heads[layer]))
            found[f"content/{layer}"] = (
                self.content_scale * self.weights.content[layer] * loss(f[layer])
            )
        return found
