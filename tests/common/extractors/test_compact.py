import numpy as np
import pytest
import tensorflow as tf

from common.errors import InputError
from common.extractors import compact
from common.losses import style


@pytest.fixture
def image():
    return tf.constant(np.random.default_rng(0).random((1, 24, 32, 3)), tf.float32)


def test_compact_has_its_layers_in_vggs_widths(image):
    found = compact.load()(image)
    assert tuple(found) == tuple(compact.TAPS)
    widths = {layer: of.moments().second.shape[1] for layer, of in found.items()}
    assert widths == {
        "relu1_1": 64,
        "relu1_2": 64,
        "relu2_1": 128,
        "relu2_2": 128,
        "relu3_1": 256,
    }


@pytest.mark.parametrize("batch", [1, 3])
def test_moments_through_a_head_are_those_of_the_expanded_activations(batch):
    images = tf.constant(np.random.default_rng(0).random((batch, 24, 32, 3)), tf.float32)
    for layer, of in compact.load()(images).items():
        width = of.head.shape[2]
        expanded = of.expanded()
        by_place = tf.reshape(expanded, (batch, -1, 1, width))  # the P places one after another
        expected, found = style.moments(by_place), of.moments()
        assert found.second.shape == (batch, width, width)
        scale = float(tf.reduce_max(tf.abs(expected.second)))
        np.testing.assert_allclose(found.mean, expected.mean, atol=1e-4 * scale, err_msg=layer)
        np.testing.assert_allclose(found.second, expected.second, atol=1e-4 * scale)


@pytest.mark.parametrize("size", [(17, 33), (16, 16), (31, 18)])
def test_compact_takes_odd_sizes(size):
    values = compact.load()(tf.zeros((1, *size, 3)))
    height, width = -(-size[0] // 2), -(-size[1] // 2)
    assert values["relu1_1"].values.shape[1:3] == (height, width)


def test_bfloat16_is_near_float32(image):
    exact, rough = (compact.load(dtype=kind)(image) for kind in ("float32", "bfloat16"))
    for layer, of in exact.items():
        assert float(style.gram(of)(rough[layer])[0]) < 1e-3, layer


def test_channels_of_zeros_to_fill_a_tile_change_nothing(image):
    with np.load(compact.WEIGHTS) as stored:
        arrays = dict(stored)
    wide = compact.in_whole_tiles(arrays)
    assert wide["conv1"].shape[-1] == wide["conv2"].shape[2] == 64
    assert wide["relu1_1"].shape[0] == 65
    weights = [{k: tf.constant(v, tf.float32) for k, v in each.items()} for each in (arrays, wide)]
    narrow, wide = (compact.student(image, each) for each in weights)
    np.testing.assert_array_equal(wide["conv1"][..., 48:], 0.0)
    np.testing.assert_allclose(wide["conv4"], narrow["conv4"], rtol=1e-4, atol=1e-4)


def test_a_compact_file_that_does_not_fit_is_named(tmp_path):
    with np.load(compact.WEIGHTS) as stored:
        arrays = dict(stored)
    arrays["conv2"] = arrays["conv2"][:, :, :-1]
    np.savez(tmp_path / "bad.npz", **arrays)
    with pytest.raises(InputError, match="'conv2' has shape"):
        compact.load(tmp_path / "bad.npz")


def test_the_embedded_weights_are_small_and_have_their_card():
    assert compact.WEIGHTS.stat().st_size < 2**20
    card = compact.WEIGHTS.with_name("CARD.md").read_text()
    for word in ("CC BY 4.0", "Simonyan", *compact.TAPS):
        assert word in card
