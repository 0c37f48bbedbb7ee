import numpy as np
import tensorflow as tf

from common.extractors.compact import Features
from common.losses import nearest as module
from common.losses.feature_map import moments
from common.losses.nearest import nearest, on_a_grid


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


def test_every_part_of_a_large_style_is_compared_at_any_size_of_the_image(monkeypatch):
    monkeypatch.setattr(module, "CHUNK", 1000)
    style = np.zeros((1, 96, 128, 2), np.float32)
    style[:, :, :64, 0], style[:, 48:, 64:, 1] = 1.0, 1.0  # three regions
    loss = nearest(of(style))
    for image in (style, style[:, ::-1, ::-1], style[:, :, ::4]):
        assert 0.0 <= float(loss(of(image))[0]) < 1e-6


def test_places_on_a_grid():
    values = tf.reshape(tf.range(35), (1, 5, 7, 1))
    assert on_a_grid(values, 35).shape == (1, 5, 7, 1)
    assert on_a_grid(values, 12)[0, ..., 0].numpy().tolist() == [
        [0, 2, 4, 6],
        [14, 16, 18, 20],
        [28, 30, 32, 34],
    ]
    assert on_a_grid(values, 6)[0, ..., 0].numpy().tolist() == [[0, 3, 6], [21, 24, 27]]
    assert on_a_grid(values[:, :, :6], 6)[0, ..., 0].numpy().tolist() == [[1, 4], [22, 25]]
    for most in (1, 2, 3, 20):
        assert np.prod(on_a_grid(values, most).shape) <= most
