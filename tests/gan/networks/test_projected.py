import dataclasses

import keras
import numpy as np
import pytest
import tensorflow as tf

from common import fast
from common.extractors import deep
from gan.build import build_gan, compile_gan, set_precision_and_seed
from gan.config import Config, NetworkConfig
from gan.metrics import features
from gan.networks import dcgan, projected
from gan.networks.base import ImageSpec
from gan.presets import apply

SMALL = NetworkConfig(name="projected", latent_size=8, width=4, normalization="spectral")


def images(side, channels=3, count=4):
    random = np.random.default_rng(0)
    return tf.constant(random.uniform(-1, 1, (count, side, side, channels)), tf.float32)


def gan_of(classes=0, **changes):
    config = apply(Config(), "projected")
    networks = dataclasses.replace(config.networks, latent_size=8, width=4, options=())
    config = dataclasses.replace(config, networks=networks, precision="float32", **changes)
    set_precision_and_seed(config)
    gan = build_gan(config, ImageSpec(16, 16, 3, classes))
    compile_gan(gan, config)
    return gan


def frozen(discriminator):
    """The variables of the extractor and of both mixings."""
    names = ("frozen", "mix_channels", "mix_scales")
    layers = [each for each in discriminator.layers if each.name.startswith(names)]
    return [variable for layer in layers for variable in layer.variables]


@pytest.mark.parametrize("size", [(16, 16), (20, 40), (28, 28), (128, 128)])
@pytest.mark.parametrize("channels", [1, 3])
def test_all_sizes_and_channels_have_one_logit_an_image(size, channels):
    spec = ImageSpec(*size, channels)
    made = projected.build_generator(spec, SMALL, final_width=4)(tf.zeros((2, 8)))
    assert made.shape == (2, *size, channels)
    discriminator = projected.build_discriminator(spec, SMALL)
    assert discriminator(made).shape == (2,)
    assert projected.RESOLUTIONS == dcgan.RESOLUTIONS


def test_scales_are_mixed_from_the_coarsest_on():
    """Constant maps of 1, 2, 3 and kernels that copy: 1 + 2 + 3, 2 + 3, 3."""
    inputs = [keras.Input((side, side, 1)) for side in (8, 4, 2)]
    network = keras.Model(inputs, projected.mix(fast.layers("keras"), inputs, [1, 1, 1]))
    for variable in network.variables:
        kernel = np.zeros(variable.shape)
        kernel[kernel.shape[0] // 2, kernel.shape[1] // 2] = 1.0
        variable.assign(kernel)
    maps = [tf.fill((1, side, side, 1), float(value)) for side, value in ((8, 1), (4, 2), (2, 3))]
    for found, expected in zip(network(maps), (6.0, 5.0, 3.0), strict=True):
        np.testing.assert_allclose(found, np.full(found.shape, expected), rtol=1e-6)
    assert network.trainable_variables == []


def test_the_logit_is_the_mean_of_those_of_all_scales():
    """Normalized, (3, 4) is (0.6, 0.8) and (2,) is (1,): ((0.6 + 1.6) + 3) / 2."""
    inputs = keras.Input((3,))
    network = keras.Model(inputs, projected.mean_of_logits(inputs, [2, 1], spectral=True))
    first, other = (v for v in network.trainable_variables if len(v.shape) == 2)
    first.assign([[3.0], [4.0]])
    other.assign([[2.0]])
    np.testing.assert_allclose(network(tf.constant([[1.0, 2.0, 3.0]]), training=True), [[2.6]])


@pytest.mark.parametrize(
    ("classes", "changes"),
    [(0, {}), (3, {"loss": "relativistic", "penalty": "r1"})],
)
def test_a_step_trains_the_heads_and_leaves_the_rest(classes, changes):
    gan = gan_of(classes, **changes)
    kept, trained = frozen(gan.discriminator), gan.discriminator.trainable_variables
    assert len(kept) == len(deep.read()) + 4 + 3
    assert not {id(each) for each in kept} & {id(each) for each in trained}
    heads = [each for each in trained if len(each.shape) > 1]  # a logit's bias may cancel out
    before = [[np.array(each) for each in part] for part in (kept, heads)]
    metrics = gan.train_step((images(16, count=8), tf.range(8) % max(1, classes)))
    assert all(np.isfinite(float(value)) for value in metrics.values())
    for variable, old in zip(kept, before[0], strict=True):
        np.testing.assert_array_equal(variable, old)
    assert all((np.array(new) != old).any() for new, old in zip(heads, before[1], strict=True))


@pytest.mark.parametrize("channels", [1, 3])
def test_every_pixel_has_a_gradient(channels):
    discriminator = projected.build_discriminator(ImageSpec(32, 32, channels), SMALL)
    given = images(32, channels)
    with tf.GradientTape() as tape:
        tape.watch(given)
        logits = discriminator(given, training=True)
    gradient = tape.gradient(logits, given).numpy()
    assert np.isfinite(gradient).all()
    assert (np.abs(gradient).max(axis=-1) > 0).all()


def test_gradients_in_bfloat16_are_finite_at_the_smallest_size():
    """With a kernel of 4 for maps of 1x1 places, about half of such gradients were NaN."""
    keras.config.set_dtype_policy("mixed_bfloat16")
    network = projected.build_discriminator(ImageSpec(16, 16, 1), SMALL)

    @tf.function
    def gradients():
        given = images(16, 1)
        with tf.GradientTape() as tape:
            tape.watch(given)
            logits = network(given, training=True)
        return tape.gradient(logits, [given, *(each.value for each in network.trainable_variables)])

    for _ in range(8):
        assert all(np.isfinite(each).all() for each in gradients())


def test_the_seed_decides_the_mixing():
    one, same, other = (frozen(gan_of(seed=seed).discriminator) for seed in (1, 1, 2))
    for variable, again in zip(one, same, strict=True):
        np.testing.assert_array_equal(variable, again)
    pairs = zip(one, other, strict=True)
    assert sum((np.array(a) != np.array(b)).any() for a, b in pairs) == 4 + 3  # not the extractor


def test_a_saved_model_keeps_its_mixing(tmp_path):
    gan = gan_of()
    expected = gan.discriminator(images(16)).numpy()
    gan.save(tmp_path / "gan.keras")
    keras.utils.set_random_seed(5)
    loaded = keras.saving.load_model(tmp_path / "gan.keras").discriminator
    np.testing.assert_array_equal(loaded(images(16)), expected)
    assert len(loaded.trainable_variables) == len(gan.discriminator.trainable_variables)


def test_the_features_that_train_are_not_those_that_evaluate(monkeypatch):
    """Kynkaanniemi et al. 2023: otherwise the Frechet distance says little."""

    def no_weights(*_):
        raise AssertionError("the metrics read the discriminator's features")

    monkeypatch.setattr(deep, "read", no_weights)
    found = features.compact_features().extract(np.zeros((2, 16, 16, 3), np.uint8))
    assert np.isfinite(found).all()
    assert Config().stop.evaluate_features == "compact"
    with pytest.raises(AssertionError):
        projected.build_discriminator(ImageSpec(16, 16, 3), SMALL)
