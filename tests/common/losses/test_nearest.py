import numpy as np
import pytest
import tensorflow as tf

from common.extractors.compact import Features
from common.losses import nearest as module
from common.losses.feature_map import moments
from common.losses.nearest import evenly_spaced, nearest


def of(values):
    values = tf.constant(values, tf.float32)
    return Features(values, moments(values))


def test_by_hand():
    style = [[[[2.0, 1.0], [0.0, 1.0], [1.0, 2.0], [1.0, 0.0]]]]  # about their mean (1, 1)
    image = [[[[4.0, 1.0], [2.0, 2.0]]]]  # to the right; between right and up, 45 degrees off both
    found = nearest(of(style))(of(image))
    np.testing.assert_allclose(found, [(0.0 + 1.0 - np.sqrt(0.5)) / 2], atol=1e-3)


def test_places_of_the_style_have_the_distance_0():
    style = np.random.default_rng(0).normal(size=(1, 4, 5, 6))
    found = float(nearest(of(style))(of(style[:, 1:3, ::-1]))[0])
    assert 0.0 <= found < 1e-6


def test_the_gradient_goes_to_the_nearest_place():
    style = [[[[1.0, 0.0], [-1.0, 0.0]]]]
    place = tf.Variable([[[[1.0, 1.0]]]])
    with tf.GradientTape() as tape:
        distance = nearest(of(style))(Features(place, moments(place)))
    right, up = tape.gradient(distance, place).numpy()[0, 0, 0]
    assert right < 0.0 < up


def test_of_a_large_style_evenly_spaced_places_are_compared(monkeypatch):
    monkeypatch.setattr(module, "MOST_PLACES", 2)
    style = [[[[1.0, 0.0], [0.0, 1.0], [-1.0, 0.0], [0.0, -1.0]]]]
    found = nearest(of(style))(of([[[[0.0, 5.0], [5.0, 0.0]]]]))
    assert float(found[0]) == pytest.approx((1.0 + 0.0) / 2, abs=1e-3)


def test_evenly_spaced_rows():
    rows = tf.range(10)[:, None]
    assert evenly_spaced(rows, 4).numpy().ravel().tolist() == [0, 3, 6, 9]
    assert evenly_spaced(rows, 10).shape == (10, 1)
