import numpy as np
import pytest
import tensorflow as tf

from gan.balance import augment, auto
from gan.config import MAX_AUGMENT

ALL, NONE = tf.ones((4,), tf.bool), tf.zeros((4,), tf.bool)


@pytest.fixture
def images():
    return tf.constant(np.random.default_rng(0).uniform(-1, 1, (4, 16, 16, 3)), tf.float32)


KEY = tf.constant([0, 1], tf.int64)


@pytest.mark.parametrize("name", augment.OPERATIONS)
def test_only_the_chosen_images_change(images, name):
    operation = augment.OPERATIONS[name]
    np.testing.assert_array_equal(operation(images, NONE, KEY), images)
    some = tf.constant([True, False, True, False])
    found = operation(images, some, KEY).numpy()
    np.testing.assert_array_equal(found[1::2], images[1::2])
    changed = [operation(images, ALL, KEY + turn).numpy() for turn in range(4)]
    assert any((each != images.numpy()).any() for each in changed)
    assert {each.shape for each in changed} == {images.shape}


@pytest.mark.parametrize("name", augment.OPERATIONS)
def test_gradients_go_through(images, name):
    with tf.GradientTape() as tape:
        tape.watch(images)
        loss = tf.reduce_sum(augment.OPERATIONS[name](images, ALL, KEY) * 3.0)
    gradient = tape.gradient(loss, images).numpy()
    assert np.isfinite(gradient).all()
    assert np.abs(gradient).sum() > 0


def test_translation_moves_whole_pixels_and_repeats_the_border():
    row = tf.range(16, dtype=tf.float32)
    images = tf.tile(tf.reshape(row, (1, 1, 16, 1)), (64, 16, 1, 1))
    found = augment.translate(images, tf.ones((64,), tf.bool), KEY).numpy()[:, 0, :, 0]
    shifts = found[:, 8] - 8
    assert set(shifts) == {-2, -1, 0, 1, 2}
    for values, shift in zip(found, shifts, strict=True):
        np.testing.assert_array_equal(values, np.clip(np.arange(16) + shift, 0, 15))


def test_cutout_blanks_a_square_of_half_the_side():
    found = augment.cutout(tf.ones((200, 16, 16, 1)), tf.ones((200,), tf.bool), KEY).numpy()
    blank = (found == 0).sum(axis=(1, 2, 3))
    assert blank.max() == 64  # 8 x 8, where it lies inside
    assert blank.min() >= 16  # a quarter of it, in a corner


def test_rectangles_move_and_lose_a_share_of_each_side():
    every = tf.ones((400,), tf.bool)
    places = np.stack(np.meshgrid(np.arange(16), np.arange(48), indexing="ij"), axis=-1)
    images = tf.tile(tf.constant(places[None], tf.float32), (400, 1, 1, 1))  # (400, 16, 48, 2)
    moved = augment.translate(images, every, KEY).numpy()[:, 8, 24] - (8, 24)
    assert set(moved[:, 0]) == set(range(-2, 3))
    assert set(moved[:, 1]) == set(range(-6, 7))
    found = augment.cutout(tf.ones((400, 16, 48, 1)), every, KEY).numpy()[..., 0]
    rows, columns = (found == 0).any(axis=2).sum(axis=1), (found == 0).any(axis=1).sum(axis=1)
    assert (rows.max(), columns.max()) == (8, 24)
    assert rows.min() >= 4
    assert columns.min() >= 12


def test_each_image_is_chosen_with_the_probability():
    images = tf.ones((4000, 16, 16, 1))
    found = augment.augment(images, tf.constant(0.3), ("brightness",), KEY).numpy()
    assert (found != 1).any(axis=(1, 2, 3)).mean() == pytest.approx(0.3, abs=0.03)
    untouched = augment.augment(images, tf.constant(0.0), tuple(augment.OPERATIONS), KEY)
    np.testing.assert_array_equal(untouched, images)


def observe(control, sign, steps, images=100):
    for _ in range(steps):
        control.observe({"discriminator/r_t": tf.constant(sign), "images": images})
    return float(control.probability)


@pytest.mark.slow
def test_the_probability_follows_how_sure_the_discriminator_is():
    control = augment.Augmentation(0.0, ("cutout",), 0, target=0.6, kimg=10.0)
    assert observe(control, 0.9, 20) == pytest.approx(0.2)  # 2,000 of 10,000 images
    assert observe(control, 0.9, 1000) == pytest.approx(MAX_AUGMENT)
    assert observe(control, 0.0, 1000) == 0.0
    control.update_overfitting(1.0)  # this control does not use r_v
    assert observe(control, 0.0, 1) == 0.0
    fixed = augment.Augmentation(0.3, ("cutout",), 0)
    assert observe(fixed, 0.9, 10) == pytest.approx(0.3)


@pytest.mark.slow
def test_the_probability_follows_how_far_the_discriminator_overfits():
    control = auto.OverfittingAugmentation(("cutout",), 0, kimg=10.0)
    assert observe(control, 1.0, 20) == 0.0  # nothing is known yet
    control.update_overfitting(control.TARGET + 0.5)
    assert observe(control, 0.0, 20) == pytest.approx(0.2)  # at full speed
    control.update_overfitting(control.TARGET + 0.25)
    assert observe(control, 0.0, 20) == pytest.approx(0.3)
    control.update_overfitting(-2.0)
    assert observe(control, 1.0, 10) == pytest.approx(0.2)
    control.update_overfitting(2.0)
    assert observe(control, 1.0, 1000) == pytest.approx(MAX_AUGMENT)


def test_the_images_are_left_alone_while_the_probability_is_zero(images):
    control = augment.Augmentation(0.0, tuple(augment.OPERATIONS), 0, target=0.6)
    see = tf.function(lambda: control.augment(images, tf.constant(0)))
    np.testing.assert_array_equal(see(), images)
    control.probability.assign(0.8)
    assert (see().numpy() != images.numpy()).any()


@pytest.mark.parametrize("name", augment.OPERATIONS)
def test_all_scales_of_an_image_change_equally(name):
    """Averaged over areas, the changed large image is about the changed small one."""
    small = np.zeros((64, 16, 16, 1), np.float32)
    small[:, 5:9, 4:8] = 1.0
    small = tf.constant(small)
    large = tf.repeat(tf.repeat(small, 4, axis=1), 4, axis=2)
    control = augment.Augmentation(1.0, (name,), 0)
    found, full = control.augment_scales([small, large], tf.constant(0))
    difference = np.abs(found - tf.nn.avg_pool2d(full, 4, 4, "VALID")).mean(axis=(1, 2, 3))
    apart = np.abs(found - tf.random.shuffle(found, seed=0)).mean()
    # a shift is rounded to pixels of each size, so up to two thirds of a small pixel off
    assert difference.max() < 0.05
    assert difference.mean() < (apart / 2 if apart else 0.001)
