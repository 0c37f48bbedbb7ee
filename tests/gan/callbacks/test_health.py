import dataclasses

import pytest

from gan.config import BalanceConfig
from gan.data import stream
from gan.metrics import collapse
from gan.trainer import train


@pytest.mark.slow
def test_auto_holds_images_out_and_augments_an_overfitting_discriminator(tiny, monkeypatch):
    streams, judged, batches = [], [], stream.batches

    def remember(*given, **options):
        streams.append(options["among"])
        return batches(*given, **options)

    monkeypatch.setattr(stream, "batches", remember)
    monkeypatch.setattr(collapse, "r_v", lambda *sets: judged.append(sets) or 1.0)
    balance = BalanceConfig(mode="auto", augment_kimg=0.1)
    whole = train(dataclasses.replace(tiny, balance=balance))
    (trained,) = streams
    assert len(trained) == 58  # of 64
    assert {tuple(map(len, sets)) for sets in judged} == {(58, 6, 58)}
    assert whole.metrics["health/r_v"] == 1.0
    assert whole.metrics["balance/augment"] > 0.0
