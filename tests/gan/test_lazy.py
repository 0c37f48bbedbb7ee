import keras
import numpy as np
import pytest
import tensorflow as tf

from common.losses.penalties import PENALTIES
from gan.config import NetworkConfig
from gan.lazy import lazily
from tests.gan.test_model import batch, make, values

LAYER = NetworkConfig(latent_size=8, width=4, normalization="layer")
R1 = {"networks": LAYER, "penalty": PENALTIES["r1"], "penalty_weight": 2.0}


def test_a_term_is_computed_once_in_several_updates_times_their_number():
    optimizer, weight = keras.optimizers.SGD(0.0), keras.Variable(0.0)
    optimizer.build([weight])
    found = []
    for _ in range(5):
        found.append(float(lazily(lambda: tf.constant(2.0), 3, optimizer)))
        optimizer.apply([tf.constant(1.0)])
    assert found == [6.0, 0.0, 0.0, 6.0, 0.0]
    assert float(lazily(lambda: tf.constant(2.0), 1, optimizer)) == 2.0


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
