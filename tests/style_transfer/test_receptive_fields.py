"""What the places of every extractor see, measured by gradients."""

import numpy as np
import pytest
import tensorflow as tf

from common.extractors import compact
from style_transfer import extractors

VGG_19 = [f"relu{block}_{n}" for block, count in enumerate((2, 2, 4, 4, 1), 1)
          for n in range(1, count + 1)]  # fmt: skip


def narrow_vgg(layers, pooling="average"):
    """Return a VGG with two channels and positive random weights, in which nothing is cut off."""
    random = np.random.default_rng(0)
    arrays = {"input": np.eye(3, dtype=np.float32)[None, None], "input/bias": np.zeros(3, "f")}
    channels = 3
    for layer in layers:
        arrays[layer] = random.uniform(0.1, 0.2, (3, 3, channels, 2)).astype(np.float32)
        arrays[f"{layer}/bias"] = np.zeros(2, np.float32)
        channels = 2
    return extractors.vgg("narrow", arrays, pooling, "float32")


def seen_by_a_place(extractor, layer, side):
    """Return the rows of a square image that the layer's middle place depends on, and its own."""
    image = tf.constant(np.random.default_rng(1).random((1, side, side, 3)), tf.float32)
    with tf.GradientTape() as tape:
        tape.watch(image)
        values = extractor(image)[layer].values
        middle = values.shape[1] // 2
        value = tf.reduce_sum(values[:, middle, middle])
    rows = np.flatnonzero(np.abs(tape.gradient(value, image)).max(axis=(0, 2, 3)))
    stride = side // values.shape[1]
    return rows.min(), rows.max(), middle * stride, (middle + 1) * stride - 1


@pytest.mark.parametrize("pooling", ["max", "average"])
@pytest.mark.parametrize(
    ("last", "stride", "radius"),
    [("relu1_1", 1, 1), ("relu2_2", 2, 6), ("relu3_1", 4, 10), ("relu4_1", 8, 30),
     ("relu5_1", 16, 70)],
)  # fmt: skip
def test_a_vgg_sees_what_its_attributes_say(last, stride, radius, pooling):
    extractor = narrow_vgg(VGG_19[: VGG_19.index(last) + 1], pooling)
    assert (extractor.stride, extractor.radius) == (stride, radius)
    top, bottom, first, final = seen_by_a_place(extractor, last, side=192)
    if pooling == "average":
        assert (first - top, bottom - final) == (radius, radius)
    assert max(first - top, bottom - final) <= radius


@pytest.mark.parametrize(
    ("name", "side"),
    [(str(compact.WEIGHTS), 64), pytest.param("compact", 256, marks=pytest.mark.slow)],
)
def test_the_embedded_extractor_sees_what_its_attributes_say(name, side):
    extractor = extractors.load(name)
    for layer in extractor.layers:
        top, bottom, first, final = seen_by_a_place(extractor, layer, side)
        assert max(first - top, bottom - final) <= extractor.radius
    assert max(first - top, bottom - final) == extractor.radius  # the coarsest, to the pixel
    assert final - first + 1 == extractor.stride
