import numpy as np
import pytest
import tensorflow as tf

from gan import balance
from gan.config import BalanceConfig

START = tf.constant(0, tf.int64)


def test_without_controls_nothing_changes():
    nothing = balance.build_balance(BalanceConfig(), seed=0)
    images, real, fake = tf.ones((2, 4, 4, 1)), tf.constant([1.0]), tf.constant([2.0])
    assert nothing.corrupt(images, START) is images
    assert nothing.relabel(real, fake) == (real, fake)
    assert nothing.share() == 1.0
    assert list(nothing.figures(START)) == ["balance/discriminator_share"]


@pytest.mark.parametrize(
    ("config", "kind"),
    [
        (BalanceConfig(pause_accuracy=0.9), balance.Pause),
        (BalanceConfig(pause_loss=0.2), balance.Pause),
        (BalanceConfig(label_flips=0.1), balance.LabelFlips),
        (BalanceConfig(instance_noise=0.1), balance.InstanceNoise),
        (BalanceConfig(weight_clip=0.1), balance.WeightClip),
        (BalanceConfig(augment=0.1), balance.Augmentation),
        (BalanceConfig(augment_target=0.6), balance.Augmentation),
    ],
)
def test_each_control_is_usable_alone_and_logged(config, kind):
    built = balance.build_balance(config, seed=0)
    assert [type(control) for control in built.controls] == [kind]
    assert len(built.figures(START)) == 2


def watch(control, figure, value, times=60):
    for _ in range(times):
        control.observe({figure: tf.constant(value)})
    return float(control.share())


def test_pause_on_accuracy_has_hysteresis():
    control = balance.Pause(
        "pause_accuracy", "discriminator/accuracy", pause=0.9, resume=0.7, strong_is_high=True
    )
    assert control.share() == 1.0
    assert watch(control, "discriminator/accuracy", 0.85) == 1.0  # between, from below: goes on
    assert watch(control, "discriminator/accuracy", 0.99) == 0.0
    assert (
        watch(control, "discriminator/accuracy", 0.75) == 0.0
    )  # between, from above: still paused
    assert watch(control, "discriminator/accuracy", 0.60) == 1.0


def test_pause_on_loss_is_the_other_way_round():
    control = balance.Pause(
        "pause_loss", "loss/discriminator", pause=0.2, resume=0.6, strong_is_high=False
    )
    assert watch(control, "loss/discriminator", 0.4) == 1.0
    assert watch(control, "loss/discriminator", 0.1) == 0.0
    assert watch(control, "loss/discriminator", 0.4) == 0.0
    assert watch(control, "loss/discriminator", 1.0) == 1.0


def test_one_batch_does_not_pause():
    control = balance.Pause(
        "pause_loss", "loss/discriminator", pause=0.2, resume=0.6, strong_is_high=False
    )
    assert watch(control, "loss/discriminator", 0.0, times=1) == 1.0


def test_label_flips_swap_pairs_at_their_rate():
    control = balance.LabelFlips(0.25, seed=0)
    real, fake = control.relabel(tf.ones((4000,)), tf.zeros((4000,)))
    np.testing.assert_array_equal(real + fake, np.ones(4000))
    assert 0.22 < 1.0 - float(tf.reduce_mean(real)) < 0.28


def test_instance_noise_falls_to_zero():
    control = balance.InstanceNoise(0.5, kimg=2.0, seed=0)
    images = tf.zeros((50, 8, 8, 1))
    for seen, expected in ((0, 0.5), (1000, 0.25), (2000, 0.0), (9000, 0.0)):
        noisy = control.corrupt(images, tf.constant(seen, tf.int64)).numpy()
        assert noisy.std() == pytest.approx(expected, rel=0.05)
    forever = balance.InstanceNoise(0.5, kimg=0.0, seed=0)
    assert float(forever.level(tf.constant(10**9, tf.int64))) == 0.5


def test_weight_clip_bounds_kernels_and_leaves_scales():
    import keras

    network = keras.Sequential(
        [keras.layers.Input((3,)), keras.layers.Dense(2), keras.layers.BatchNormalization()]
    )
    network.layers[0].kernel.assign(5.0 * tf.ones((3, 2)))
    balance.WeightClip(0.1).constrain(network)
    np.testing.assert_allclose(network.layers[0].kernel, 0.1 * np.ones((3, 2)))
    np.testing.assert_array_equal(network.layers[1].gamma, [1.0, 1.0])


def test_shares_multiply():
    both = balance.build_balance(BalanceConfig(pause_accuracy=0.9, pause_loss=0.1), seed=0)
    both.controls[0].paused.assign(1.0)
    assert float(both.share()) == 0.0
