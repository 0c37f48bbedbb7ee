"""Style losses of the regions of a mask.

Gatys et al. 2017, Controlling Perceptual Factors in Neural Style Transfer, section 4.

Every region has statistics over its places alone, weighted and normalized by its
area: sum_k w_k f_k f_k^T / sum_k w_k. Its loss counts by its share of the image,
so that the balance of style, content and total variation at each pixel is that of
an image without masks, whatever the size of the region.

Deviations from the paper: the weights are averaged over the area of a place and
add up to 1 over the regions (the paper normalizes sum T^2 = 1 per region, so that
soft borders have gaps); a region counts by its area instead of equally.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

import numpy as np
import tensorflow as tf
from PIL import Image

from common.extractors.compact import Features
from common.losses.feature_map import FeatureMap, Moments, StyleLoss, moments
from style_transfer.extractors import Extractor
from style_transfer.masks import FEWEST, Guides, resize_weights

PROBE = 64  # pixels


class RegionLoss(NamedTuple):
    """Style loss of one region.

    Attributes:
        share: Of the image's area; kept places are in no region.
        weights: {layer: (1, H, W) float32}, of every place. A layer in which the
            region covers less than a place is left out.
        styles: {layer: losses, each with its share}; the shares add up to 1.
    """

    share: float
    weights: Mapping[str, tf.Tensor]
    styles: Mapping[str, Sequence[tuple[StyleLoss, float]]]


def region_losses(
    guides: Guides,
    content: Mapping[str, Features],
    styles: Sequence[tuple[Mapping[str, Features], float]],
    layers: Sequence[str],
    factory: Callable[[FeatureMap], StyleLoss],
) -> list[RegionLoss]:
    """Build the style loss of every region.

    Args:
        guides: Weights of the pixels.
        content: Features of the content; only their sizes matter.
        styles: Features of each style image, and its weight.
        layers: Of the style loss.
        factory: Of `common.losses.style.STYLE`.
    """
    found = []
    for number, pixels in enumerate(guides.content):
        weights = place_weights(pixels, content, layers)
        targets: dict[str, list] = {layer: [] for layer in weights}
        for (features, share), style in zip(styles, guides.styles, strict=True):
            there = place_weights(style[number], features, weights) if share else {}
            for layer, target in weighted(features, there).items():
                targets[layer].append((factory(target), share))
        shared = {layer: _shares(losses) for layer, losses in targets.items() if losses}
        weights = {layer: weights[layer] for layer in shared}
        found.append(RegionLoss(float(pixels.mean()), weights, shared))
    return found


def style_terms(
    regions: Sequence[RegionLoss], f: Mapping[str, Features], weights: Mapping[str, float]
) -> dict[str, tf.Tensor]:
    """Add up the style losses of all regions: {"style/LAYER": (B,)}.

    Args:
        regions: From `region_losses`.
        f: Features of the image.
        weights: {layer: w_l}, scaled to a sum of 1.
    """
    total = sum(weights.values())
    terms: dict[str, tf.Tensor] = {}
    for region in regions:
        for layer, features in weighted(f, region.weights).items():
            distance = sum(share * loss(features) for loss, share in region.styles[layer])
            term = region.share * weights[layer] / total * distance
            terms[f"style/{layer}"] = terms.get(f"style/{layer}", 0.0) + term
    return terms


def weighted(
    features: Mapping[str, Features], weights: Mapping[str, tf.Tensor]
) -> dict[str, Features]:
    """Give features the weights of their places, and the moments with these.

    Args:
        features: {layer: features}.
        weights: {layer: (1, H, W)}; the other layers are left out.

    Example:
        >>> weighted(extractor(image), {"relu1_1": upper_half})["relu1_1"].moments()
    """
    own: dict[int, Moments] = {}  # layers may be heads on the same values
    found = {}
    for layer, places in weights.items():
        each = features[layer]
        if not isinstance(each, Features):  # of a large image, without values
            found[layer] = each.weighted(places)
            continue
        if id(each.values) not in own:
            own[id(each.values)] = moments(each.values, places)
        found[layer] = each._replace(own_moments=own[id(each.values)], weights=places)
    return found


def place_weights(
    pixels: np.ndarray, features: Mapping[str, Features], layers: Sequence[str]
) -> dict[str, tf.Tensor]:
    """Average the weights of pixels over the area of each place of each layer.

    Args:
        pixels: (H, W) float32.
        features: {layer: features}; their sizes matter.
        layers: Which of them.

    Returns:
        {layer: (1, h, w)}, without layers in which all weights add up to less than a
        place.
    """
    sizes = {layer: features[layer].places for layer in layers}
    averages = {
        size: resize_weights(pixels[None], size[::-1], Image.Resampling.BOX)
        for size in set(sizes.values())
    }
    enough = {
        size: tf.constant(places)
        for size, places in averages.items()
        if places.sum(dtype=np.float64) >= FEWEST
    }
    return {layer: enough[size] for layer, size in sizes.items() if size in enough}


def layer_strides(extractor: Extractor, layers: Sequence[str]) -> dict[str, float]:
    """Measure how many pixels lie between two places of each layer."""
    features = extractor(tf.zeros((1, PROBE, PROBE, 3)))
    return {layer: PROBE / features[layer].places[0] for layer in layers}


def _shares(losses: Sequence[tuple[StyleLoss, float]]) -> list[tuple[StyleLoss, float]]:
    total = sum(share for _, share in losses)
    return [(loss, share / total) for loss, share in losses]
