"""Two passes over the tiles of an image: for features, and for the gradient of a loss of them."""

import functools
import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import NamedTuple

import numpy as np
import tensorflow as tf

from common.fast.custom_gradients import with_gradient
from common.losses.feature_map import Moments, moments
from style_transfer.extractors import Extractor
from style_transfer.tile_layout import Tile, tiles

MOMENTS, VALUES = "moments", "values"


class Request(NamedTuple):
    """One thing to compute of a layer.

    Attributes:
        layer: Name.
        kind: `MOMENTS` or `VALUES`.
        weights: Of the places, for moments; a number of `Passes.weights`.
    """

    layer: str
    kind: str
    weights: int = 0


Requests = tuple[Request, ...]


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


class Passes:
    """Differentiable functions from a large image to what is requested of its layers.

    Attributes:
        layers: {name: Layer}.
        weights: None, which is equal weights, then (1, H, W) of places.
    """

    def __init__(self, extractor: Extractor, side: int):
        """Trace the extractor once, to learn its layers.

        Args:
            extractor: Its radius is known.
            side: Of the tiles in pixels, a multiple of the extractor's stride.
        """
        self.extractor, self.side = extractor, side
        self.layers = describe(extractor)
        self.weights: list[tf.Tensor | None] = [None]
        self._graphs: dict[tuple, Callable] = {}

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
            each: next(results) if each.kind == VALUES else Moments(next(results), next(results))
            for each in requests
        }

    def places(self, image: tf.Tensor, layer: str) -> tuple[int, int]:
        """Return the height and the width of a layer of an image."""
        step = self.layers[layer].step
        return tuple(-(-length // step) for length in image.shape[1:3])

    def _totals(self, image: tf.Tensor, requests: Requests) -> dict[Request, float]:
        """Return the sum of the weights of all places for every request of moments."""
        totals = {}
        for request in requests:
            weights = self.weights[request.weights]
            equal = float(math.prod(self.places(image, request.layer)))
            totals[request] = equal if weights is None else float(tf.reduce_sum(weights))
        return totals

    def _tiles(self, image: tf.Tensor, requests: Requests) -> Iterator[tuple[Tile, tuple]]:
        """Yield every tile, its pixels and the weights of its places."""
        field = self.extractor.stride, self.extractor.radius
        for tile in tiles(*image.shape[1:3], self.side, *field):
            weights = []
            for request in requests:
                if request.kind == MOMENTS:
                    whole = self.weights[request.weights]
                    weights.append(tile_share(whole, tile, self.layers[request.layer].step))
            yield tile, (image[tile.pixels()], weights)

    def _first_pass(self, image: tf.Tensor, requests: Requests) -> list[tf.Tensor]:
        """Compute the results of all requests, one after another."""
        whole: list[np.ndarray] = []
        totals = self._totals(image, requests)
        for tile, cut in self._tiles(image, requests):
            parts = self._run(self._results, requests, *cut)
            whole = whole or self._empty(image, requests, parts)
            for request, result, part in zip(_each(requests), whole, parts, strict=True):
                if request.kind == MOMENTS:
                    result += part.numpy() / totals[request]
                else:
                    step = self.layers[request.layer].step
                    result[tile.interior(step)] = part.numpy()[tile.interior(step, origin=False)]
        return [tf.constant(result, part.dtype) for result, part in zip(whole, parts, strict=True)]

    def _empty(
        self, image: tf.Tensor, requests: Requests, parts: Sequence[tf.Tensor]
    ) -> list[np.ndarray]:
        """Return arrays for the results of an image; moments are summed up in float64."""
        arrays = []
        for request, part in zip(_each(requests), parts, strict=True):
            if request.kind == MOMENTS:
                arrays.append(np.zeros(part.shape, np.float64))
            else:
                shape = (1, *self.places(image, request.layer), part.shape[-1])
                arrays.append(np.empty(shape, part.dtype.as_numpy_dtype))
        return arrays

    def _second_pass(
        self, image: tf.Tensor, requests: Requests, upstream: Sequence[tf.Tensor]
    ) -> tf.Tensor:
        """Compute the gradient of the image from those of all results."""
        gradient, totals = np.zeros(image.shape, np.float32), self._totals(image, requests)
        for tile, cut in self._tiles(image, requests):
            shares = [
                whole / totals[request]
                if request.kind == MOMENTS
                else tile_share(whole, tile, self.layers[request.layer].step)
                for request, whole in zip(_each(requests), upstream, strict=True)
            ]
            gradient[tile.pixels()] += self._run(self._gradient, requests, *cut, shares)
        return tf.constant(gradient)

    def _run(self, function: Callable, requests: Requests, *tensors: object) -> object:
        """Call a function in a graph that is traced once per shape of the tensors."""
        key = function.__name__, requests, tuple(tensors[0].shape)
        if key not in self._graphs:
            specs = tf.nest.map_structure(tf.TensorSpec.from_tensor, tensors)
            graph = tf.function(functools.partial(function, requests))
            self._graphs[key] = graph.get_concrete_function(*specs)
        return self._graphs[key](*tensors)

    def _results(
        self, requests: Requests, tile: tf.Tensor, weights: Sequence[tf.Tensor]
    ) -> list[tf.Tensor]:
        """Compute a tile's share of the results.

        Args:
            requests: What to compute.
            tile: (1, h, w, 3).
            weights: (1, h', w') of places for each request of moments; 0 outside of
                the interior.

        Returns:
            Of moments the weighted sums; the activations of the whole tile.
        """
        features, weights, results = self.extractor(tile), iter(weights), []
        for request in requests:
            values = features[request.layer].values
            if request.kind == VALUES:
                results.append(values)
                continue
            places = next(weights)
            total = tf.reduce_sum(places)  # 0 where a region is not in the tile
            means = moments(values, tf.where(total > 0.0, places, 1.0))
            results += [total * mean for mean in means]
        return results

    def _gradient(
        self,
        requests: Requests,
        tile: tf.Tensor,
        weights: Sequence[tf.Tensor],
        upstream: Sequence[tf.Tensor],
    ) -> tf.Tensor:
        """Compute the gradient of the tile from those of `_results`."""
        with tf.GradientTape() as tape:
            tape.watch(tile)
            results = self._results(requests, tile, weights)
        return tape.gradient(results, tile, output_gradients=list(upstream))


def tile_share(whole: tf.Tensor | None, tile: Tile, step: int) -> tf.Tensor:
    """Cut a tile out of a layer, with zeros around its interior.

    Args:
        whole: (1, H, W) or (1, H, W, C); None is (1, H, W) ones.
        tile: Which.
        step: Pixels between the layer's places.
    """
    sides = [-(-(span.stop - span.start) // step) for span in tile]
    channels, kind = (
        ((), np.float32) if whole is None else (whole.shape[3:], whole.dtype.as_numpy_dtype)
    )
    share = np.zeros((1, *sides, *channels), kind)
    inside = 1.0 if whole is None else whole.numpy()[tile.interior(step)]
    share[tile.interior(step, origin=False)] = inside
    return tf.constant(share)


def _each(requests: Requests) -> Iterator[Request]:
    """Name the request that each result belongs to; moments are two results."""
    for request in requests:
        yield from [request] * (2 if request.kind == MOMENTS else 1)
