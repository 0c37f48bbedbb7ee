"""The frozen features that a discriminator reads."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from common.extractors import deep
from gan.layers.deep_features import SCALES, DeepFeatures


def images(height, width, channels):
    random = np.random.default_rng(0)
    return random.uniform(-1, 1, (2, height, width, channels)).astype(np.float32)


def test_they_are_those_of_the_extractor_for_images_in_the_unit_range():
    given = images(32, 48, 3)
    weights = {name: tf.constant(each, tf.float32) for name, each in deep.read().items()}
    expected = deep.student(tf.constant(0.5 * given + 0.5), weights)
    for found, (name, scale) in zip(DeepFeatures()(given), SCALES.items(), strict=True):
        np.testing.assert_allclose(found, expected[name] / scale, rtol=1e-5, atol=1e-6)


def test_gray_images_are_repeated():
    gray = images(16, 16, 1)
    repeated = DeepFeatures()(gray.repeat(3, axis=-1))
    for one, other in zip(DeepFeatures()(gray), repeated, strict=True):
        np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize("size", [(16, 16), (20, 40), (28, 28)])
def test_the_shapes_are_known_before_the_call(size):
    layer = DeepFeatures()
    expected = [tuple(each.shape) for each in layer(keras.Input((*size, 3)))]
    assert [(None, *each.shape[1:]) for each in layer(images(*size, 3))] == expected


@pytest.mark.parametrize("policy", ["mixed_bfloat16", "mixed_float16"])
def test_images_are_not_rounded_and_features_stay_finite(policy):
    exact = DeepFeatures()(images(32, 32, 3))
    layer = DeepFeatures(dtype=policy)
    for found, expected in zip(layer(images(32, 32, 3)), exact, strict=True):
        assert found.dtype == layer.compute_dtype
        error = tf.norm(tf.cast(found, tf.float32) - expected) / tf.norm(expected)
        assert float(error) < 0.02
    assert {each.dtype for each in layer.weights} == {"float32"}


def test_they_cannot_be_made_trainable():
    layer = DeepFeatures()
    layer(images(16, 16, 3))
    layer.trainable = True
    assert layer.trainable_variables == []
    assert len(layer.non_trainable_variables) == len(deep.read())
