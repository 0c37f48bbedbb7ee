import keras
import numpy as np
import tensorflow as tf

from common.files import atomic_path
from experiments.distillation import reconstruction
from style_transfer.instant import codec


def model_of(images):
    model = reconstruction.DecoderStudent("float32", seed=0)
    model.measure([images])
    return model


def test_the_errors_have_gradients_for_every_convolution():
    images = tf.constant(np.random.default_rng(0).random((2, 32, 32, 3), np.float32))
    model = model_of(images)
    model.compile(optimizer=keras.optimizers.Adam(1e-3))
    before = {name: weight.numpy() for name, weight in model.kernels.items()}
    logs = model.train_step(images)
    assert all(np.isfinite(float(value)) for value in logs.values())
    assert {"pixels", "code", "transported", "texture", "conv1"} <= logs.keys()
    for name, weight in model.kernels.items():
        assert np.abs(weight.numpy() - before[name]).max() > 0.0, name


def test_codes_are_standardized_and_the_arrays_fit_the_decoder(tmp_path):
    images = tf.constant(np.random.default_rng(1).random((2, 32, 32, 3), np.float32))
    model = model_of(images)
    with atomic_path(tmp_path / "decoder.npz") as path:
        np.savez(path, **model.arrays())
    weights = {**model.encoder, **codec.decoder_weights(tmp_path / "decoder.npz")}
    code = codec.encode(images, weights).numpy()
    np.testing.assert_allclose(code.mean(axis=(0, 1, 2)), 0.0, atol=1e-3)
    np.testing.assert_allclose(code.std(axis=(0, 1, 2)), 1.0, atol=1e-2)


def test_transported_codes_have_the_moments_of_the_style():
    random = np.random.default_rng(2)
    codes, styles = (random.normal(size=(1, 12, 12, 4)).astype(np.float32) for _ in range(2))
    styles = 3.0 * styles + 1.0
    moved = reconstruction._transported(codes, styles)
    assert moved.dtype == np.float32
    np.testing.assert_allclose(moved.mean(axis=(1, 2)), styles.mean(axis=(1, 2)), atol=1e-4)
    np.testing.assert_allclose(moved.std(axis=(1, 2)), styles.std(axis=(1, 2)), rtol=0.05)
