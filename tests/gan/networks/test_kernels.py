"""Networks and whole training steps with fast and with stock Keras kernels agree."""

import dataclasses
import subprocess
import sys
from types import SimpleNamespace

import keras
import numpy as np
import pytest
import tensorflow as tf

from common import fast
from gan.build import build_gan, compile_gan, set_precision_and_seed
from gan.config import Config, NetworkConfig
from gan.networks import base, dcgan, pytorch_example
from gan.networks.base import ImageSpec
from gan.presets import apply, default_preset

MOMENTUM = dict.fromkeys(base.names(), 0.9) | {"tutorial": 0.99}
TOLERANCE = 1e-5  # of each variable's norm


def build(family, kernels, classes=0):
    """A compiled GAN of the family's smallest size; names of layers start from the same count."""
    keras.backend.clear_session()
    config = apply(Config(), default_preset(family))
    networks = dataclasses.replace(config.networks, kernels=kernels, width=8)
    config = dataclasses.replace(config, networks=networks, precision="float32")
    set_precision_and_seed(config)
    side = base.resolutions(family)[0]
    gan = build_gan(config, ImageSpec(side, side, 1, classes))
    compile_gan(gan, config)
    return gan


def smooth_layers(kernels):
    """The layers of `fast.layers` with softplus in place of both activations with a kink."""
    found = vars(fast.layers(kernels))

    def softplus(*_, **__):
        return keras.layers.Activation("softplus")

    return SimpleNamespace(**found | {"ReLU": softplus, "LeakyReLU": softplus})


def described(variables):
    return [(variable.path, tuple(variable.shape)) for variable in variables]


@pytest.mark.parametrize("family", [
    each if each == "dcgan" else pytest.param(each, marks=pytest.mark.slow)
    for each in base.names()
])  # fmt: skip
def test_both_kernels_have_the_same_variables(family):
    fast_gan, keras_gan = (build(family, kernels, classes=3) for kernels in fast.KERNELS)
    assert described(fast_gan.variables) == described(keras_gan.variables)
    for name in ("generator_optimizer", "discriminator_optimizer"):
        one, other = (getattr(gan, name) for gan in (fast_gan, keras_gan))
        assert [tuple(v.shape) for v in one.variables] == [tuple(v.shape) for v in other.variables]
    for network in (keras_gan.generator, keras_gan.discriminator):
        for layer in network._flatten_layers(include_self=False):
            assert type(layer).__module__.startswith(("keras.", "gan.layers.")), layer.name


def as_unbiased(variance, count, steps, momentum):
    """A running variance of `steps` batches as the fast layer has it, from that of Keras."""
    start = momentum**steps  # what is left of the initial value 1
    return start + (variance - start) * count / (count - 1)


def batch_normalizations(network):
    return [layer for layer in network.layers if isinstance(layer, keras.layers.BatchNormalization)]


@pytest.mark.parametrize("family", [
    pytest.param(family, marks=() if family in ("dcgan", "resnet") else pytest.mark.slow)
    for family in base.names()
])  # fmt: skip
def test_a_whole_step_agrees_in_float32(family, monkeypatch):
    """One step of both kernels from the same weights, to `TOLERANCE` of each variable's norm.

    The PyTorch example is compared without kinks: rounding puts a few of its 65,000
    first activations on the other side of ReLU's, each of which changes the gradient
    of its channel by about a percent. Activations are compared in
    tests/common/fast/test_activations.py.

    The running variances differ as stated in common/fast/normalization.py and are
    compared after the conversion; the EMA generator's, a mixture of them, are not.
    Adam is replaced by SGD: its first step is the sign of the gradient, which
    rounding decides where the gradient is zero. Both Adams are compared in
    tests/common/fast/test_optimizers.py.
    """
    if family == "pytorch_example":
        monkeypatch.setattr(pytorch_example, "fast", SimpleNamespace(layers=smooth_layers))
    side = base.resolutions(family)[0]
    images = np.random.default_rng(0).uniform(-1, 1, (8, side, side, 1)).astype(np.float32)
    batch = tf.constant(images), tf.zeros((8,), tf.int32)
    found = []
    for kernels in fast.KERNELS:
        gan = build(family, kernels)
        gan.compile(keras.optimizers.SGD(0.01), keras.optimizers.SGD(0.01))
        metrics = gan.train_step(batch)
        found.append((gan, {name: float(value) for name, value in metrics.items()}))
    (fast_gan, fast_metrics), (keras_gan, keras_metrics) = found
    assert fast_metrics == pytest.approx(keras_metrics, rel=1e-4, abs=1e-5)
    # generator: one pass; discriminator: real, fake, and the generator's
    for network, steps in (("generator", 1), ("discriminator", 3)):
        layers = [batch_normalizations(getattr(gan, network)) for gan in (fast_gan, keras_gan)]
        for ours, theirs in zip(*layers, strict=True):
            shape = ours.input.shape
            count = len(images) * int(np.prod(shape[1:-1]))
            expected = as_unbiased(np.array(theirs.moving_variance), count, steps, MOMENTUM[family])
            np.testing.assert_allclose(ours.moving_variance, expected, rtol=1e-5)
    for network in ("generator", "discriminator"):
        weights = [getattr(gan, network).weights for gan in (fast_gan, keras_gan)]
        for one, other in zip(*weights, strict=True):
            if "variance" not in one.path:
                distance = np.linalg.norm(np.array(one) - np.array(other))
                assert distance <= TOLERANCE * np.linalg.norm(other) + 1e-7, one.path


def test_a_checkpoint_of_one_kernel_generates_the_same_images_with_the_other():
    fast_gan, keras_gan = (build("dcgan", kernels, classes=2) for kernels in fast.KERNELS)
    keras_gan.generator.set_weights(
        [np.random.default_rng(1).uniform(0.1, 1.0, w.shape) for w in fast_gan.generator.weights]
    )
    fast_gan.generator.set_weights(keras_gan.generator.get_weights())
    inputs = [tf.random.normal((2, fast_gan.latent_size), seed=0), tf.constant([0, 1])]
    np.testing.assert_allclose(
        fast_gan.generator(inputs, training=False),
        keras_gan.generator(inputs, training=False),
        rtol=1e-4,
        atol=1e-5,
    )


LOAD = """
import sys
import keras, numpy as np
generator = keras.models.load_model(sys.argv[1])
np.save(sys.argv[3], generator(dict(np.load(sys.argv[2])), training=False))
assert not any(name.split(".")[0] in ("common", "gan") for name in sys.modules)
"""


@pytest.mark.slow
def test_keras_alone_loads_a_generator_of_stock_kernels(tmp_path):
    config = NetworkConfig(width=4, latent_size=8, upsampling="subpixel", kernels="keras")
    generator = dcgan.build_generator(ImageSpec(28, 28, 3, classes=2), config)
    generator.save(tmp_path / "generator.keras")
    latents = np.random.default_rng(0).normal(size=(2, 8)).astype(np.float32)
    inputs = {"latent": latents, "label": np.array([0, 1], np.int32)}
    np.savez(tmp_path / "inputs.npz", **inputs)
    paths = [tmp_path / name for name in ("generator.keras", "inputs.npz", "images.npy")]
    subprocess.run(
        [sys.executable, "-c", LOAD, *map(str, paths)], cwd=tmp_path, check=True, timeout=120
    )
    np.testing.assert_allclose(np.load(paths[2]), generator(inputs, training=False), atol=1e-6)
