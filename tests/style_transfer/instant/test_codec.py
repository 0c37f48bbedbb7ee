import numpy as np
import pytest
import tensorflow as tf

from common.errors import InputError
from common.extractors import compact
from style_transfer.instant import codec


@pytest.fixture(scope="module")
def weights():
    return codec.load()


def test_the_inner_features_are_the_extractors(weights):
    image = tf.constant(np.random.default_rng(0).random((1, 64, 64, 3), np.float32))
    found = codec.features(image, weights)
    expected = compact.student(image, weights)
    for name in ("conv1", "conv2", "conv3"):
        inside = (slice(None), slice(4, -4), slice(4, -4))
        np.testing.assert_allclose(found[name][inside], expected[name][inside], atol=1e-4)
    inside = (slice(None), slice(4, -4), slice(4, -4))
    last = np.maximum(found["conv4"][inside], 0.0)
    np.testing.assert_allclose(last, expected["conv4"][inside], atol=1e-4)


def test_a_flat_code_gives_a_flat_image(weights):
    code = np.random.default_rng(1).normal(size=(1, 1, 1, codec.CHANNELS)).astype(np.float32)
    image = codec.decode(tf.constant(np.tile(code, (1, 6, 8, 1))), weights).numpy()
    assert image.shape == (1, 24, 32, 3)
    assert np.ptp(image, axis=(1, 2)).max() < 1e-4


def test_a_place_sees_no_farther_than_the_margin(weights):
    image = np.full((1, 96, 192, 3), 0.5, np.float32)
    other = image.copy()
    other[:, :, :96] = np.random.default_rng(2).random((1, 96, 96, 3))
    results = [codec.decode(codec.encode(tf.constant(x), weights), weights) for x in (image, other)]
    change = np.abs(results[0] - results[1]).max(axis=(0, 1, 3))
    assert change[96 + codec.MARGIN :].max() < 1e-5
    assert change[:96].max() > 0.01


def test_other_weights_are_refused(tmp_path):
    np.savez(tmp_path / "other.npz", mean=np.zeros(3))
    with pytest.raises(InputError, match="weights that do not fit"):
        codec.decoder_weights(tmp_path / "other.npz")
