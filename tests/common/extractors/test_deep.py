import numpy as np
import pytest
import tensorflow as tf

from common.errors import InputError
from common.extractors import deep
from common.losses import style


def image(height, width, count=1):
    return tf.constant(np.random.default_rng(0).random((count, height, width, 3)), tf.float32)


def test_fire_by_hand():
    one = np.ones((1, 1, 1, 1), np.float32)
    weights = {
        "fire2/squeeze": one,
        "fire2/squeeze/bias": np.array([-1.0], np.float32),
        "fire2/expand1": 2.0 * one,
        "fire2/expand1/bias": np.array([0.5], np.float32),
        "fire2/expand3": np.ones((3, 3, 1, 1), np.float32),
        "fire2/expand3/bias": np.array([0.0], np.float32),
    }
    values = tf.constant([[[[0.0], [3.0]]]])  # squeezed to 0 and 2
    np.testing.assert_allclose(deep.fire(values, weights, "fire2"), [[[[0.5, 2.0], [4.5, 2.0]]]])


@pytest.mark.parametrize("size", [(32, 48), (17, 33), (16, 16)])
def test_layers_have_an_eighth_and_a_sixteenth_of_the_size(size):
    found = deep.load()(image(*size))
    assert tuple(found) == deep.TAPS
    for layer, stride, width in (("fire4", 8, 256), ("fire6", 16, 384), ("fire8", 16, 512)):
        height, across = (-(-side // stride) for side in size)
        assert found[layer].values.shape == (1, height, across, width)


def test_each_pixel_counts_nearly_equally():
    """The gradient has no grain: pixels of odd and even rows get about the same share."""
    values = tf.Variable(tf.fill((1, 64, 64, 3), 0.5) + 0.05 * image(64, 64))
    extract = deep.load()
    with tf.GradientTape() as tape:
        loss = tf.reduce_sum(extract(values)["fire4"].values)
    size = tf.abs(tape.gradient(loss, values))[0, 16:-16, 16:-16].numpy()
    shares = [size[row::2, column::2].mean() for row in range(2) for column in range(2)]
    assert max(shares) < 2.0 * min(shares)


def test_bfloat16_is_near_float32():
    exact, rough = (deep.load(dtype=kind)(image(48, 64)) for kind in ("float32", "bfloat16"))
    for layer, of in exact.items():
        assert float(style.gram(of)(rough[layer])[0]) < 1e-2, layer


def test_a_file_that_does_not_fit_is_named(tmp_path):
    arrays = dict(np.load(deep.WEIGHTS))
    arrays["fire6/squeeze"] = arrays["fire6/squeeze"][:, :, :-1]
    np.savez(tmp_path / "bad.npz", **arrays)
    with pytest.raises(InputError, match="'fire6/squeeze' has shape"):
        deep.load(tmp_path / "bad.npz")


def test_the_embedded_weights_are_small_and_have_their_card():
    assert deep.WEIGHTS.stat().st_size < 1.2 * 2**20
    card = deep.WEIGHTS.with_name("DEEP_CARD.md").read_text()
    for word in ("BSD", "Iandola", "SqueezeNet 1.1", *deep.TAPS):
        assert word in card
