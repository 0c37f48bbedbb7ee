import tensorflow as tf

from gan.balance import adaptive_rate, base


def drive(control, sign, images, steps):
    for _ in range(steps):
        control.observe({"discriminator/r_t": tf.constant(sign), "images": tf.constant(images)})
    return {name: round(float(control.learning_rate_scale(name)), 5) for name in base.NETWORKS}


def test_the_network_that_is_ahead_is_slowed_down_and_released():
    control = adaptive_rate.AdaptiveLearningRate()
    assert drive(control, 1.0, 0, 60) == {
        "discriminator": 1.0,
        "generator": 1.0,
    }
    assert drive(control, 1.0, 250, 2) == {"discriminator": 0.5, "generator": 1.0}
    assert drive(control, 1.0, 250, 100)["discriminator"] == round(1 / 64, 5)
    assert drive(control, 0.5, 250, 100) == {"discriminator": 1.0, "generator": 1.0}
    drive(control, -1.0, 0, 60)
    assert drive(control, -1.0, 500, 2) == {"discriminator": 1.0, "generator": 0.25}
