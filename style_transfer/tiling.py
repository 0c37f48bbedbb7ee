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

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

import numpy as np
import tensorflow as tf

from common.errors import InputError
from common.extractors.compact import Features
from common.fast.custom_gradients import with_gradient
from common.losses.style import Moments, moments
from style_transfer.extractors import Extractor
from style_transfer.objective import Weights
from style_transfer.tile_layout import Tile, is_large, smallest_side, tiles

MOMENTS, VALUES = "moments", "values"
Request = tuple[str, str]  # (layer, MOMENTS or VALUES)
Requests = tuple[Request, ...]


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
    apply.wanted |= {(apply.layers[layer].source, MOMENTS) for layer in weights.style}
    apply.wanted |= {(apply.layers[layer].source, VALUES) for layer in weights.content}
    return Extractor(extractor.name, extractor.layers, apply, None, stride, radius)


class Layer(NamedTuple):
    """What is known of a layer without its activations.

    Attributes:
        source: The first layer with the same `Features.values`.
        step: Pixels between its places.
        head: Of its `Features`.
    """

    source: str
    step: int
    head: tf.Tensor | None


def describe(extractor: Extractor) -> dict[str, Layer]:
    """Trace an extractor once to learn its layers by name."""
    side, layers, sources = 4 * extractor.stride, {}, {}

    @tf.function(input_signature=[tf.TensorSpec((1, side, side, 3))])
    def trace(image: tf.Tensor) -> None:
        for name, features in extractor(image).items():
            source = sources.setdefault(id(features.values), name)
            layers[name] = Layer(source, side // features.values.shape[1], features.head)

    trace.get_concrete_function()
    return layers


class Tiles:
    """A differentiable function from an image of any size to features; see `tiled`.

    Attributes:
        layers: {name: Layer}.
        wanted: What is computed of every image; reading something else adds it.
    """

    def __init__(self, extractor: Extractor, side: int):
        self.extractor, self.side = extractor, side
        self.layers = describe(extractor)
        self.wanted: set[Request] = set()
        self._forward, self._backward = tf.function(self._results), tf.function(self._gradient)

    def __call__(self, image: tf.Tensor) -> Mapping[str, "TiledFeatures | Features"]:
        """Compute the features of an image (1, H, W, 3)."""
        if not is_large(image.shape[1:3], self.extractor, self.side):
            return self.extractor(image)
        found = self.compute(image, self.wanted)
        return {name: TiledFeatures(self, image, layer, found)
                for name, layer in self.layers.items()}  # fmt: skip

    def compute(
        self, image: tf.Tensor, requests: Iterable[Request]
    ) -> dict[Request, tf.Tensor | Moments]:
        """Compute what is requested as differentiable functions of the image.

        Returns:
            {request: `Moments`, or activations (1, H, W, C)}.
        """
        requests = tuple(sorted(requests))
        run = with_gradient(
            lambda image: self._first_pass(image, requests),
            lambda image, *upstream: self._second_pass(image, requests, upstream),
        )
        results = iter(run(image))
        return {
            each: next(results) if each[1] == VALUES else Moments(next(results), next(results))
            for each in requests
        }

    def _tiles(self, image: tf.Tensor) -> list[Tile]:
        return tiles(*image.shape[1:3], self.side, self.extractor.stride, self.extractor.radius)

    def _count(self, image: tf.Tensor, layer: str) -> int:
        """Return the number of places of a layer."""
        step = self.layers[layer].step
        return math.prod(-(-length // step) for length in image.shape[1:3])

    def _first_pass(self, image: tf.Tensor, requests: Requests) -> list[tf.Tensor]:
        """Compute the results of all requests, one after another."""
        whole: list[np.ndarray] = []
        for tile in self._tiles(image):
            parts = self._forward(image[tile.pixels()], tf.constant(tile.inner_edges()), requests)
            whole = whole or self._empty(image, requests, parts)
            for (layer, kind), total, part in zip(_each(requests), whole, parts, strict=True):
                if kind == MOMENTS:
                    total += part.numpy() / self._count(image, layer)
                else:
                    step = self.layers[layer].step
                    total[tile.interior(step)] = part.numpy()[tile.interior(step, origin=False)]
        return [tf.constant(total, part.dtype) for total, part in zip(whole, parts, strict=True)]

    def _empty(
        self, image: tf.Tensor, requests: Requests, parts: Sequence[tf.Tensor]
    ) -> list[np.ndarray]:
        """Return arrays for the results of an image; moments are summed up in float64."""
        arrays = []
        for (layer, kind), part in zip(_each(requests), parts, strict=True):
            if kind == MOMENTS:
                arrays.append(np.zeros(part.shape, np.float64))
            else:
                places = [-(-length // self.layers[layer].step) for length in image.shape[1:3]]
                shape = (1, *places, part.shape[-1])
                arrays.append(np.empty(shape, part.dtype.as_numpy_dtype))
        return arrays

    def _second_pass(
        self, image: tf.Tensor, requests: Requests, upstream: Sequence[tf.Tensor]
    ) -> tf.Tensor:
        """Compute the gradient of the image from those of all results."""
        gradient = np.zeros(image.shape, np.float32)
        for tile in self._tiles(image):
            shares = []
            for (layer, kind), whole in zip(_each(requests), upstream, strict=True):
                if kind == MOMENTS:
                    shares.append(whole / self._count(image, layer))
                else:
                    shares.append(tile_share(whole, tile, self.layers[layer].step))
            pixels = tile.pixels()
            gradient[pixels] += self._backward(
                image[pixels], tf.constant(tile.inner_edges()), requests, shares
            )
        return tf.constant(gradient)

    def _results(self, tile: tf.Tensor, inner: tf.Tensor, requests: Requests) -> list[tf.Tensor]:
        """Compute a tile's share of the results.

        Args:
            tile: (1, h, w, 3).
            inner: (4,) first and last row and column of the interior, the last ones
                excluded, in pixels.
            requests: What to compute.

        Returns:
            Of moments the sums over the interior; the activations of the whole tile.
        """
        features, results = self.extractor(tile), []
        for layer, kind in requests:
            values = features[layer].values
            if kind == VALUES:
                results.append(values)
                continue
            top, bottom, left, right = tf.unstack(-(-inner // self.layers[layer].step))
            inside = moments(values[:, top:bottom, left:right])
            count = tf.cast((bottom - top) * (right - left), tf.float32)
            results += [count * moment for moment in inside]
        return results

    def _gradient(
        self,
        tile: tf.Tensor,
        inner: tf.Tensor,
        requests: Requests,
        upstream: Sequence[tf.Tensor],
    ) -> tf.Tensor:
        """Compute the gradient of the tile from those of `_results`."""
        with tf.GradientTape() as tape:
            tape.watch(tile)
            results = self._results(tile, inner, requests)
        return tape.gradient(results, tile, output_gradients=list(upstream))


def _each(requests: Requests) -> Iterator[Request]:
    """Name the request that each result belongs to; moments are two results."""
    for request in requests:
        yield from [request] * (2 if request[1] == MOMENTS else 1)


def tile_share(whole: tf.Tensor, tile: Tile, step: int) -> tf.Tensor:
    """Cut a tile out of a layer (1, H, W, C), with zeros around its interior."""
    sides = [-(-(span.stop - span.start) // step) for span in tile]
    share = np.zeros((1, *sides, whole.shape[-1]), whole.dtype.as_numpy_dtype)
    share[tile.interior(step, origin=False)] = whole.numpy()[tile.interior(step)]
    return tf.constant(share)


class TiledFeatures:
    """Features of a large image, computed when they are read; see `Features`.

    Reading the activations of a fine layer of a large image takes much memory.
    """

    weights = None

    def __init__(self, tiles: Tiles, image: tf.Tensor, layer: Layer, found: dict):
        self.tiles, self.image, self.layer, self.found = tiles, image, layer, found
        self.head = layer.head

    @property
    def values(self) -> tf.Tensor:
        """Return the extractor's channels, (1, H, W, C)."""
        return self._read(VALUES)

    @property
    def own_moments(self) -> Moments:
        """Return the moments of `values`."""
        return self._read(MOMENTS)

    def moments(self) -> Moments:
        """Return the moments of the layer's channels."""
        return Features(None, self.own_moments, self.head).moments()

    def expanded(self) -> tf.Tensor:
        """Return the layer's activations, (1, H, W, P T)."""
        return Features(self.values, None, self.head).expanded()

    def _read(self, kind: str) -> tf.Tensor | Moments:
        request = (self.layer.source, kind)
        if request not in self.found:
            self.tiles.wanted.add(request)
            self.found.update(self.tiles.compute(self.image, [request]))
        return self.found[request]
