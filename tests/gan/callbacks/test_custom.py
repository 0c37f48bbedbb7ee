"""Callbacks of a user: Keras's own ones, metrics they add, and runs they end."""

import csv
import dataclasses
import json
import math
import warnings

import keras
import numpy as np
import pytest
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from common.callbacks import Ending
from common.errors import InputError
from gan.build import build_gan
from gan.callbacks.checkpoints import checkpoint_variables
from gan.callbacks.custom import REFUSED, ShareLearningRate, check_callbacks, observed
from gan.config import StopConfig
from gan.model import GAN
from gan.trainer import train
from tests.gan.test_model import make
from tests.gan.tiny import Unserializable, run_of

FRECHET = "quality/frechet_distance"


def rows_of(folder):
    return [json.loads(line) for line in (folder / "metrics.jsonl").read_text().splitlines()]


def summary_of(folder):
    return json.loads((folder / "summary.json").read_text())


def with_stop(config, **stop):
    return dataclasses.replace(config, stop=StopConfig(**{"evaluate_every": 0, **stop}))


@pytest.mark.slow
def test_a_run_with_all_callbacks_of_keras(tiny, tmp_path):
    own = keras.callbacks
    ticks, history = [], own.History()
    callbacks = [
        own.ModelCheckpoint(tmp_path / "{epoch}.keras"),
        own.ModelCheckpoint(
            tmp_path / "best.weights.h5",
            monitor=FRECHET,
            mode="min",
            save_best_only=True,
            save_weights_only=True,
        ),
        own.CSVLogger(str(tmp_path / "metrics.csv")),
        own.EarlyStopping("loss", min_delta=1e9, patience=2, restore_best_weights=True),
        own.LambdaCallback(on_epoch_end=lambda epoch, logs: ticks.append(epoch)),
        own.LearningRateScheduler(lambda epoch, rate: 0.5 * rate),
        own.ProgbarLogger(),
        own.ReduceLROnPlateau("loss", factor=0.5, patience=1, min_delta=1e9),
        own.RemoteMonitor("http://127.0.0.1:9"),
        own.TensorBoard(tmp_path / "board", histogram_freq=1),
        own.TerminateOnNaN(),
        history,
    ]
    public = {name for name, kind in vars(own).items() if isinstance(kind, type)}
    bases = {"Callback", "CallbackList"}
    assert public == {type(each).__name__ for each in callbacks} | REFUSED.keys() | bases
    config = with_stop(tiny, epochs=3, evaluate_every=0.064, evaluate_count=12)
    with pytest.warns(UserWarning, match="RemoteMonitor root server"):
        result = train(config, callbacks=callbacks)
    assert (result.status, result.reason) == ("stopped", "EarlyStopping set stop_training")
    assert ticks == [0, 1, 2]
    assert history.epoch == [0, 1, 2]
    rows = rows_of(result.folder)
    expected = [0.002, 0.001, 0.00025]
    for network in ("generator", "discriminator"):
        assert [row[f"learning_rate/{network}"] for row in rows] == pytest.approx(expected)
    assert all(math.isfinite(value) for row in rows for value in row.values())
    assert FRECHET not in rows[0]
    with (tmp_path / "metrics.csv").open() as file:
        columns = list(csv.DictReader(file))
    assert [math.isnan(float(row[FRECHET])) for row in columns] == [
        FRECHET not in row for row in rows
    ]
    assert float(columns[1][FRECHET]) == pytest.approx(rows[1][FRECHET])
    assert (tmp_path / "best.weights.h5").stat().st_size > 0
    events = EventAccumulator(str(tmp_path / "board" / "train"), size_guidance={"tensors": 0})
    events.Reload()
    assert {"epoch_loss", "epoch_learning_rate"} <= set(events.Tags()["tensors"])

    saved = keras.models.load_model(tmp_path / "3.keras")
    assert int(saved.images_seen) == 96
    assert float(saved.rates["discriminator"]()) == pytest.approx(0.00025)
    assert len(checkpoint_variables(saved)) == len(checkpoint_variables(result.gan))


