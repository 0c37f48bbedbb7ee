import dataclasses
import json
from types import SimpleNamespace

import pytest
import tensorflow as tf
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from common.summaries import SummaryWriter
from gan.callbacks.alarms import Alarm
from gan.config import BalanceConfig, OptimizerConfig, StopConfig
from gan.metrics import collapse
from gan.metrics.collapse import FAILURE_MODES
from gan.trainer import train

LONGER = StopConfig(epochs=8, evaluate_every=0)
SATURATED = {  # the discriminator overfits 16 images at once
    "discriminator": OptimizerConfig(learning_rate=0.01),
    "generator": OptimizerConfig(learning_rate=1e-9),
}


@pytest.fixture
def alert(monkeypatch):
    """Alarms from the first image on."""
    monkeypatch.setattr("gan.metrics.collapse.WARMUP", 0)


@pytest.mark.usefixtures("alert")
@pytest.mark.slow
def test_an_alarm_is_printed_logged_and_summarized(tiny, capsys):
    result = train(dataclasses.replace(tiny, **SATURATED, stop=LONGER))
    alarms = json.loads((result.folder / "summary.json").read_text())["alarms"]
    said = capsys.readouterr().out
    for alarm in alarms:
        mode = alarm["failure_mode"]
        assert f"{mode}: {FAILURE_MODES[mode].says}\ntry {alarm['advice']}" in said
    assert "saturated" in [alarm["failure_mode"] for alarm in alarms]
    assert result.status == "finished"
    rows = [json.loads(r) for r in (result.folder / "metrics.jsonl").read_text().splitlines()]
    assert rows[-1]["health/alarms"] == len(alarms)
    assert {"health/spread", "health/neighbors", "health/class_entropy"} <= rows[0].keys()
    events = EventAccumulator(str(result.folder), size_guidance={"tensors": 0})
    events.Reload()
    assert len(events.Tensors("health/alarm")) == len(alarms)


def test_no_alarm_is_raised_while_warming_up(tmp_path):
    alarm = Alarm(
        SummaryWriter(tmp_path), lambda failure_mode: "", {**collapse.Watch().state(), "alarms": []}
    )
    alarm.watch = SimpleNamespace(update=lambda logs: ["saturated"])
    for images, expected in ((collapse.WARMUP - 1, 0), (collapse.WARMUP, 1)):
        alarm.set_model(SimpleNamespace(images_seen=tf.constant(images)))
        logs = {}
        alarm.on_epoch_end(0, logs)
        assert logs["health/alarms"] == len(alarm.raised) == expected


@pytest.mark.usefixtures("alert")
@pytest.mark.slow
def test_an_alarm_can_end_the_run(tiny):
    balance = BalanceConfig(on_alarm="stop")
    result = train(dataclasses.replace(tiny, **SATURATED, stop=LONGER, balance=balance))
    assert result.status == "collapsed"
    assert result.reason in FAILURE_MODES
    assert int(result.gan.images_seen) < 8 * 64


@pytest.mark.slow
@pytest.mark.usefixtures("alert")
def test_an_alarm_can_restore_the_best_and_enable_the_balance(tiny):
    balance = BalanceConfig(on_alarm="restore")
    result = train(dataclasses.replace(tiny, **SATURATED, stop=LONGER, balance=balance))
    rows = [json.loads(r) for r in (result.folder / "metrics.jsonl").read_text().splitlines()]
    alarms = [row["health/alarms"] for row in rows]
    first = next(i for i, count in enumerate(alarms) if count)
    assert rows[first - 1]["balance/auto"] == 0.0
    assert rows[first + 2]["balance/auto"] == 1.0
    assert rows[first + 2]["balance/discriminator_share"] < 1.0
    assert [row["images"] for row in rows] == sorted(row["images"] for row in rows)
