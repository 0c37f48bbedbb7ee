import numpy as np
import pytest
import tensorflow as tf

from gan.balance import (
    adaptive_rate,
    augment,
    auto,
    base,
    build,
    clip,
    labels,
    noise,
    throttle,
    update_limit,
)
from gan.balance.auto import OverfittingAugmentation
from gan.config import BalanceConfig

START = tf.constant(0, tf.int64)


def test_without_controls_nothing_changes():
    nothing = build.build_balance(BalanceConfig(), seed=0)
    images, real, fake = tf.ones((2, 4, 4, 1)), tf.constant([1.0]), tf.constant([2.0])
    assert nothing.augment(images, START) is images
    assert nothing.swap_labels(real, fake) == (real, fake)
    assert nothing.share("discriminator") == nothing.share("generator") == 1.0
    assert not nothing.limits_updates
    assert list(nothing.scalars(START)) == [
        "balance/discriminator_share",
        "balance/generator_share",
    ]


@pytest.mark.parametrize(
    ("config", "kind"),
    [
        (BalanceConfig(pause_accuracy=0.9), throttle.Pause),
        (BalanceConfig(pause_loss=0.2), throttle.Pause),
        (BalanceConfig(label_flips=0.1), labels.LabelFlips),
        (BalanceConfig(instance_noise=0.1), noise.InstanceNoise),
        (BalanceConfig(weight_clip=0.1), clip.WeightClip),
        (BalanceConfig(augment=0.1), augment.Augmentation),
        (BalanceConfig(augment_target=0.6), augment.Augmentation),
    ],
)
def test_each_control_is_usable_alone_and_logged(config, kind):
    built = build.build_balance(config, seed=0)
    assert [type(control) for control in built.controls] == [kind]
    assert len(built.scalars(START)) == 3


def watch(control, figure, value, times=60):
    for _ in range(times):
        control.observe({figure: tf.constant(value)})
    return float(control.share("discriminator"))


def test_pause_on_accuracy_has_hysteresis():
    control = throttle.Pause(
        "pause_accuracy", "discriminator/accuracy", pause=0.9, resume=0.7, strong_is_high=True
    )
    assert control.share("discriminator") == control.share("generator") == 1.0
    assert watch(control, "discriminator/accuracy", 0.85) == 1.0  # between, from below: goes on
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


def test_label_flips_swap_pairs_at_their_rate():
    control = labels.LabelFlips(0.25, seed=0)
    real, fake = control.swap_labels(tf.ones((4000,)), tf.zeros((4000,)))
    np.testing.assert_array_equal(real + fake, np.ones(4000))
    assert 0.22 < 1.0 - float(tf.reduce_mean(real)) < 0.28


def test_instance_noise_falls_to_zero():
    control = noise.InstanceNoise(0.5, kimg=2.0, seed=0)
    images = tf.zeros((50, 8, 8, 1))
    for seen, expected in ((0, 0.5), (1000, 0.25), (2000, 0.0), (9000, 0.0)):
        noisy = control.augment(images, tf.constant(seen, tf.int64)).numpy()
        assert noisy.std() == pytest.approx(expected, rel=0.05)
    forever = noise.InstanceNoise(0.5, kimg=0.0, seed=0)
    assert float(forever.level(tf.constant(10**9, tf.int64))) == 0.5


def test_weight_clip_bounds_kernels_and_leaves_scales():
    import keras

    network = keras.Sequential(
        [keras.layers.Input((3,)), keras.layers.Dense(2), keras.layers.BatchNormalization()]
    )
    network.layers[0].kernel.assign(5.0 * tf.ones((3, 2)))
    clip.WeightClip(0.1).constrain(network)
    np.testing.assert_allclose(network.layers[0].kernel, 0.1 * np.ones((3, 2)))
    np.testing.assert_array_equal(network.layers[1].gamma, [1.0, 1.0])


def test_shares_multiply():
    both = build.build_balance(BalanceConfig(pause_accuracy=0.9, pause_loss=0.1), seed=0)
    both.controls[0].paused.assign(1.0)
    assert float(both.share("discriminator")) == 0.0
    assert float(both.share("generator")) == 1.0


def network(value):
    import keras

    layers = [keras.layers.Input((4,)), keras.layers.Dense(4, kernel_initializer="zeros")]
    built = keras.Sequential(layers)
    built.layers[0].kernel.assign(value * tf.ones((4, 4)))
    return built.trainable_variables


