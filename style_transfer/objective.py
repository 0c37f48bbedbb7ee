"""What a stylized picture is measured by: frozen targets and a weighted sum of distances."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import tensorflow as tf

from common.extractors.compact import Features
from common.losses.content import huber_distance, squared_distance
from common.losses.smoothness import SMOOTHNESS
from common.losses.style import STYLE, Moments, moments
from style_transfer.extractors import Extractor


@dataclass(frozen=True)
class Weights:
    """How much each term counts; every distance is 1 where a feature is missing altogether.

    Attributes:
        style: {layer: weight}; scaled to a sum of 1 here, so that the choice of
            layers does not shift the balance to the content.
        content: {layer: weight}.
        total_variation: of the picture in [0, 1].
    """

    style: Mapping[str, float]
    content: Mapping[str, float]
    total_variation: float


class Objective:
    """Pictures (1, H, W, 3) in [0, 1] to {term: weighted loss}; their sum is what is minimised.

    The targets are computed once, here. Gatys et al. 2016, equation 7, with
    each term divided by its target's own size.
    """

    def __init__(
        self,
        extractor: Extractor,
        content: tf.Tensor,
        styles: Sequence[tuple[tf.Tensor, float]],
        weights: Weights,
        statistic: str = "gram",
        content_distance: str = "squared",
        smoothness: str = "absolute",
        reference: Extractor | None = None,
    ):
        """Freezes the targets.

        Args:
            content: (1, H, W, 3), of the size of the pictures to be measured.
            styles: pictures (1, h, w, 3) of any size with their weights, which
                are scaled to a sum of 1.
            statistic: a key of `common.losses.STYLE`.
            content_distance: a key of `CONTENT`.
            smoothness: a key of `common.losses.SMOOTHNESS`.
            reference: an extractor of the same layers, slower and truer. The style's
                targets are then its own, to be met by moments that `correct` keeps
                near its own.
        """
        self.extractor, self.weights = extractor, weights
        self.smoothness = SMOOTHNESS[smoothness]
        features = extractor(content) if weights.content else {}
        self.content = {
            layer: CONTENT[content_distance](features[layer]) for layer in weights.content
        }
        total = sum(weight for _, weight in styles)
        self.styles: list[tuple[dict[str, Callable[[Moments], tf.Tensor]], float]] = []
        for picture, weight in styles:
            features = (reference or extractor)(picture)
            distances = {
                layer: STYLE[statistic](features[layer].moments()) for layer in weights.style
            }
            self.styles.append((distances, weight / total))
        self.reference, self.offsets = reference, {}
        if reference:
            self.offsets = {
                layer: Moments(*(tf.Variable(tf.zeros_like(m)) for m in features[layer].moments()))
                for layer in weights.style
            }

    @tf.function
    def correct(self, image: tf.Tensor) -> None:
        """Sets what is added to the moments from now on: the reference's less our own at `image`.

        So the loss is the reference's here, and its gradient ours: the defect
        correction of numerical analysis (Stetter 1978). Done every few steps, it
        ends where the reference would, as far as our gradients lead there.
        """
        true, own = self.reference(image), self.extractor(image)
        for layer, offset in self.offsets.items():
            for part, wanted, found in zip(
                offset, true[layer].moments(), own[layer].moments(), strict=True
            ):
                part.assign(wanted - found)

    def __call__(self, image: tf.Tensor) -> dict[str, tf.Tensor]:
        features = self.extractor(image)
        terms = {}
        total = sum(self.weights.style.values())
        for layer, weight in self.weights.style.items():
            value = features[layer].moments()
            if layer in self.offsets:
                value = Moments(*(m + o for m, o in zip(value, self.offsets[layer], strict=True)))
            distances = (share * distance[layer](value) for distance, share in self.styles)
            terms[f"style/{layer}"] = weight / total * sum(distances)
        for layer, distance in self.content.items():
            terms[f"content/{layer}"] = self.weights.content[layer] * distance(features[layer])
        if self.weights.total_variation:
            terms["total_variation"] = self.weights.total_variation * self.smoothness(image)
        return terms


def squared_content(target: Features) -> Callable[[Features], tf.Tensor]:
    """`losses.squared_distance` of the expanded activations to a frozen target.

    Through a head it is a form on the second moment of the difference, which
    needs no expanding: the mean over p of |d @ head[:, p]|^2 is the trace of
    E[d d^T] E_p[head head^T]. The head's constant row drops out.
    """
    if target.head is None:
        return lambda value: squared_distance(value.values, target.values)
    rows = target.head[:-1]  # (C, P, T)
    form = tf.einsum("cpt,dpt->cd", rows, rows) / rows.shape[1]
    size = tf.linalg.trace(target.moments().second)

    def distance(value: Features) -> tf.Tensor:
        return tf.reduce_sum(form * moments(_minus(value.values, target.values)).second) / size

    return distance


def _minus(values: tf.Tensor, frozen: tf.Tensor) -> tf.Tensor:
    """The difference, compiled: TensorFlow's own takes three times as long in bfloat16."""

    @tf.custom_gradient
    def difference(values: tf.Tensor) -> tuple[tf.Tensor, Callable[[tf.Tensor], tf.Tensor]]:
        return _compiled_minus(values, frozen), lambda upstream: upstream

    return difference(values)


_compiled_minus = tf.function(tf.subtract, jit_compile=True)


def huber_content(target: Features) -> Callable[[Features], tf.Tensor]:
    """`losses.huber_distance` of the expanded activations to a frozen target."""
    expanded = target.expanded()
    return lambda value: huber_distance(value.expanded(), expanded)


CONTENT: dict[str, Callable[[Features], Callable[[Features], tf.Tensor]]] = {
    "squared": squared_content,
    "huber": huber_content,
}
Terms = Callable[[tf.Tensor], dict[str, tf.Tensor]]
