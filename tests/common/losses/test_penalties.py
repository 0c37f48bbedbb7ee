import numpy as np
import pytest
import tensorflow as tf

from common.losses import penalties


def linear_critic(images):
    """A critic whose gradient is (3, 0, 0, 4) at every image: norm 5."""
    weights = tf.reshape(tf.constant([3.0, 0.0, 0.0, 4.0]), (1, 2, 2, 1))
    return tf.reduce_sum(images * weights, axis=[1, 2, 3])


@pytest.mark.parametrize(
    ("name", "expected"), [("r1", 12.5), ("r2", 12.5), ("r1_r2", 25.0), ("wgan_gp", 16.0)]
)
def test_penalties_of_a_linear_critic(name, expected):
    real, fake = tf.ones((3, 2, 2, 1)), tf.zeros((3, 2, 2, 1))
    mix = tf.constant([0.0, 0.5, 1.0])
    values = penalties.PENALTIES[name](linear_critic, real, fake, mix).numpy()
    assert values == pytest.approx([expected] * 3)


def test_penalties_use_their_own_images():
    def quadratic(images):  # its gradient is the image itself
        return 0.5 * tf.reduce_sum(tf.square(images), axis=[1, 2, 3])

    real, fake = 2.0 * tf.ones((1, 1, 1, 1)), 6.0 * tf.ones((1, 1, 1, 1))
    mix = tf.constant([0.75])  # 0.75 * 2 + 0.25 * 6 = 3
    assert penalties.r1_penalty(quadratic, real, fake, mix).numpy() == pytest.approx([2.0])
    assert penalties.r2_penalty(quadratic, real, fake, mix).numpy() == pytest.approx([18.0])
    assert penalties.wgan_gp_penalty(quadratic, real, fake, mix).numpy() == pytest.approx([4.0])


def test_wgan_gp_has_a_finite_gradient_where_the_critic_is_flat():
    slope = tf.Variable(0.0)
    with tf.GradientTape() as tape:
        values = penalties.wgan_gp_penalty(
            lambda images: slope * tf.reduce_sum(images, axis=[1, 2, 3]),
            tf.ones((1, 2, 2, 1)),
            tf.zeros((1, 2, 2, 1)),
            tf.constant([0.5]),
        )
    assert np.isfinite(tape.gradient(values, slope).numpy())


def pyramid(images):
    return [images[:, ::2, ::2], images]


@pytest.mark.parametrize(
    ("name", "expected"), [("r1", 14.5), ("r2", 14.5), ("r1_r2", 29.0), ("wgan_gp", 19.22967)]
)
def test_the_gradients_of_all_leaves_of_a_nest_add_up(name, expected):
    def critic(images):
        small, large = images  # the gradient of the small one is 2 in its single pixel
        return 2.0 * tf.reduce_sum(small, axis=[1, 2, 3]) + linear_critic(large)

    real, fake = pyramid(tf.ones((3, 2, 2, 1))), pyramid(tf.zeros((3, 2, 2, 1)))
    mix = tf.constant([0.0, 0.5, 1.0])
    values = penalties.PENALTIES[name](critic, real, fake, mix).numpy()
    assert values == pytest.approx([expected] * 3)  # |grad|^2 = 25 + 4; (sqrt(29) - 1)^2


def test_every_leaf_of_a_nest_is_mixed_by_the_same_weight():
    seen = []

    def critic(images):
        seen.extend(float(leaf[0, 0, 0, 0]) for leaf in images)
        return tf.reduce_sum(images[0], axis=[1, 2, 3]) + tf.reduce_sum(images[1], axis=[1, 2, 3])

    real, fake = pyramid(2.0 * tf.ones((1, 2, 2, 1))), pyramid(6.0 * tf.ones((1, 2, 2, 1)))
    penalties.wgan_gp_penalty(critic, real, fake, tf.constant([0.75]))
    assert seen == [3.0, 3.0]
