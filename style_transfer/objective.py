"""The objective of neural style transfer: content, style and total variation.

Gatys, Ecker and Bethge 2016, Image Style Transfer Using Convolutional Neural
Networks, section 2:

    F^l, P^l, S^l        features of the image x, the content p and the style a in layer l
    L_content            squared distance of F^l and P^l               equation 1
    G^l                  Gram matrix of F^l                            equation 3
    E_l                  squared distance of G^l and the style's       equation 4
    L_style              sum_l w_l E_l                                 equation 5
    L                    alpha L_content + beta L_style                equation 7

Equations 2 and 6 are the gradients, which automatic differentiation computes.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass

import tensorflow as tf

from common.extractors.compact import Features
from common.fast.graph_optimizer import in_a_graph_if_large
from common.losses.content import CONTENT
from common.losses.smoothness import SMOOTHNESS
from common.losses.style import STYLE
from style_transfer import regions
from style_transfer.extractors import Extractor
from style_transfer.masks import Guides

Terms = Callable[[tf.Tensor], dict[str, tf.Tensor]]


@dataclass(frozen=True)
class Weights:
    """Weights of the terms.

    Attributes:
        style: {layer: w_l}. Scaled to a sum of 1 by the objective, so that the
            choice of layers does not shift the balance towards the content.
        content: {layer: alpha}.
        total_variation: Weight of the smoothness of the image.
    """

    style: Mapping[str, float]
    content: Mapping[str, float]
    total_variation: float


class Objective:
    """A function from images to weighted losses whose sum is minimized.

    Deviations from the paper: every distance is divided by the target's own size,
    so that it is 1 where the features are all 0; several styles are averaged; the
    image's total variation is added. With masks the style terms are those of
    `style_transfer.regions`, and the image is x + keep (p - x), with p in its own colors.

    Attributes:
        content_scale: Multiplies every alpha; see `style_transfer.strength`.

    Example:
        >>> objective = Objective(extractor, content, [(style, 1.0)], weights)
        >>> objective(image)  # {"style/relu1_1": (B,), ..., "total_variation": (B,)}
    """

    def __init__(
        self,
        extractor: Extractor,
        content: tf.Tensor,
        styles: Sequence[tuple[tf.Tensor, float]],
        weights: Weights,
        *,
        statistic: str = "gram",
        content_distance: str = "squared",
        smoothness: str = "absolute",
        guides: Guides | None = None,
        kept: tf.Tensor | None = None,
    ):
        """Compute the targets P^l and those of the styles, once.

        Args:
            extractor: Computes the features.
            content: p, (1, H, W, 3) in [0, 1], of the size of the images to come.
            styles: a, (1, h, w, 3) in [0, 1] of any size, each with its weight;
                the weights are scaled to a sum of 1.
            weights: alpha, w_l and the weight of the total variation.
            statistic: A key of `common.losses.style.STYLE`.
            content_distance: A key of `common.losses.content.CONTENT`.
            smoothness: A key of `common.losses.smoothness.SMOOTHNESS`.
            guides: Masks at these sizes: style terms per region, and what is kept.
            kept: What the image is where `guides` keep it, of the size of `content`, which it
                is by default.
        """
        self.extractor, self.weights = extractor, weights
        self.content_scale = tf.Variable(1.0, trainable=False)
        self.smoothness = SMOOTHNESS[smoothness]
        self.held = None
        if guides is not None and guides.keep is not None:
            self.held = (content if kept is None else kept), guides.keep
        p = self.features(extractor, content, None if guides else weights.content)
        self.content = {layer: CONTENT[content_distance](p[layer]) for layer in weights.content}
        total = sum(weight for _, weight in styles)
        self.styles, self.regions = [], []  # without guides, and with
        if guides:
            targets = [(self.style_target(style), weight) for style, weight in styles]
            factory, layers = STYLE[statistic], tuple(weights.style)
            self.regions = regions.region_losses(guides, p, targets, layers, factory)
            return
        del p  # what no loss keeps is freed before the styles are computed
        for style, weight in styles:
            a = self.style_target(style)
            losses = {layer: STYLE[statistic](a[layer]) for layer in weights.style}
            self.styles.append((losses, weight / total))

    def style_target(self, style: tf.Tensor) -> dict[str, Features]:
        """Compute the features of a style image, (1, h, w, 3), that images are compared with."""
        return self.features(self.extractor, style, self.weights.style)

    def content_distance(self, image: tf.Tensor) -> float:
        """Compute the content loss of an image (1, H, W, 3) in [0, 1] without its scale."""
        f = self.features(self.extractor, image, self.weights.content)
        terms = (
            self.weights.content[layer] * loss(f[layer]) for layer, loss in self.content.items()
        )
        return float(sum(tf.reduce_sum(term) for term in terms))

    @staticmethod
    def features(
        extractor: Extractor, image: tf.Tensor, layers: Collection[str] | None
    ) -> dict[str, Features]:
        """Compute some layers of an image (1, h, w, 3), or all of them, for the targets."""
        if layers is not None and not layers:
            return {}

        def chosen(image: tf.Tensor) -> dict[str, Features]:
            every = extractor(image)
            return every if layers is None else {layer: every[layer] for layer in layers}

        return chosen(image) if extractor.tiled else in_a_graph_if_large(chosen, image)

    def __call__(self, image: tf.Tensor) -> dict[str, tf.Tensor]:
        """Compute every weighted term.

        Args:
            image: x, (B, H, W, 3) float32 in [0, 1].

        Returns:
            {term: (B,)}; terms are "style/LAYER", "content/LAYER" and
            "total_variation".
        """
        if self.held:
            kept, keep = self.held
            image = image + keep * (kept - image)
        f = self.extractor(image)
        terms = {**self.style_terms(f), **self.content_terms(f)}
        if self.weights.total_variation:
            terms["total_variation"] = self.weights.total_variation * self.smoothness(image)
        return terms

    def style_terms(self, f: Mapping[str, Features]) -> dict[str, tf.Tensor]:
        """Compute w_l E_l of every layer, averaged over the styles: {"style/LAYER": (B,)}."""
        if self.regions:
            return regions.style_terms(self.regions, f, self.weights.style)
        total = sum(self.weights.style.values())
        return {
            f"style/{layer}": weight
            / total
            * sum(share * losses[layer](f[layer]) for losses, share in self.styles)
            for layer, weight in self.weights.style.items()
        }

    def content_terms(self, f: Mapping[str, Features]) -> dict[str, tf.Tensor]:
        """Compute alpha L_content of every layer: {"content/LAYER": (B,)}."""
        return {
            f"content/{layer}": self.content_scale * self.weights.content[layer] * loss(f[layer])
            for layer, loss in self.content.items()
        }
