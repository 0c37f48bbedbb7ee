import keras
import numpy as np
import pytest
import tensorflow as tf

from style_transfer.feedforward import motion, network
from style_transfer.feedforward.network import Shape
from style_transfer.feedforward.painter import Painter

SHAPE = Shape(width=2, depth=0, waves=0)


class Brightness:
    """An objective that keeps what it is given and asks for black images."""

    def of_crops(self, images, crops, styles):
        self.given = images, crops
        means = tf.reduce_mean(images, axis=(1, 2, 3))
        return {"style/one": means, "content/one": 0.0 * means}


def painter_of(objective, **options):
    keras.utils.set_random_seed(0)
    networks = network.build(SHAPE, movable=True), network.build(SHAPE)
    painter = Painter(*networks, objective, side=16, **options)
    painter.compile(keras.optimizers.SGD(0.1))
    return painter


def batch():
    crops = np.random.default_rng(0).random((2, 24, 24, 3), np.float32)
    return tf.constant(crops), tf.constant(1 - crops), tf.constant([0, 0])


def test_the_objective_sees_windows_of_paintings_and_contents_at_the_same_random_places():
    objective, places = Brightness(), set()
    painter = painter_of(objective)
    crops, goals, _ = batch()
    whole = goals.numpy()
    for _ in range(12):
        before = painter.network([crops, tf.ones((2, 1)), tf.zeros((2, 2))]).numpy()
        painter.train_step(batch())
        painted, seen = (each.numpy() for each in objective.given)
        assert seen.shape == (2, 16, 16, 3)
        top, left = np.argwhere(whole[0, :, :, 0] == seen[0, 0, 0, 0])[0]
        window = slice(None), slice(top, top + 16), slice(left, left + 16)
        np.testing.assert_array_equal(seen, whole[window])
        np.testing.assert_allclose(painted, before[window], atol=1e-6)
        places.add((top, left))
    assert len(places) > 6


def test_places_are_a_function_of_the_images_seen():
    seen = []
    for _ in range(2):
        objective = Brightness()
        painter_of(objective).train_step(batch())
        seen.append(objective.given[1].numpy())
    np.testing.assert_array_equal(*seen)


def test_the_waves_begin_elsewhere_in_every_step():
    moving, seen = Shape(width=2, depth=0), []
    keras.utils.set_random_seed(0)
    objective = Brightness()
    painter = Painter(
        network.build(moving, movable=True), network.build(moving), objective, side=24
    )
    painter.compile(keras.optimizers.SGD(0.0))
    for crops in (0, 0, 2):
        painter.images_seen.assign(crops)
        painter.train_step(batch())
        seen.append(objective.given[0].numpy())
    np.testing.assert_allclose(seen[0], seen[1], atol=1e-6)
    assert np.abs(seen[0] - seen[2]).max() > 1e-3


def test_the_average_moves_by_its_half_life():
    painter = painter_of(Brightness(), ema_images=2.0)
    painter.images_seen.assign(1000)
    before = [weight.numpy() for weight in painter.network.weights]
    painter.train_step(batch())  # a batch of 2, one half-life
    moved = False
    for old, new, average in zip(before, painter.network.weights, painter.ema.weights, strict=True):
        np.testing.assert_allclose(average, (old + new.numpy()) / 2, atol=1e-6)
        moved |= not np.allclose(old, new)
    assert moved


def test_logs_are_means_of_the_terms():
    logs = painter_of(Brightness()).train_step(batch())
    assert float(logs["loss"]) == pytest.approx(float(logs["style"]))
    assert 0.0 < float(logs["loss"]) < 1.0
    assert float(logs["content"]) == float(logs["total_variation"]) == 0.0


def test_only_the_chosen_weights_are_trained():
    keras.utils.set_random_seed(0)
    built = network.build(SHAPE, movable=True)
    tables = network.style_tables(built)
    painter = Painter(built, network.build(SHAPE), Brightness(), side=16, trained=tables)
    painter.compile(keras.optimizers.SGD(0.1))
    before = {each.path: each.numpy() for each in built.weights}
    painter.train_step(batch())
    changed = {each.path for each in built.weights if not np.array_equal(each, before[each.path])}
    assert changed
    assert changed <= {table.path for table in tables}


def test_the_warp_loss_is_added_and_logged():
    still, moving = painter_of(Brightness()), painter_of(Brightness(), warp_weight=3.0)
    before, after = still.train_step(batch()), moving.train_step(batch())
    assert set(after) - set(before) == {"warp"}
    assert float(after["warp"]) > 0
    assert float(after["loss"]) == pytest.approx(float(before["loss"] + after["warp"]), rel=1e-5)


def test_the_warp_loss_makes_paintings_move_with_their_images():
    losses = []
    for weight in (0.0, 1e3):
        painter = painter_of(Brightness(), warp_weight=weight)
        for _ in range(8):
            painter.train_step(batch())
        crops, _, _ = batch()

        def paint(images, painter=painter):
            return painter.network([images, tf.ones((2, 1)), tf.zeros((2, 2))])

        losses.append(float(motion.warp_loss(crops, paint(crops), paint, tf.constant([0, 9]))))
    assert losses[1] < losses[0]