class OrbaxCheckpoint(keras.callbacks.Callback):
    """Keras's own needs the package orbax-checkpoint."""


@pytest.mark.parametrize(
    ("callback", "reason"),
    [
        (lambda: keras.callbacks.BackupAndRestore("backup"), "--resume"),
        (OrbaxCheckpoint, "one optimizer"),
        (lambda: keras.callbacks.SwapEMAWeights(), "ema_generator"),
        (lambda: keras.callbacks.EarlyStopping("health/r_v"), "mode='min' or mode='max'"),
        (lambda: "CSVLogger", "expected Keras callbacks, got str"),
    ],
)
def test_what_cannot_work_is_refused_before_training(tiny, callback, reason):
    with pytest.raises(InputError, match=reason):
        train(tiny, callbacks=[callback()])
    assert not tiny.run.run_dir.exists()


def test_a_monitor_needs_the_package_requests(monkeypatch):
    monkeypatch.setattr("common.custom_callbacks._has_requests", lambda: False)
    with pytest.raises(InputError, match="pip install requests"):
        check_callbacks([keras.callbacks.RemoteMonitor()], make())


def test_metrics_of_validation_are_warned_of_once():
    with pytest.warns(UserWarning, match="val_loss is never measured") as caught:
        check_callbacks([keras.callbacks.EarlyStopping()], make())
    assert len(caught) == 1
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        check_callbacks([keras.callbacks.ModelCheckpoint("x.keras")], make())


def test_networks_that_cannot_be_saved_are_refused_before_training(tiny, tmp_path):
    def build(config, spec):
        def extended(network):
            image = Unserializable(abs)(network.outputs[0])
            return keras.Model(network.inputs, image)

        gan = build_gan(config, spec)
        return GAN(
            extended(gan.generator),
            gan.discriminator,
            extended(gan.ema_generator),
            loss=gan.loss_pair,
            balance=gan.balance,
        )

    with pytest.raises(InputError, match="the generator cannot be serialized"):
        train(tiny, callbacks=[keras.callbacks.ModelCheckpoint(tmp_path / "x.keras")], build=build)
    assert not tiny.run.run_dir.exists()
    assert not (tmp_path / "x.keras").exists()