def test_a_long_step_is_cut_to_a_share_of_the_norm_and_a_short_one_left():
    limit = update_limit.UpdateLimit(1)
    variables = network(1.0)  # norm 4
    before = [tf.identity(v.value) for v in variables]
    for moved, expected in ((1.0, 0.1), (0.05, 0.05)):
        variables[0].assign(before[0] + moved)
        variables[1].assign(before[1] + 10.0 * moved)
        limit.limit_update("discriminator", variables, before, START)
        np.testing.assert_allclose(variables[0], before[0] + expected, rtol=1e-5)
        np.testing.assert_allclose(variables[1], before[1] + 10.0 * expected, rtol=1e-5)
    metrics = limit.scalars(START)
    assert float(metrics["balance/update_limit_discriminator"]) == 1.0
    assert float(metrics["balance/update_limit_generator"]) == 1.0


def test_the_limit_falls_with_images_and_is_shared_by_the_steps_of_a_round():
    def limit(images, steps=1, network="generator"):
        return float(update_limit.UpdateLimit(steps).limit(network, tf.constant(images, tf.int64)))

    assert limit(0) == pytest.approx(0.1)
    assert limit(6000) == pytest.approx(0.05)  # 1 / sqrt(1 + 6000 / 2000)
    assert limit(500_000) == limit(60_000) == pytest.approx(0.1 / 31**0.5)
    assert limit(0, steps=5) == pytest.approx(0.02)
    assert limit(0, steps=5, network="discriminator") == pytest.approx(0.1)


def test_a_step_that_is_not_finite_is_left_for_the_guard_to_see():
    limit = update_limit.UpdateLimit(1)
    variables = network(1.0)
    before = [tf.identity(v.value) for v in variables]
    variables[0].assign(float("nan") * tf.ones((4, 4)))
    limit.limit_update("generator", variables, before, START)
    assert np.isnan(variables[0]).all()


def drive(control, sign, images, steps):
    for _ in range(steps):
        control.observe({"discriminator/r_t": tf.constant(sign), "images": tf.constant(images)})
    return {name: round(float(control.share(name)), 5) for name in base.NETWORKS}


def test_whoever_is_ahead_is_slowed_down_and_let_go():
    control = adaptive_rate.AdaptiveLearningRate()
    assert drive(control, 1.0, 0, 60) == {"discriminator": 1.0, "generator": 1.0}  # only looks
    assert drive(control, 1.0, 250, 2) == {"discriminator": 0.5, "generator": 1.0}
    assert drive(control, 1.0, 250, 100)["discriminator"] == round(1 / 64, 5)
    assert drive(control, 0.5, 250, 100) == {"discriminator": 1.0, "generator": 1.0}
    drive(control, -1.0, 0, 60)
    assert drive(control, -1.0, 500, 2) == {"discriminator": 1.0, "generator": 0.25}


def test_auto_is_the_three_controls_and_rests_until_woken():
    auto = build.build_balance(BalanceConfig(mode="auto"), seed=0)
    resting = build.build_balance(BalanceConfig(on_alarm="balance"), seed=0)
    for built in (auto, resting):
        assert built.limits_updates
        (only,) = built.controls
        assert [type(control) for control in only.controls] == [
            OverfittingAugmentation,
            update_limit.UpdateLimit,
            adaptive_rate.AdaptiveLearningRate,
        ]
    saturated = {"discriminator/r_t": tf.constant(1.0), "images": tf.constant(500)}
    for built, expected in ((auto, 1 / 64), (resting, 1.0)):
        for _ in range(60):
            built.observe(saturated)
        assert float(built.share("discriminator")) == pytest.approx(expected)
    variables = network(1.0)
    before = [tf.identity(v.value) for v in variables]
    variables[0].assign(2.0 * before[0])
    resting.limit_update("generator", variables, before, START)
    np.testing.assert_array_equal(variables[0], 2.0 * before[0])
    resting.enable()
    resting.limit_update("generator", variables, before, START)
    np.testing.assert_allclose(variables[0], 1.1 * before[0], rtol=1e-5)
    resting.learn(1.0)
    resting.observe(saturated)
    assert float(resting.share("discriminator")) == pytest.approx(0.5)
    assert float(resting.scalars(START)["balance/augment"]) > 0.0


def test_auto_leaves_an_augmentation_of_your_own_alone():
    built = build.build_balance(BalanceConfig(mode="auto", augment=0.3), seed=0)
    kinds = [type(control) for control in built.controls]
    assert kinds == [augment.Augmentation, auto.Auto]
    assert float(built.scalars(START)["balance/augment"]) == pytest.approx(0.3)
