"""Features of large images in bounded memory, tile by tile, with the exact gradient.

A Gram matrix is a sum over all places, so a tile's own Gram matrix has the wrong
gradient. Here every image has two passes over its tiles. The first sums up
what the losses read: moments, or the activations of a layer themselves. The loss
of the whole image and its gradient with respect to these follow once. The second
pass takes that gradient back through each tile to the pixels.

The result is that of the whole image, up to rounding, because

- a tile is extended by the extractor's receptive radius, and only its interior counts;
- the interiors partition the image, and pixels outside of them receive their
  gradients as well;
- tiles begin at multiples of the extractor's stride, so that poolings meet the same
  pixels;
- the border of a tile is padded only where it is the border of the image.

The price is a second forward pass and the extensions: about twice the time.
"""

from collections.abc import Mapping

import tensorflow as tf

from common.errors import InputError
from common.extractors.compact import Features
from common.losses.feature_map import Moments
from style_transfer.extractors import Extractor
from style_transfer.objective import Weights
from style_transfer.tile_layout import is_large, smallest_side
from style_transfer.tile_passes import MOMENTS, VALUES, Layer, Passes, Request


def tiled(extractor: Extractor, weights: Weights, side: int) -> Extractor:
    """Make an extractor that computes large images tile by tile.

    It must be called eagerly for large images. Smaller ones it computes as a whole.

    Args:
        extractor: Its radius is known.
        weights: Name the layers of which moments (style) or activations (content)
            are needed. What else a loss reads is computed as well, at first in an
            additional pass.
        side: Of the tiles in pixels, extensions included. The memory is
            proportional to its square.

    Returns:
        An extractor without a reference.

    Raises:
        InputError: The tiles are not larger than their extensions.

    Example:
        >>> extractor = tiled(load("compact"), weights, side=1024)
        >>> extractor(tf.zeros((1, 3072, 4096, 3)))["relu3_1"].moments().second.shape
        TensorShape([1, 256, 256])
    """
    stride, radius = extractor.stride, extractor.radius
    if side < (least := smallest_side(stride, radius)):
        raise InputError(
            f"--set optimization.tile={side}: expected at least {least}, because {extractor.name} "
            f"sees {radius} pixels beyond each side of a tile"
        )
    apply = Tiles(extractor, side // stride * stride)
    for kind, names in ((MOMENTS, weights.style), (VALUES, weights.content)):
        apply.wanted |= {Request(apply.passes.layers[name].source, kind) for name in names}
    return Extractor(extractor.name, extractor.layers, apply, None, stride, radius, tiled=True)


class Tiles:
    """A differentiable function from an image of any size to features; see `tiled`.

    Attributes:
        passes: Compute the features of large images.
        wanted: What is computed of every large image; reading something else adds it.
    """

    def __init__(self, extractor: Extractor, side: int):
        self.extractor, self.passes = extractor, Passes(extractor, side)
        self.wanted: set[Request] = set()

    def __call__(self, image: tf.Tensor) -> Mapping[str, "TiledFeatures | Features"]:
        """Compute the features of an image (1, H, W, 3)."""
        if not is_large(image.shape[1:3], self.extractor, self.passes.side):
            return self.extractor(image)
        fitting = [request for request in self.wanted if self._fits(request, image)]
        found = self.passes.compute(image, fitting)
        return {name: TiledFeatures(self, image, layer, found)
                for name, layer in self.passes.layers.items()}  # fmt: skip

    def expect(self, weights: Mapping[str, tf.Tensor]) -> None:
        """Compute weighted moments of every image of this size, in place of the plain ones.

        Args:
            weights: {layer: (1, H, W) of its places}.
        """
        for layer, places in weights.items():
            source = self.passes.layers[layer].source
            self.wanted.discard(Request(source, MOMENTS))
            self.wanted.add(Request(source, MOMENTS, self.number_of(places)))

    def number_of(self, weights: tf.Tensor) -> int:
        """Return the number of weights in `Passes.weights`; they are added if they are new."""
        for number, known in enumerate(self.passes.weights):
            if known is weights:
                return number
        self.passes.weights.append(weights)
        return len(self.passes.weights) - 1

    def _fits(self, request: Request, image: tf.Tensor) -> bool:
        weights = self.passes.weights[request.weights]
        places = self.passes.places(image, request.layer)
        return weights is None or tuple(weights.shape[1:]) == places


class TiledFeatures:
    """Features of a large image, computed when they are read; see `Features`.

    Reading the activations of a fine layer of a large image takes much memory.
    """

    def __init__(self, tiles: Tiles, image: tf.Tensor, layer: Layer, found: dict):
        self.tiles, self.image, self.layer, self.found = tiles, image, layer, found
        self.head, self.weights = layer.head, None

    @property
    def places(self) -> tuple[int, int]:
        """Height and width of `values`."""
        return self.tiles.passes.places(self.image, self.layer.source)

    @property
    def values(self) -> tf.Tensor:
        """Return the extractor's channels, (1, H, W, C)."""
        return self._read(Request(self.layer.source, VALUES))

    @property
    def own_moments(self) -> Moments:
        """Return the moments of `values`."""
        return self._read(Request(self.layer.source, MOMENTS))

    def moments(self) -> Moments:
        """Return the moments of the layer's channels."""
        return Features(None, self.own_moments, self.head).moments()

    def expanded(self) -> tf.Tensor:
        """Return the layer's activations, (1, H, W, P T)."""
        return Features(self.values, None, self.head).expanded()

    def weighted(self, weights: tf.Tensor) -> Features:
        """Return features with the moments of weighted places, (1, H, W); without values."""
        number = self.tiles.number_of(weights)
        own = self._read(Request(self.layer.source, MOMENTS, number))
        return Features(None, own, self.head, weights)

    def _read(self, request: Request) -> tf.Tensor | Moments:
        if request not in self.found:
            if not request.weights:  # those of style images are read once
                self.tiles.wanted.add(request)
            self.found.update(self.tiles.passes.compute(self.image, [request]))
        return self.found[request]
