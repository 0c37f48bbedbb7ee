import dataclasses

import keras
import numpy as np
import pytest
import tensorflow as tf

from common.losses.penalties import PENALTIES
from gan import presets
from gan.build import build_gan, compile_gan, set_precision_and_seed
from gan.config import Config, NetworkConfig
from gan.lazy import lazily
from gan.networks.base import ImageSpec
from tests.gan.test_model import batch, make, values

LAYER = NetworkConfig(latent_size=8, width=4, normalization="layer")
R1 = {"networks": LAYER, "penalty": PENALTIES["r1"], "penalty_weight": 2.0}


def test_a_term_is_computed_once_in_several_updates_times_their_number():
    optimizer, network = keras.optimizers.SGD(0.0), keras.layers.Layer()
    weight = network.add_weight((2,), name="weight")
    weight.assign([1.0, 2.0])
    optimizer.build([weight])

    def term():
        return tf.reduce_sum(weight.value**3), tf.constant(5.0)

    def step(interval):
        with tf.GradientTape() as tape:
            scaled, observed = lazily(term, interval, network, optimizer)
        return tape.gradient(scaled, weight.value).numpy().tolist(), float(observed)

    found = []
    for _ in range(4):
        found.append(step(3))
        optimizer.apply([tf.ones(2)])
    due, other = ([9.0, 36.0], 5.0), ([0.0, 0.0], 0.0)  # three times 3 w^2
    assert found == [due, other, other, due]
    assert step(1) == ([3.0, 12.0], 5.0)


@pytest.mark.slow
def test_terms_of_compiled_functions_are_differentiated():
    """In bfloat16 the activations' gradients are compiled."""
    config = presets.apply(Config(), "style_based")
    options = ("path_length=2", "path_length_interval=2")
    networks = dataclasses.replace(config.networks, latent_size=8, width=4, options=options)
    config = dataclasses.replace(config, networks=networks, precision="bfloat16")
    set_precision_and_seed(config)
    gan = build_gan(config, ImageSpec(16, 16, 1))
    compile_gan(gan, config)
    step = tf.function(gan.train_step)
    metrics = [step(batch()) for _ in range(2)][-1]
    assert float(metrics["loss/penalty"]) > 0
    assert float(gan.generator_regularizer.mean) > 0


@pytest.mark.parametrize("graph", [False, pytest.param(True, marks=pytest.mark.slow)])
def test_a_lazy_penalty_is_a_larger_one_and_then_none(graph):
    lazy, large, none = (
        make(**options)
        for options in (
            R1 | {"penalty_interval": 2}, R1 | {"penalty_weight": 4.0}, {"networks": LAYER}
        )
    )  # fmt: skip
    for gan in (lazy, large):
        (tf.function(gan.train_step) if graph else gan.train_step)(batch())
    for one, other in zip(values(lazy.discriminator), values(large.discriminator), strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-4, atol=1e-6)
    none.generator.set_weights(lazy.generator.get_weights())
    none.discriminator.set_weights(lazy.discriminator.get_weights())
    none.seed.state.assign(lazy.seed.state)
    for gan in (lazy, none):
        (tf.function(gan.train_step) if graph else gan.train_step)(batch())
    for one, other in zip(values(lazy.discriminator), values(none.discriminator), strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-4, atol=1e-6)
