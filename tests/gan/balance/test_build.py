from types import SimpleNamespace

import pytest
import tensorflow as tf

from common.errors import InputError
from gan.balance import augment, base, build, clip, labels, noise, throttle
from gan.config import BalanceConfig

START = tf.constant(0, tf.int64)


def test_without_controls_nothing_changes():
    nothing = build.build_balance(BalanceConfig(), seed=0)
    images, real, fake = tf.ones((2, 4, 4, 1)), tf.constant([1.0]), tf.constant([2.0])
    assert nothing.augment(images, START) is images
    assert nothing.swap_labels(real, fake) == (real, fake)
    assert (
        nothing.learning_rate_scale("discriminator")
        == nothing.learning_rate_scale("generator")
        == 1.0
    )
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


def test_each_control_has_its_own_random_stream():
    config = BalanceConfig(mode="auto", label_flips=0.1, instance_noise=0.1)
    built = build.build_balance(config, seed=20)
    seeds = [int(control.seed.state[0]) for control in built.controls if hasattr(control, "seed")]
    automatic = next(control for control in built.controls if control.name == "auto")
    assert seeds == [21, 22]  # of labels and noise
    assert int(automatic.controls[0].seed.state[0]) == 24
    alone = build.build_balance(BalanceConfig(augment=0.1), seed=20)
    assert int(alone.controls[0].seed.state[0]) == 23


def test_a_module_with_a_build_function_is_a_control(monkeypatch):
    class Fade(base.Control):
        def augment(self, images, images_seen):
            return 0.5 * images

    def make(config, seed):
        return Fade() if base.option(config, "fade.on", False) else None

    monkeypatch.setattr(build, "CONTROLS", (*build.CONTROLS, SimpleNamespace(build=make)))
    monkeypatch.setattr(build.options, "known", lambda: ("fade.on",))
    assert build.build_balance(BalanceConfig(), seed=0).controls == []
    built = build.build_balance(BalanceConfig(options=("fade.on=True",)), seed=0)
    assert float(built.augment(tf.ones((1, 1, 1, 1)), START)[0, 0, 0, 0]) == 0.5


def test_an_unknown_option_is_refused():
    with pytest.raises(InputError, match=r"balance.options fade.kimg: unknown option"):
        build.build_balance(BalanceConfig(options=("fade.kimg=2",)), seed=0)
