import numpy as np
import pytest
import tensorflow as tf

from common.errors import InputError
from gan.config import NetworkConfig
from gan.networks import progressive
from gan.networks.base import ImageSpec


def networks(classes=0, side=32, **changes):
    """Both networks of the stages 8, 16, 32 with random weights in their first stage."""
    config = NetworkConfig(name="progressive", latent_size=8, width=4, **changes)
    spec = ImageSpec(side, side, 3, classes)
    built = [
        build(spec, config, first=8)
        for build in (progressive.build_generator, progressive.build_discriminator)
    ]
    random = np.random.default_rng(0)
    for variable in progressive.discriminator_at(built[1], 8).weights:
        variable.assign(random.uniform(0.1, 0.5, variable.shape))
    return built


@pytest.mark.parametrize(("normalization", "upsampling", "classes"), [
    ("batch", "transposed", 0), ("batch", "resize", 3), ("batch", "subpixel", 3),
    ("layer", "transposed", 3), ("layer", "resize", 0), ("none", "subpixel", 0),
    ("none", "transposed", 3),
])  # fmt: skip
def test_growth_preserves_both_functions(normalization, upsampling, classes):
    generator, discriminator = networks(classes, normalization=normalization, upsampling=upsampling)
    latents, labels = tf.random.normal((4, 8), seed=0), tf.range(4) % 3
    noise = tf.random.uniform((4, 32, 32, 3), -1, 1, seed=1)
    for training in (False, True):

        def images_at(side, training=training):
            inputs = [latents, labels] if classes else latents
            return progressive.generator_at(generator, side)(inputs, training=training)

        def logits_of(images, training=training):
            part = progressive.discriminator_at(discriminator, images.shape[1])
            return part([images, labels] if classes else images, training=training)

        small = images_at(8)
        assert float(tf.math.reduce_std(small)) > 0.01
        for side in (16, 32):
            factor = side // 8
            large = tf.repeat(tf.repeat(small, factor, axis=1), factor, axis=2)
            np.testing.assert_allclose(images_at(side), large, atol=1e-5)
            pooled = tf.nn.avg_pool2d(noise, 32 // side, 32 // side, "VALID")
            first = tf.nn.avg_pool2d(noise, 4, 4, "VALID")
            np.testing.assert_allclose(logits_of(pooled), logits_of(first), rtol=1e-5)
        assert np.ptp(logits_of(first)) > 1e-4
    np.testing.assert_array_equal(
        generator([latents, labels] if classes else latents, training=True), images_at(32)
    )


def test_growth_preserves_the_function_with_a_final_width():
    spec, config = ImageSpec(32, 32, 3), NetworkConfig(latent_size=8, width=4)
    generator = progressive.build_generator(spec, config, first=8, final_width=6)
    stages = {side: progressive.generator_at(generator, side) for side in (8, 16, 32)}
    kernels = [v.shape for v in generator.trainable_variables if len(v.shape) == 4]
    assert kernels.count((3, 3, 6, 3)) == len(stages)
    latents = tf.random.normal((4, 8), seed=0)
    for training in (False, True):
        small = stages[8](latents, training=training)
        assert small.shape == (4, 8, 8, 3)
        assert float(tf.math.reduce_std(small)) > 0.005
        for side in (16, 32):
            large = tf.repeat(tf.repeat(small, side // 8, axis=1), side // 8, axis=2)
            np.testing.assert_allclose(stages[side](latents, training=training), large, atol=1e-5)


def test_a_stage_shares_its_layers_with_the_full_size():
    for network, part in zip(
        networks(), (progressive.generator_at, progressive.discriminator_at), strict=True
    ):
        full = {id(variable) for variable in network.weights}
        counts = []
        for side in (8, 16, 32):
            own = {id(variable) for variable in part(network, side).weights}
            assert own <= full
            counts.append(len(own))
        assert counts == sorted(set(counts))
        assert own == full


@pytest.mark.parametrize("side", [16, 32])
def test_new_layers_learn(side):
    """After a few steps every layer of a stage has moved, although its output began at zero."""
    for network, part in zip(
        networks(), (progressive.generator_at, progressive.discriminator_at), strict=True
    ):
        stage = part(network, side)
        inputs = tf.random.normal((8, *stage.inputs[0].shape[1:]), seed=0)
        before = [variable.numpy() for variable in stage.trainable_variables]
        for _ in range(3):
            with tf.GradientTape() as tape:
                outputs = stage(inputs, training=True)
                target = tf.random.uniform(tf.shape(outputs), seed=1)
                loss = tf.reduce_mean(tf.square(outputs - target))
            gradients = tape.gradient(loss, stage.trainable_variables)
            for variable, gradient in zip(stage.trainable_variables, gradients, strict=True):
                variable.assign_sub(0.1 * gradient)
        for variable, old in zip(stage.trainable_variables, before, strict=True):
            assert np.abs(variable.numpy() - old).max() > 0, variable.path


def test_stages_halve_down_to_the_first():
    assert progressive.stages(ImageSpec(128, 128, 3)) == (16, 32, 64, 128)
    assert progressive.stages(ImageSpec(80, 80, 3), first=8) == (10, 20, 40, 80)
    assert progressive.stages(ImageSpec(16, 16, 3)) == (16,)
    assert progressive.stages(ImageSpec(64, 64, 3), first=64) == (64,)
    for wrong in (7, "small", True):
        with pytest.raises(InputError, match=f"first={wrong}: expected an integer of at least 8"):
            progressive.stages(ImageSpec(64, 64, 3), first=wrong)


@pytest.mark.parametrize("resolution", progressive.RESOLUTIONS)
def test_every_resolution_grows_from_8_pixels_on(resolution):
    spec, config = ImageSpec(resolution, resolution, 1), NetworkConfig(latent_size=8, width=2)
    generator = progressive.build_generator(spec, config, first=8)
    discriminator = progressive.build_discriminator(spec, config, first=8)
    for side in progressive.stages(spec, first=8):
        shape = (None, side, side, 1)
        assert progressive.generator_at(generator, side).output_shape == shape
        assert progressive.discriminator_at(discriminator, side).input_shape == shape


def test_spectral_normalization_is_refused():
    with pytest.raises(InputError, match=r"spectral: .*expected one of batch, layer, none"):
        networks(normalization="spectral")
