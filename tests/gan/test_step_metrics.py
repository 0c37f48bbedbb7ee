import keras
import pytest
import tensorflow as tf

from common.losses.adversarial import ADVERSARIAL
from gan import step_metrics
from gan.step_metrics import DiscriminatorLosses

REAL, FAKE = tf.constant([2.0, 1.0, -1.0, 3.0]), tf.constant([-1.0, -2.0, 1.0, 0.5])


def test_accuracy_counts_images_or_pairs():
    assert float(step_metrics.accuracy(real=REAL, fake=FAKE, boundary=0.0)) == 5 / 8
    assert float(step_metrics.accuracy(real=REAL, fake=FAKE, boundary=0.75)) == 6 / 8
    assert float(step_metrics.accuracy(real=REAL, fake=FAKE, boundary=None)) == 3 / 4


def test_r_t_is_the_mean_sign_of_the_real_logits():
    assert float(step_metrics.r_t(real=REAL, fake=FAKE, boundary=0.0)) == 0.5
    assert float(step_metrics.r_t(real=REAL, fake=FAKE, boundary=2.5)) == -0.5
    # a critic's zero is its mean for generated images, -0.375
    assert float(step_metrics.r_t(real=REAL - 2.0, fake=FAKE, boundary=None)) == 0.0
    assert float(step_metrics.r_t(real=REAL - 2.0, fake=FAKE, boundary=0.0)) == -0.25


@pytest.mark.parametrize(("name", "expected"), [("least_squares", 0.25), ("hinge", 2.0)])
def test_chance_is_the_loss_at_the_boundary(name, expected):
    assert float(step_metrics.chance_loss(REAL, ADVERSARIAL[name])) == pytest.approx(expected)


def test_metrics_of_a_discriminator_step():
    losses = DiscriminatorLosses(
        real_logits=REAL,
        fake_logits=FAKE,
        loss=tf.constant(1.5),
        penalty=tf.constant(0.25),
        total=tf.constant(9.0),
    )
    metrics = step_metrics.of_discriminator(losses, ADVERSARIAL["hinge"])
    assert float(metrics["loss/discriminator"]) == 1.5
    assert float(metrics["loss/penalty"]) == 0.25
    assert float(metrics["discriminator/over_chance"]) == pytest.approx(-0.5)
    assert float(metrics["discriminator/real"]) == pytest.approx(
        float(tf.reduce_mean(tf.sigmoid(REAL)))
    )
    assert float(metrics["discriminator/spread"]) == pytest.approx(
        float(tf.math.reduce_std(tf.concat([REAL, FAKE], 0)))
    )
    assert set(metrics) | {"gradient_norm/discriminator"} == {
        name
        for name in step_metrics.STEP_METRICS
        if "generator" not in name and "learning_rate" not in name
    }


def test_the_norm_is_that_without_the_loss_scale_and_zero_after_an_overflow():
    plain = keras.optimizers.SGD(0.1)
    scaled = keras.optimizers.LossScaleOptimizer(keras.optimizers.SGD(0.1), initial_scale=8.0)
    scaled.build([keras.Variable([1.0])])
    gradients = [tf.constant([3.0]), tf.constant([4.0])]
    assert float(step_metrics.gradient_norm(gradients, plain)) == 5.0
    assert float(step_metrics.gradient_norm(gradients, scaled)) == 5.0 / 8.0
    overflowed = [tf.constant([float("inf")])]
    assert float(step_metrics.gradient_norm(overflowed, scaled)) == 0.0
