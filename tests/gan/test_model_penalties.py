"""Gradient penalties in the training step."""

import numpy as np
import pytest
import tensorflow as tf

from common.losses.penalties import PENALTIES
from gan.balance.build import build_balance
from gan.config import BalanceConfig, NetworkConfig
from tests.gan.test_model import batch, make, moved, values


@pytest.mark.parametrize("penalty", [
    "r1_r2", *(pytest.param(name, marks=pytest.mark.slow) for name in PENALTIES if name != "r1_r2")
])  # fmt: skip
def test_every_penalty_reaches_the_discriminator(penalty):
    networks = NetworkConfig(latent_size=8, width=4, normalization="layer")
    plain = make(networks=networks)
    punished = make(networks=networks, penalty=PENALTIES[penalty], penalty_weight=10.0)
    plain.train_step(batch())
    metrics = punished.train_step(batch())
    assert float(metrics["loss/penalty"]) > 0
    assert moved(values(plain.discriminator), punished.discriminator)


@pytest.mark.slow
@pytest.mark.parametrize("penalty", PENALTIES)
def test_a_penalty_is_the_same_in_a_graph(penalty):
    options = {
        "networks": NetworkConfig(latent_size=8, width=4, normalization="layer"),
        "penalty": PENALTIES[penalty],
        "penalty_weight": 10.0,
    }
    alone = make(**options).train_step(batch())
    gan = make(**options, balance=build_balance(BalanceConfig(mode="auto"), seed=5))
    again = tf.function(gan.train_step)(batch())
    assert float(again["loss/penalty"]) == pytest.approx(float(alone["loss/penalty"]), rel=1e-3)
    assert np.isfinite([float(value) for value in again.values()]).all()
