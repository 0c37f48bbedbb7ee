import numpy as np
import pytest
import tensorflow as tf

from common.fast.moments import fast_moments, fast_weighted_moments, plain_moments, product


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("batch", [1, 3])
def test_moments_and_their_gradient_are_the_plain_forms(batch, weighted):
    random = np.random.default_rng(0)
    features = tf.constant(random.normal(size=(batch, 3, 4, 5)), tf.float32)
    weigh_mean = tf.constant(random.normal(size=(batch, 5)), tf.float32)
    weigh_second = tf.constant(random.normal(size=(batch, 5, 5)), tf.float32)
    weights = [tf.constant(random.random((1, 3, 4)), tf.float32)] if weighted else []
    found = []
    for moments in (plain_moments, fast_weighted_moments if weighted else fast_moments):
        with tf.GradientTape() as tape:
            tape.watch(features)
            mean, second = moments(features, *weights)
            loss = tf.reduce_sum(mean * weigh_mean) + tf.reduce_sum(second * weigh_second)
        found.append((mean, second, tape.gradient(loss, features)))
    for plain, fast in zip(*found, strict=True):
        assert fast.shape == plain.shape
        np.testing.assert_allclose(fast, plain, rtol=1e-5, atol=1e-6)


def test_every_example_has_its_own_moments():
    features = tf.constant(np.random.default_rng(0).normal(size=(3, 4, 5, 2)), tf.float32)
    together = fast_moments(features)
    for index in range(3):
        alone = fast_moments(features[index : index + 1])
        for one, all_of_them in zip(alone, together, strict=True):
            np.testing.assert_allclose(all_of_them[index], one[0], rtol=1e-5, atol=1e-6)


def test_weights_of_1_change_no_bit_and_places_of_weight_0_do_not_count():
    random = np.random.default_rng(0)
    features = tf.constant(random.normal(size=(1, 6, 5, 4)), tf.float32)
    ones = fast_weighted_moments(features, tf.ones((1, 6, 5)))
    for weighted, plain in zip(ones, fast_moments(features), strict=True):
        np.testing.assert_array_equal(weighted, plain)
    upper = tf.constant(np.repeat([0.5, 0.0], 3)[None, :, None] * np.ones((1, 6, 5)), tf.float32)
    found = fast_weighted_moments(features, upper)
    for weighted, plain in zip(found, fast_moments(features[:, :3]), strict=True):
        np.testing.assert_allclose(weighted, plain, rtol=1e-5, atol=1e-6)


def test_moments_of_an_unknown_batch():
    features = tf.constant(np.random.default_rng(0).normal(size=(2, 4, 5, 3)), tf.float32)
    traced = tf.function(fast_moments, input_signature=[tf.TensorSpec((None, 4, 5, 3))])
    for found, expected in zip(traced(features), plain_moments(features), strict=True):
        np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-6)


def test_moments_of_bfloat16_are_near_those_of_float32():
    features = np.random.default_rng(0).random((1, 200, 200, 3)).astype(np.float32)
    exact = fast_moments(tf.constant(features))
    rough = fast_moments(tf.cast(features, tf.bfloat16))
    for one, other in zip(rough, exact, strict=True):
        assert one.dtype == tf.float32
        np.testing.assert_allclose(one, other, rtol=0.01)


@pytest.mark.parametrize("shapes", [((1, 2, 3), (1, 3, 4)), ((2, 2, 3), (2, 3, 4))])
def test_product_is_the_matrix_product(shapes):
    random = np.random.default_rng(0)
    left, right = (random.normal(size=shape).astype(np.float32) for shape in shapes)
    np.testing.assert_allclose(product(tf.constant(left), tf.constant(right)), left @ right, 1e-5)
    shared = product(tf.constant(left), tf.constant(right[0]))
    np.testing.assert_allclose(shared, left @ right[0], rtol=1e-5)
