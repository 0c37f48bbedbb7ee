import keras
import numpy as np
import pytest
import tensorflow as tf

from common.muon import Muon


def gradient(*shape):
    return np.random.default_rng(0).normal(size=shape).astype(np.float32)


def moved(optimizer, values, gradients):
    """Return how far each of the gradients in turn has moved a variable in all."""
    variable = keras.Variable(values)
    for each in gradients:
        optimizer.apply([tf.constant(each)], [variable])
    return variable.numpy() - values


def test_a_kernel_moves_along_an_orthogonal_matrix_of_the_stated_size():
    step = moved(
        Muon(0.5, momentum=0.0), np.zeros((3, 3, 8, 16), np.float32), [gradient(3, 3, 8, 16)]
    )
    singular = np.linalg.svd(step.reshape(72, 16), compute_uv=False)
    expected = 0.5 * 0.2 * np.sqrt(72)
    assert 0.6 * expected < singular.min() <= singular.max() < 1.3 * expected
    assert np.sqrt(np.square(step).mean()) == pytest.approx(0.5 * 0.2, rel=0.2)


def test_kernels_move_as_their_matrices_do_in_keras():
    values, gradients = gradient(12, 5), [gradient(12, 5), -gradient(5, 12).reshape(12, 5)]
    constants = {"momentum": 0.9, "weight_decay": None}
    expected = moved(keras.optimizers.Muon(0.1, **constants), values, gradients)
    for shape in ((1, 1, 12, 5), (2, 2, 3, 5)):
        kernels = [each.reshape(shape) for each in gradients]
        found = moved(Muon(0.1, momentum=0.9), values.reshape(shape), kernels)
        np.testing.assert_allclose(found.reshape(12, 5), expected, atol=1e-6)


@pytest.mark.parametrize("shape", [(6,), (3, 4)])
def test_all_else_moves_as_with_adam(shape):
    values, gradients = gradient(*shape), [gradient(*shape), 3 - gradient(*shape)]
    expected = moved(keras.optimizers.Adam(0.05), values, gradients)
    found = moved(Muon(0.1, adam_lr_ratio=0.5), values, gradients)
    np.testing.assert_allclose(found, expected, atol=1e-6)


def test_is_restored_from_its_configuration():
    optimizer = Muon(0.1, momentum=0.8, global_clipnorm=2.0)
    again = keras.optimizers.deserialize(keras.optimizers.serialize(optimizer))
    assert isinstance(again, Muon)
    assert again.get_config() == optimizer.get_config()
    assert again.weight_decay is None
