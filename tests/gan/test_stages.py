import numpy as np
import pytest
import tensorflow as tf

from common.checkpoints import Checkpoints
from gan import stages
from gan.build import build_gan, compile_gan, set_precision_and_seed
from gan.callbacks.checkpoints import checkpoint_variables, go_back
from gan.config import Config, NetworkConfig
from gan.model import GAN
from gan.networks.base import ImageSpec
from gan.reconstruction import memory
from gan.reconstruction.reconstruction_options import ReconstructionConfig


def build(**options):
    networks = NetworkConfig("progressive", latent_size=8, width=4, options=("first=8",))
    config = Config(networks=networks, precision="float32", **options)
    set_precision_and_seed(config)
    gan = build_gan(config, ImageSpec(32, 32, 1))
    compile_gan(gan, config)
    return gan


@pytest.fixture
def gan():
    return build()


def batch(side):
    images = np.random.default_rng(side).uniform(-1, 1, (8, side, side, 1)).astype(np.float32)
    return tf.constant(images), tf.zeros((8,), tf.int32)


def moments(optimizer):
    """The first moments of Adam by the path of their variable."""
    return {each.path: each.numpy() for each in optimizer.variables if "momentum" in each.path}


def test_every_stage_is_half_again_as_long_as_the_one_before():
    assert stages.ends(1) == []
    assert stages.ends(2) == pytest.approx([0.4])
    assert stages.ends(3) == pytest.approx([4 / 19, 10 / 19])


def test_networks_that_do_not_grow_have_one_stage():
    gan = build_gan(Config(networks=NetworkConfig(width=4)), ImageSpec(16, 16, 1))
    assert [each.side for each in gan.stages] == [16]
    assert gan.current.generator is gan.generator


def test_a_stage_trains_its_part_only(gan):
    assert [each.side for each in gan.stages] == [8, 16, 32]
    parts = {id(v) for v in gan.current.generator.weights + gan.current.discriminator.weights}
    variables = gan.generator.weights + gan.discriminator.weights
    before = [variable.numpy() for variable in variables]
    gan.train_step(batch(8))
    for variable, old in zip(variables, before, strict=True):
        changed = np.abs(variable.numpy() - old).max() > 0
        assert changed <= (id(variable) in parts), variable.path
    trained = gan.current.generator.trainable_variables
    assert all(any(variable is each for each in variables) for variable in trained)


@pytest.mark.slow
def test_a_stage_reconstructs_images_of_its_size():
    reconstruction = ReconstructionConfig(weight=1.0, features=0.0, encoder_width=4, entries=16)
    gan = build(reconstruction=reconstruction)
    encoder = gan.reconstruction.encoder
    assert encoder.input_shape == (None, 32, 32, 1)
    full = memory.decoder(gan.generator).trainable_variables + encoder.trainable_variables
    for side in (8, 16, 32):
        assert gan.current.side == side
        variables = gan.training("generator")
        assert {id(v) for v in encoder.trainable_variables} < {id(v) for v in variables}
        before = [variable.numpy() for variable in variables]
        for _ in range(2):  # new layers start at zero, so those before them move later
            logs = gan.train_step(batch(side))
        assert 0.0 < float(logs["loss/reconstruction"]) < 10.0
        for variable, old in zip(variables, before, strict=True):
            assert np.abs(variable.numpy() - old).max() > 0, variable.path
        if side < 32:
            stages.grow(gan)
    for found in (gan.trained_by("generator"), variables):
        assert [id(variable) for variable in found] == [id(variable) for variable in full]


def test_a_memory_stays_in_front_of_a_generator_without_reconstruction():
    reconstruction = ReconstructionConfig(weight=1.0, features=0.0, encoder_width=4, entries=4)
    networks = NetworkConfig(latent_size=8, width=4)
    config = Config(networks=networks, reconstruction=reconstruction, precision="float32")
    gan = build_gan(config, ImageSpec(16, 16, 1))
    decoder = memory.decoder(gan.generator)
    assert gan.current.generator is decoder
    parts = (gan.generator, gan.discriminator, gan.ema_generator)
    plain = GAN(*parts, loss=gan.loss_pair, balance=gan.balance)
    assert (plain.current.generator, plain.current.ema_generator) == (parts[0], parts[2])
    compile_gan(plain, config)
    assert [id(v) for v in plain.training("generator")] == [
        id(v) for v in decoder.trainable_variables
    ]
    images, _ = plain.generate(*batch(16))
    assert np.ptp(images, axis=0).max() == 0.0  # all codes of the empty memory are zero


