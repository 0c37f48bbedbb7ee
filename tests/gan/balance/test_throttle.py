import tensorflow as tf

from gan.balance import throttle


def watch(control, metric, value, times=60):
    for _ in range(times):
        control.observe({metric: tf.constant(value)})
    return float(control.learning_rate_scale("discriminator"))


def test_pause_on_accuracy_has_hysteresis():
    control = throttle.Pause(
        "pause_accuracy", "discriminator/accuracy", pause=0.9, resume=0.7, strong_is_high=True
    )
    assert (
        control.learning_rate_scale("discriminator")
        == control.learning_rate_scale("generator")
        == 1.0
    )
    assert watch(control, "discriminator/accuracy", 0.85) == 1.0  # between, from below: not paused
    assert watch(control, "discriminator/accuracy", 0.99) == 0.0
    assert (
        watch(control, "discriminator/accuracy", 0.75) == 0.0
    )  # between, from above: still paused
    assert watch(control, "discriminator/accuracy", 0.60) == 1.0


def test_pause_on_loss_is_the_other_way_round():
    control = throttle.Pause(
        "pause_loss", "loss/discriminator", pause=0.2, resume=0.6, strong_is_high=False
    )
    assert watch(control, "loss/discriminator", 0.4) == 1.0
    assert watch(control, "loss/discriminator", 0.1) == 0.0
    assert watch(control, "loss/discriminator", 0.4) == 0.0
    assert watch(control, "loss/discriminator", 1.0) == 1.0


def test_one_batch_does_not_pause():
    control = throttle.Pause(
        "pause_loss", "loss/discriminator", pause=0.2, resume=0.6, strong_is_high=False
    )
    assert watch(control, "loss/discriminator", 0.0, times=1) == 1.0
