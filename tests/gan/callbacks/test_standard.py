import dataclasses

import keras
import pytest

from common.errors import InputError
from gan.callbacks.standard import standard_callbacks
from gan.config import BalanceConfig, StopConfig
from gan.trainer import train
from tests.gan.tiny import run_of


def test_an_unknown_metric_cannot_be_monitored(tiny):
    with pytest.raises(InputError, match=r"stop.monitor=los: expected one of .*loss/generator"):
        train(dataclasses.replace(tiny, stop=StopConfig(epochs=1, monitor="los", evaluate_every=0)))


@pytest.mark.slow
def test_any_keras_callback_is_accepted_and_sees_the_metrics(tiny):
    seen = []
    train(
        tiny,
        callbacks=[
            keras.callbacks.LambdaCallback(on_epoch_end=lambda e, logs: seen.append(dict(logs)))
        ],
    )
    assert len(seen) == 4
    assert "loss/generator" in seen[0]
    assert "quality/sliced_wasserstein" in seen[0]


@pytest.mark.slow
def test_a_target_a_patience_and_a_budget_end_a_run(tiny):
    def end(name, **stop):
        config = dataclasses.replace(tiny, stop=StopConfig(**stop, evaluate_every=0))
        return train(run_of(config, run_dir=tiny.run.run_dir.with_name(name)))

    assert end("target", epochs=50, target=1e9).status == "target"
    frozen = end("patience", epochs=50, patience=2, monitor="learning_rate/generator")
    assert frozen.status == "no progress"
    assert int(frozen.gan.images_seen) == 32 * 3
    assert end("budget", max_minutes=0.02).reason == "used its 0.02 minutes"


@pytest.mark.slow
def test_the_checkpoint_is_written_after_what_it_contains(tiny, monkeypatch):
    seen = {}

    def remember(*arguments):
        seen.update(standard_callbacks(*arguments))
        return seen

    monkeypatch.setattr("gan.trainer.standard_callbacks", remember)
    stop = StopConfig(epochs=1, evaluate_every=1, evaluate_count=12, target=-1.0)
    config = dataclasses.replace(tiny, stop=stop, balance=BalanceConfig(mode="auto"))
    train(config, callbacks=[keras.callbacks.Callback()])
    order = list(seen)
    ends = ["finite", "interrupt", "budget", "target images"]
    adds = ["overfitting", "speed", "quality", "vitals", "evaluate", "alarm"]
    custom = [name for name in order if name.startswith("custom")]
    uses = ["log", "snapshots", "patience", "target"]
    assert len(custom) == 3
    assert max(map(order.index, ends + adds)) < min(map(order.index, custom))
    assert max(map(order.index, custom)) < min(map(order.index, uses))
    assert max(map(order.index, uses)) < order.index("saver")