def test_growth_keeps_weights_functions_and_moments_and_restarts_the_count_of_steps(gan):
    for _ in range(2):
        gan.train_step(batch(8))
    latents = tf.random.normal((4, 8), seed=0)
    weights = [variable.numpy() for variable in gan.weights]
    images = gan(latents).numpy()
    before = [moments(gan.generator_optimizer), moments(gan.discriminator_optimizer)]
    stages.grow(gan)
    assert (gan.grown, gan.current.side) == ([16], 16)
    for variable, old in zip(gan.weights, weights, strict=True):
        np.testing.assert_array_equal(variable, old)
    np.testing.assert_allclose(gan(latents), images, atol=1e-5)
    grown = gan.current.ema_generator(latents, training=False)
    np.testing.assert_allclose(tf.repeat(tf.repeat(grown, 2, 1), 2, 2), images, atol=1e-5)
    after = [moments(gan.generator_optimizer), moments(gan.discriminator_optimizer)]
    for optimizer, old, new in zip(
        (gan.generator_optimizer, gan.discriminator_optimizer), before, after, strict=True
    ):
        assert int(optimizer.iterations) == 0
        assert any(np.abs(value).max() > 0 for value in old.values())
        assert any(np.abs(value).max() == 0 for value in old.values())  # of later stages
        for name, value in old.items():
            np.testing.assert_array_equal(value, new[name], err_msg=name)
    gan.train_step(batch(16))
    stages.grow(gan)
    gan.train_step(batch(32))
    assert gan.grown == [16, 24]
    assert gan.current.generator is gan.generator


def test_new_layers_begin_with_steps_of_the_learning_rate(gan):
    """Without the new count of steps they would be about five times as long."""
    for _ in range(5):
        gan.train_step(batch(8))
    stages.grow(gan)
    detail = [
        variable
        for variable in gan.current.generator.trainable_variables
        if not np.any(variable.numpy()) and len(variable.shape) == 4
    ]
    gan.train_step(batch(16))
    rate = float(gan.generator_optimizer.learning_rate)
    assert len(detail) == 1
    assert 0 < np.abs(detail[0].numpy()).max() <= 1.01 * rate


def test_a_stage_is_restored_from_the_images_seen_at_each_growth(gan):
    stages.restore(gan, [640])
    assert (gan.grown, gan.current.side) == ([640], 16)
    stages.restore(gan, [])
    assert (gan.grown, gan.current.side) == ([], 8)


def test_going_back_to_an_earlier_stage_restarts_the_count_of_steps(gan, tmp_path):
    checkpoints = Checkpoints(tmp_path)
    gan.train_step(batch(8))
    checkpoints.save("best", 8, checkpoint_variables(gan), {"growth": gan.grown})
    stages.grow(gan)
    arrays, state = checkpoints.load("best")
    kept = [v for v in checkpoint_variables(gan) if v.name == "seed_generator_state"]
    assert any(variable is gan.seed.state for variable in kept)
    for variable in kept:
        variable.assign(variable + 1)
    values = [variable.numpy() for variable in kept]
    go_back(gan, arrays, state["growth"])
    assert gan.current.side == 16
    for variable, value in zip(kept, values, strict=True):
        np.testing.assert_array_equal(variable, value)
    for optimizer in (gan.generator_optimizer, gan.discriminator_optimizer):
        assert int(optimizer.iterations) == 0
        assert any(np.abs(value).max() > 0 for value in moments(optimizer).values())
    go_back(gan, arrays, gan.grown)  # of the same stage
    assert int(gan.generator_optimizer.iterations) == 1
