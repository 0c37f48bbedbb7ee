import json
import math
import os
import signal

import keras
import numpy as np
import pytest

from common import callbacks


class Recorder(keras.Model):
    """Stands in for a model; callbacks only ask it to stop."""

    stop_training = False


def attach(callback):
    callback.set_model(Recorder())
    return callback


def test_the_first_reason_wins():
    ending, model = callbacks.Ending(), Recorder()
    ending.stop(model, "target", "first")
    ending.stop(model, "finished", "second")
    assert (ending.status, ending.reason) == ("target", "first")
    assert model.stop_training


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf])
def test_non_finite_metrics_are_named(bad):
    ending = callbacks.Ending()
    restored = []
    guard = attach(callbacks.StopOnNonFinite(lambda: restored.append(True), ending))
    guard.on_train_batch_end(0, {"loss/generator": 1.0})
    assert not ending.decided
    guard.on_train_batch_end(1, {"loss/generator": bad, "loss/discriminator": 1.0})
    assert ending.status == "diverged"
    assert ending.reason == "loss/generator became non-finite"
    assert restored == [True]


def test_stop_after_counts_images():
    ending, seen = callbacks.Ending(), iter([90, 100])
    guard = attach(callbacks.StopAfter(lambda: next(seen), 100, ending))
    guard.on_train_batch_end(0)
    assert not ending.decided
    guard.on_train_batch_end(1)
    assert ending.status == "finished"


def test_the_time_budget_includes_what_was_spent_before():
    ending = callbacks.Ending()
    budget = attach(callbacks.TimeBudget(1.0, ending, elapsed=59.99))
    budget.on_train_begin()
    budget.on_train_batch_end(0)
    assert not ending.decided
    budget.before = 60.0
    budget.on_train_batch_end(1)
    assert ending.reason == "used its 1 minutes"
    budget.on_train_end()
    assert 60.0 <= budget.elapsed < 62.0
    assert budget.elapsed == budget.elapsed  # the clock stands still


@pytest.mark.parametrize(("mode", "far", "reached"), [("min", 0.6, 0.5), ("max", 0.4, 0.5)])
def test_the_target_may_be_met_exactly(mode, far, reached):
    ending = callbacks.Ending()
    guard = attach(callbacks.StopAtTarget("score", 0.5, mode, ending))
    guard.on_epoch_end(0, {"score": far})
    guard.on_epoch_end(1, {"other": reached})
    assert not ending.decided
    guard.on_epoch_end(2, {"score": reached})
    assert ending.status == "target"


def test_patience_counts_ticks_without_improvement_and_survives_a_resume():
    ending = callbacks.Ending()
    guard = attach(callbacks.StopWithoutProgress("score", 3, "min", ending))
    for score in (1.0, 0.5, 0.6, 0.5):
        guard.on_epoch_end(0, {"score": score})
    assert guard.state() == {"best": 0.5, "waited": 2}
    resumed = attach(callbacks.StopWithoutProgress("score", 3, "min", ending))
    resumed.restore(guard.state())
    assert not ending.decided
    resumed.on_epoch_end(0, {"score": 0.7})
    assert ending.status == "no progress"
    assert ending.reason == "score has not improved on 0.5 for 3 evaluations"
    assert resumed.model.stop_training


def test_the_state_of_patience_survives_the_start_of_fit():
    guard = attach(callbacks.StopWithoutProgress("score", 2, "max", callbacks.Ending()))
    guard.restore({"best": 0.5, "waited": 1})
    guard.on_train_begin()
    guard.on_epoch_end(0, {"score": np.float32(0.75)})
    assert guard.state() == {"best": 0.75, "waited": 0}
    assert json.loads(json.dumps(guard.state())) == guard.state()


@pytest.mark.filterwarnings("error")
def test_patience_ignores_epochs_without_a_finite_metric():
    ending = callbacks.Ending()
    guard = attach(callbacks.StopWithoutProgress("score", 1, "min", ending))
    for logs in (None, {}, {"other": 1.0}, {"score": math.nan}, {"score": 1.0}):
        guard.on_epoch_end(0, logs)
    assert guard.state() == {"best": 1.0, "waited": 0}
    assert not ending.decided


def test_infinite_patience_never_stops():
    ending = callbacks.Ending()
    guard = attach(callbacks.StopWithoutProgress("score", math.inf, "min", ending))
    for epoch in range(50):
        guard.on_epoch_end(epoch, {"score": 1.0})
    assert guard.state() == {"best": 1.0, "waited": 49}
    assert not ending.decided


def test_keras_users_recognise_the_callbacks():
    ending = callbacks.Ending()
    guard = callbacks.StopWithoutProgress("score", 1, "min", ending)
    assert isinstance(guard, keras.callbacks.EarlyStopping)
    guard = callbacks.StopOnNonFinite(lambda: None, ending)
    assert isinstance(guard, keras.callbacks.TerminateOnNaN)


@pytest.mark.parametrize(
    ("value", "mode", "ties", "better"),
    [(1, "min", False, True), (3, "min", False, False), (3, "max", False, True),
     (2, "min", False, False), (2, "max", True, True), (1, "max", True, False)],
)  # fmt: skip
def test_is_better_than_two(value, mode, ties, better):
    assert callbacks.is_better(value, 2, mode, ties) is better


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_the_run_after_the_current_execution(number, capsys):
    ending, before = callbacks.Ending(), signal.getsignal(number)
    guard = attach(callbacks.Interrupt(ending))
    guard.on_train_begin()
    os.kill(os.getpid(), number)
    assert not ending.decided
    assert "stopping after the current step" in capsys.readouterr().err
    guard.on_train_batch_end(0)
    assert ending.status == "interrupted"
    with pytest.raises(KeyboardInterrupt):  # impatience is heard
        os.kill(os.getpid(), number)
    guard.on_train_end()
    assert signal.getsignal(number) is before


def test_all_processes_end_together_and_know_why():
    endings = [callbacks.Ending() for _ in range(2)]
    told = {}

    def gather(place):
        def tell(text):
            told[place] = text
            return [told.get(0, ""), told.get(1, "")]

        return tell

    first, second = (
        attach(callbacks.EndTogether(gather(place), ending)) for place, ending in enumerate(endings)
    )
    first.on_train_batch_end(0)
    second.on_epoch_end(0)
    assert not endings[0].decided
    endings[0].stop(first.model, "target", "reached it")
    first.on_train_batch_end(1)
    second.on_train_batch_end(1)
    assert second.model.stop_training
    assert (endings[1].status, endings[1].reason) == ("target", "reached it")


def test_progress_shows_share_time_and_metrics(capsys):
    share = iter([0.0, 0.25, 0.5, 1.5])
    bar = attach(
        callbacks.Progress(
            lambda: next(share),
            lambda: 12_000,
            lambda done, rate: f"{done / 1000:.0f} kimg {rate:.0f} img/s",
            [("D", "loss")],
        )
    )
    bar.on_train_begin()
    bar.on_train_batch_end(0, {"loss": 0.123})
    bar.on_train_batch_end(1, {"loss": np.float32(0.5)})
    bar.on_train_batch_end(2, {"loss": 0.75})
    bar.on_train_end()
    shown = capsys.readouterr().err
    assert "100%" in shown
    assert "12 kimg" in shown
    assert "D 0.75" in shown
