import math
from inspect import signature
from typing import get_args, get_type_hints

import numpy as np
import pytest
import tensorflow as tf

from common.losses import adversarial, penalties
from gan.config import Config
from gan.validation import LOSSES_WITH_LABELS

LOG2 = math.log(2.0)
ZERO, ONE, MINUS = tf.constant([0.0]), tf.constant([1.0]), tf.constant([-1.0])


def softplus(x):
    return math.log1p(math.exp(x))


@pytest.mark.parametrize(
    ("name", "real", "fake", "discriminator", "generator"),
    [
        ("non_saturating", ZERO, ZERO, 2 * LOG2, LOG2),
        ("non_saturating", ONE, MINUS, 2 * softplus(-1), softplus(1)),
        ("minimax", ZERO, ZERO, 2 * LOG2, -LOG2),
        ("minimax", ONE, ONE, softplus(-1) + softplus(1), -softplus(1)),
        ("least_squares", ONE, ZERO, 0.0, 0.5),
        ("least_squares", ZERO, ONE, 1.0, 0.0),
        ("hinge", ONE, MINUS, 0.0, 1.0),
        ("hinge", ZERO, ZERO, 2.0, 0.0),
        ("wasserstein", ONE, MINUS, -2.0, 1.0),
        ("relativistic", ONE, ONE, LOG2, LOG2),
        ("relativistic", ONE, MINUS, softplus(-2), softplus(2)),
    ],
)
def test_hand_computed_values(name, real, fake, discriminator, generator):
    pair = adversarial.ADVERSARIAL[name]
    assert pair.discriminator(real=real, fake=fake).numpy() == pytest.approx([discriminator])
    assert pair.generator(real=real, fake=fake).numpy() == pytest.approx([generator], abs=1e-7)


@pytest.mark.parametrize("name", adversarial.ADVERSARIAL)
def test_one_value_per_example_and_finite_far_out(name):
    logits = tf.constant([-1e4, 0.0, 1e4])
    pair = adversarial.ADVERSARIAL[name]
    for loss in (pair.discriminator, pair.generator):
        values = loss(real=logits, fake=-logits).numpy()
        assert values.shape == (3,)
        assert np.isfinite(values).all()


@pytest.mark.parametrize("name", adversarial.ADVERSARIAL)
def test_the_discriminator_wants_real_up_and_fake_down_and_the_generator_fake_up(name):
    pair = adversarial.ADVERSARIAL[name]
    real, fake = tf.constant([0.2]), tf.constant([0.1])
    with tf.GradientTape(persistent=True) as tape:
        tape.watch([real, fake])
        for_discriminator = pair.discriminator(real=real, fake=fake)
        for_generator = pair.generator(real=real, fake=fake)
    assert tape.gradient(for_discriminator, real).numpy() < 0
    assert tape.gradient(for_discriminator, fake).numpy() > 0
    assert tape.gradient(for_generator, fake).numpy() < 0


@pytest.mark.parametrize("name", adversarial.ADVERSARIAL)
def test_generator_sees_real_is_told_truly(name):
    pair = adversarial.ADVERSARIAL[name]
    if pair.generator_sees_real:
        first, second = (pair.generator(real=real, fake=ZERO).numpy() for real in (ZERO, ONE))
        assert first != second
    else:
        pair.generator(real=None, fake=ZERO)


def test_one_sided_smoothing_moves_the_optimum_of_real_logits_to_the_label():
    # d/dx cross_entropy(x, 0.9) = sigmoid(x) - 0.9
    best = tf.constant([math.log(0.9 / 0.1)])
    for name in ("non_saturating", "minimax"):
        with tf.GradientTape() as tape:
            tape.watch(best)
            value = adversarial.ADVERSARIAL[name].discriminator(
                real=best, fake=ZERO, real_label=0.9
            )
        assert tape.gradient(value, best).numpy() == pytest.approx([0.0], abs=1e-6)
    smooth = adversarial.ADVERSARIAL["least_squares"].discriminator
    assert smooth(real=tf.constant([0.9]), fake=ZERO, real_label=0.9).numpy() == pytest.approx(
        [0.0]
    )


def test_the_losses_with_labels_are_those_that_can_be_smoothed():
    with_labels = {
        name
        for name, pair in adversarial.ADVERSARIAL.items()
        if "real_label" in signature(pair.discriminator).parameters
    }
    assert set(LOSSES_WITH_LABELS) == with_labels


def test_the_command_line_offers_exactly_what_exists():
    hints = get_type_hints(Config)
    assert set(get_args(hints["loss"])) == set(adversarial.ADVERSARIAL)
    assert set(get_args(hints["penalty"])) == {"none", *penalties.PENALTIES}
