import numpy as np
import pytest
import tensorflow as tf

from style_transfer.feedforward import motion
from style_transfer.video import flow as optical

SEED = tf.constant([3, 1])


def test_flows_are_smooth_and_as_large_as_stated():
    flows = np.stack([motion.random_flow(tf.constant([n, 0]), 256, 256) for n in range(50)])
    corners = flows[:, [0, 0, -1, -1], [0, -1, 0, -1]]  # places of the coarse grid
    assert corners.std() == pytest.approx(motion.DEVIATION, rel=0.15)
    assert np.abs(np.diff(flows, axis=1)).max() < 1.0  # pixels from one to the next
    assert np.abs(np.diff(flows, axis=2)).max() < 1.0


def test_a_flow_is_a_function_of_the_seed():
    first, again = (motion.random_flow(SEED, 32, 48).numpy() for _ in range(2))
    np.testing.assert_array_equal(first, again)
    assert (first != motion.random_flow(SEED + 1, 32, 48).numpy()).any()


def test_moves_as_the_numpy_form_does():
    images = np.random.default_rng(0).random((2, 20, 30, 3), np.float32)
    flow = motion.random_flow(SEED, 20, 30)
    moved = motion.move(tf.constant(images), flow).numpy()
    expected = np.stack([optical.warp(image, flow.numpy()) for image in images])
    np.testing.assert_allclose(moved, expected, atol=1e-5)


def test_a_whole_pixel_is_exact_and_the_border_is_outside():
    images = tf.random.stateless_uniform((1, 4, 5, 3), SEED)
    flow = tf.constant(np.broadcast_to(np.float32([1, 0]), (4, 5, 2)))
    moved = motion.move(images, flow)
    np.testing.assert_array_equal(moved[:, :, :-1], images[:, :, 1:])
    np.testing.assert_array_equal(motion.inside(flow), np.tile(np.float32([1, 1, 1, 1, 0]), (4, 1)))


def test_a_network_that_moves_with_its_input_has_only_the_noise_as_loss():
    images = tf.random.stateless_uniform((2, 64, 64, 3), SEED)

    def double(values):
        return 2 * values

    loss = float(motion.warp_loss(images, double(images), double, SEED))
    assert loss == pytest.approx(2 * motion.NOISE * np.sqrt(2 / np.pi), rel=0.05)


def test_a_pattern_that_stays_in_place_is_found():
    images = tf.zeros((1, 64, 64, 3))
    stripes = tf.tile(tf.constant([0.0, 1.0])[None, None, :, None], (1, 64, 32, 3))

    def paint(values):
        return values + stripes

    assert float(motion.warp_loss(images, paint(images), paint, SEED)) > 0.1


def test_gradients_reach_the_painting_alone():
    weight = tf.Variable(1.0)
    images = tf.random.stateless_uniform((1, 32, 32, 3), SEED)
    with tf.GradientTape(persistent=True) as tape:
        painted = weight * images
        tape.watch(painted)
        loss = motion.warp_loss(images, painted, lambda values: 1.1 * weight * values, SEED)
    through_painted = tf.reduce_sum(tape.gradient(loss, painted) * images)
    assert float(tape.gradient(loss, weight)) == pytest.approx(float(through_painted), rel=1e-4)
    assert float(through_painted) < 0  # the moved painting is too dark