@pytest.mark.slow
def test_metrics_that_a_callback_adds_are_logged_and_monitored(tiny):
    class Add(keras.callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            logs |= {"my/metric": np.float32(epoch), "my/text": "half", "my/nan": math.nan}

    config = with_stop(tiny, epochs=9, monitor="my/metric", monitor_mode="max", target=2.0)
    result = train(config, callbacks=[Add()])
    assert (result.status, result.metrics["my/metric"]) == ("target", 2.0)
    rows = rows_of(result.folder)
    assert [row["my/metric"] for row in rows] == [0.0, 1.0, 2.0]
    assert [row["my/nan"] for row in rows] == [None] * 3
    assert "my/text" not in rows[0]
    assert summary_of(result.folder)["best"] == {"my/metric": 2.0}
    events = EventAccumulator(str(result.folder), size_guidance={"tensors": 0})
    events.Reload()
    assert [event.step for event in events.Tensors("my/metric")] == [32, 64, 96]


@pytest.mark.slow
def test_a_monitored_metric_that_nothing_adds_is_an_error_after_the_first_tick(tiny):
    config = with_stop(tiny, epochs=9, monitor="my/metric")
    with pytest.raises(InputError, match=r"monitor=my/metric: no callback .*first tick\n.*loss"):
        train(config, callbacks=[keras.callbacks.Callback()])
    assert summary_of(tiny.run.run_dir)["status"] == "failed"


@pytest.mark.slow
def test_a_callback_that_fails_leaves_the_reason_and_a_run_to_resume(tiny):
    class Fail(keras.callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            if epoch == 1:
                raise KeyError("no such thing")

    with pytest.raises(KeyError):
        train(tiny, callbacks=[Fail()])
    summary = summary_of(tiny.run.run_dir)
    assert (summary["status"], summary["reason"]) == ("failed", "KeyError: 'no such thing'")
    assert summary["images"] == 64
    resumed = train(run_of(tiny, run_dir=None, resume=tiny.run.run_dir))
    assert resumed.status == "finished"
    assert [row["images"] for row in rows_of(resumed.folder)] == [32, 64, 96, 128]


@pytest.mark.slow
def test_a_resumed_run_keeps_the_learning_rate_of_a_callback(tiny):
    halve = keras.callbacks.LearningRateScheduler(lambda epoch, rate: 0.5 * rate)
    train(with_stop(tiny, epochs=1), callbacks=[halve])
    resumed = train(run_of(with_stop(tiny, epochs=2), run_dir=None, resume=tiny.run.run_dir))
    logged = [row["learning_rate/discriminator"] for row in rows_of(resumed.folder)]
    assert logged == pytest.approx([0.002, 0.001, 0.001, 0.001])


@pytest.mark.parametrize("hook", ["on_train_begin", "on_epoch_begin", "on_train_batch_end"])
def test_the_callback_that_ends_a_run_is_named(hook):
    class Other(keras.callbacks.Callback):
        pass

    class End(keras.callbacks.Callback):
        def end(self, *arguments, **options):
            self.model.stop_training = True

    setattr(End, hook, End.end)
    ending, model = Ending(), make()
    model.stop_training = False
    callbacks = keras.callbacks.CallbackList(
        observed([Other(), End(), Other()], (), ending), model=model
    )
    arguments = () if hook == "on_train_begin" else (0,)
    getattr(callbacks, hook)(*arguments)
    assert (ending.status, ending.reason) == ("stopped", "End set stop_training")


@pytest.mark.parametrize(("mode", "worst"), [("min", math.inf), ("max", -math.inf)])
def test_a_metric_of_few_ticks_is_the_worst_value_for_who_monitors_it(mode, worst):
    seen = []
    monitoring = keras.callbacks.EarlyStopping(FRECHET, mode=mode)
    monitoring.on_epoch_end = lambda epoch, logs: seen.append(logs[FRECHET])
    callbacks = observed([monitoring], (FRECHET,), Ending())
    logs = {}
    for callback in callbacks:
        callback.set_model(make())
        callback.model.stop_training = False
        callback.on_epoch_end(0, logs)
    assert seen == [worst]
    assert logs == {}


def test_all_processes_take_the_learning_rate_of_the_chief():
    gan = make(rate=0.1)
    share = ShareLearningRate(lambda own: ["0.25", own])
    share.set_model(gan)
    share.on_epoch_begin(0)
    assert float(gan.rates["discriminator"]()) == pytest.approx(0.025)


@pytest.mark.slow
def test_what_the_autolog_of_mlflow_does_ends_and_works(tiny, tmp_path, monkeypatch):
    """MLflow 2 and 3 hash the dataset, read the shapes, the optimizer and the summary, and save."""
    original, seen = keras.Model.fit, {}

    class Logger(keras.callbacks.Callback):
        def on_train_begin(self, logs=None):
            seen["optimizer"] = self.model.optimizer.get_config()
            seen["summary"] = []
            self.model.summary(print_fn=lambda line, **options: seen["summary"].append(line))

    def fit(self, *arguments, **options):
        (x,) = arguments
        seen["batches"] = len(list(x.as_numpy_iterator()))
        seen["shape"] = self.input_shape
        options["callbacks"].append(Logger())
        history = original(self, *arguments, **options)
        self.save(tmp_path / "model.keras")
        return history

    monkeypatch.setattr(keras.Model, "fit", fit)
    result = train(with_stop(tiny, epochs=1))
    assert (seen["batches"], seen["shape"]) == (1, (None, 8))
    assert seen["optimizer"]["beta_1"] == 0.5
    assert "generator" in "".join(seen["summary"])
    loaded = keras.models.load_model(tmp_path / "model.keras")
    np.testing.assert_array_equal(loaded.generator.weights[0], result.gan.generator.weights[0])
