import dataclasses
import json

import numpy as np
import pytest

from common.checkpoints import Checkpoints
from gan.callbacks.checkpoints import go_back
from gan.config import BalanceConfig, StopConfig
from gan.trainer import train


@pytest.mark.slow
def test_until_there_is_a_score_the_last_checkpoint_is_the_best(tiny):
    stop = StopConfig(epochs=2, evaluate_every=1000, evaluate_count=40)
    checkpoints = Checkpoints(train(dataclasses.replace(tiny, stop=stop)).folder)
    newest = [checkpoints.paths(kind)[0].name.split("-")[1] for kind in ("best", "last")]
    assert newest[0] == newest[1]


@pytest.mark.slow
def test_the_best_checkpoint_follows_the_monitor(tiny):
    result = train(tiny)
    rows = [json.loads(line) for line in (result.folder / "metrics.jsonl").read_text().splitlines()]
    best = min(rows, key=lambda row: row["quality/sliced_wasserstein"])
    newest = Checkpoints(result.folder).paths("best")[0]
    assert int(newest.name.split("-")[1]) == best["images"]


@pytest.mark.slow
def test_going_back_changes_the_networks_but_neither_clock_nor_balance(tiny):
    gan = train(dataclasses.replace(tiny, balance=BalanceConfig(mode="auto"))).gan
    arrays, _ = Checkpoints(tiny.run.run_dir).load("last")
    good = np.array(gan.generator.weights[0])
    gan.generator.weights[0].assign(0.0 * good)
    gan.images_seen.assign(999)
    gan.balance.controls[0].active.assign(0.25)
    chance = np.array(gan.seed.state)
    gan.seed.state.assign(chance + 1)
    go_back(gan, arrays)
    np.testing.assert_array_equal(gan.generator.weights[0], good)
    assert int(gan.images_seen) == 999
    assert float(gan.balance.controls[0].active) == 0.25
    np.testing.assert_array_equal(gan.seed.state, chance + 1)
