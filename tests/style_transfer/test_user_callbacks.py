"""Callbacks of a user: Keras's own ones, over all stages, and refused ones."""

import csv
import os
from types import SimpleNamespace

import keras
import numpy as np
import pytest
import tensorflow as tf

from common.callbacks import Ending
from common.errors import InputError
from style_transfer.image_model import StyledImage
from style_transfer.lbfgs import fit_lbfgs
from style_transfer.stylize import stylize
from style_transfer.user_callbacks import UserCallbacks, check
from tests.style_transfer.bowl import start
from tests.style_transfer.quick import quick

own = keras.callbacks
SIZES = [(4, 6), (8, 12), (8, 12)]  # of three stages


def fit(model, iterations, callbacks, losses=lambda step: 1.0 / step):
    """Call callbacks as Keras's `fit` does, five iterations at a time; they brighten the image."""
    model.compile(keras.optimizers.SGD(0.02))
    model.stop_training = False
    together = own.CallbackList(callbacks, model=model)
    together.on_train_begin()
    for step in range(0, iterations, 5):
        together.on_train_batch_begin(step)
        model.image.assign_add(tf.fill(model.image.shape, 0.005))
        model.average.assign(model.image.value)
        model.iteration.assign_add(5.0)
        loss = losses(step + 5)
        together.on_train_batch_end(step + 4, {"loss": loss, "bowl": loss})
        if model.stop_training:
            break
    together.on_train_end()


def run(callbacks, iterations=20, fit_stage=fit, terms=None):
    """Go through three stages, as `paint` does; return the ending and the models."""
    ending, models = Ending(), []
    stages = [SimpleNamespace(iterations=iterations)] * len(SIZES)
    together = UserCallbacks(callbacks, stages, ending)
    for size in SIZES:
        done = sum(model.steps_done for model in models)
        models.append(StyledImage(start(0.5, size), terms, done))
        fit_stage(models[-1], iterations, [together])
        if ending.decided:
            break
    return ending, models


class Listen(own.Callback):
    """Record every hook with its number, and the logs of batches and epochs."""

    def __init__(self):
        super().__init__()
        self.hooks, self.batches, self.epochs = [], [], []

    def on_train_begin(self, logs=None):
        self.hooks.append("train begin")

    def on_train_end(self, logs=None):
        self.hooks.append("train end")

    def on_epoch_begin(self, epoch, logs=None):
        self.hooks.append(f"epoch {epoch} begin")

    def on_epoch_end(self, epoch, logs=None):
        self.hooks.append(f"epoch {epoch} end")
        self.epochs.append(dict(logs))

    def on_train_batch_begin(self, batch, logs=None):
        self.hooks.append(f"batch {batch} begin")

    def on_train_batch_end(self, batch, logs=None):
        self.hooks.append(f"batch {batch} end")
        self.batches.append(dict(logs))


def test_all_stages_are_one_fit():
    listen = Listen()
    ending, _ = run([listen], iterations=15)  # five in an execution
    epoch = ["batch 0 begin", "batch 4 end", "batch 5 begin", "batch 9 end"]
    short = ["batch 0 begin", "batch 4 end"]
    expected = []
    for number, batches in enumerate([epoch, short] * 3):
        expected += [f"epoch {number} begin", *batches, f"epoch {number} end"]
    assert listen.hooks == ["train begin", *expected, "train end"]
    assert [logs["stage"] for logs in listen.batches] == [0] * 3 + [1] * 3 + [2] * 3
    assert [logs["iteration"] for logs in listen.epochs] == [10, 15, 25, 30, 40, 45]
    assert set(listen.epochs[0]) == {"loss", "bowl", "stage", "iteration", "learning_rate"}
    assert not ending.decided


@pytest.mark.parametrize("hook", ["on_train_begin", "on_epoch_begin", "on_train_batch_begin",
                                  "on_train_batch_end", "on_epoch_end"])  # fmt: skip
def test_a_callback_that_stops_training_ends_all_stages(hook):
    class End(own.Callback):
        def end(self, *arguments, **options):
            self.model.stop_training = True

    setattr(End, hook, End.end)
    listen = Listen()
    ending, models = run([listen, End()])
    assert (ending.status, ending.reason) == ("stopped", "End set stop_training")
    assert len(models) == 1
    assert models[0].steps_done < 20
    assert listen.hooks[-2:] == ["epoch 0 end", "train end"]


def test_the_end_of_a_stage_does_not_count_as_stopped_by_a_user():
    class EndStage(own.Callback):
        def on_train_batch_end(self, batch, logs=None):
            self.model.stop_training = True

    listen = Listen()
    ending, models = run(
        [listen], fit_stage=lambda model, n, calls: fit(model, n, [EndStage(), *calls])
    )
    assert not ending.decided
    assert [model.steps_done for model in models] == [5, 5, 5]
    assert listen.hooks.count("train end") == 1


def test_the_csv_file_has_all_stages(tmp_path):
    path = tmp_path / "log.csv"
    run([own.CSVLogger(str(path))])
    with path.open() as file:
        rows = list(csv.DictReader(file))
    assert [int(row["epoch"]) for row in rows] == list(range(6))
    assert [int(row["stage"]) for row in rows] == [0, 0, 1, 1, 2, 2]
    assert [int(row["iteration"]) for row in rows] == [10, 20, 30, 40, 50, 60]
    assert all(float(row["bowl"]) == float(row["loss"]) > 0 for row in rows)
    assert all(float(row["learning_rate"]) == pytest.approx(0.02) for row in rows)


def test_early_stopping_ends_all_stages_and_restores_the_best_image():
    stop = own.EarlyStopping("loss", patience=2, restore_best_weights=True)

    def grow(model, iterations, callbacks):
        fit(model, iterations, callbacks, losses=float)

    ending, models = run([stop], 60, grow)
    assert ending.reason == "EarlyStopping set stop_training"
    assert len(models) == 1
    assert models[0].steps_done == 30  # three epochs; the first was best
    np.testing.assert_allclose(models[0].image, 0.51, rtol=1e-5)
    np.testing.assert_allclose(models[0].average, 0.51, rtol=1e-5)


def test_early_stopping_starts_over_in_each_stage():
    """The loss of a new size is higher than that at the end of the stage before."""
    stop = own.EarlyStopping("loss", patience=1, restore_best_weights=True)
    ending, models = run([stop])
    assert not ending.decided
    assert [model.steps_done for model in models] == [20, 20, 20]


def test_a_schedule_sets_the_rate_of_every_epoch_and_a_plateau_lowers_all_later_ones():
    listen = Listen()
    run([own.LearningRateScheduler(lambda epoch, rate: 0.01 * (epoch + 1)), listen])
    assert [logs["learning_rate"] for logs in listen.epochs] == pytest.approx(
        [0.01, 0.02, 0.03, 0.04, 0.05, 0.06]
    )
    halve = own.ReduceLROnPlateau("loss", factor=0.5, patience=1, min_delta=1e9)
    listen = Listen()
    run([listen, halve])
    assert [logs["learning_rate"] for logs in listen.epochs] == pytest.approx(
        [0.02, 0.02, 0.01, 0.01, 0.005, 0.005]
    )


def test_the_best_image_of_a_checkpoint_is_that_of_the_last_stage(tmp_path):
    path = tmp_path / "best.weights.h5"
    save = own.ModelCheckpoint(path, "loss", save_best_only=True, save_weights_only=True)

    def grow(model, iterations, callbacks):
        fit(model, iterations, callbacks, losses=float)

    run([save], fit_stage=grow)
    again = StyledImage(start(0.0, SIZES[-1]), None)
    again.load_weights(path)  # that of another size would not fit
    assert again.steps_done == 10
    np.testing.assert_allclose(again.image, 0.51, rtol=1e-5)


def test_the_other_callbacks_of_keras_see_all_stages(tmp_path, capsys):
    history = own.History()
    board = own.TensorBoard(tmp_path / "board", update_freq=1)
    with pytest.warns(UserWarning, match="RemoteMonitor root server"):
        run([own.ProgbarLogger(), own.TerminateOnNaN(), board, history,
             own.RemoteMonitor("http://127.0.0.1:9")])  # fmt: skip
    assert history.epoch == list(range(6))
    assert history.history["stage"] == [0, 0, 1, 1, 2, 2]
    assert "Epoch 6/6" in capsys.readouterr().out
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    events = EventAccumulator(str(tmp_path / "board" / "train"), size_guidance={"tensors": 0})
    events.Reload()
    assert [event.step for event in events.Tensors("epoch_bowl")] == list(range(6))
    assert len(events.Tensors("batch_bowl")) == 12
    assert len(os.listdir(tmp_path / "board" / "train")) == 1


def test_lbfgs_calls_the_same_hooks():
    listen, history = Listen(), own.History()

    def hard(image):
        return {"hard": tf.reduce_mean(tf.sqrt(tf.abs(image - 0.3)))}

    _, models = run([listen, history], 12, fit_lbfgs, hard)
    assert listen.hooks[:4] == ["train begin", "epoch 0 begin", "batch 0 begin", "batch 0 end"]
    assert [logs["iteration"] for logs in listen.batches] == list(
        range(1, sum(model.steps_done for model in models) + 1)
    )
    assert set(history.history) == {"loss", "hard", "stage", "iteration"}


REFUSED = [
    (lambda: own.BackupAndRestore("backup"), "cannot be continued"),
    (lambda: own.SwapEMAWeights(), "average of its iterates already"),
    (lambda: own.EarlyStopping(), "val_loss is never measured.*\ngive monitor='loss'"),
    (lambda: own.EarlyStopping("style/relu1_1"), "mode='min' or mode='max'"),
    (lambda: own.ModelCheckpoint("x.keras"), "save_weights_only=True"),
    (lambda: own.TensorBoard("board", histogram_freq=1), "no histograms"),
    (lambda: "CSVLogger", "expected Keras callbacks, got str"),
]


@pytest.mark.parametrize(("callback", "reason"), REFUSED)
def test_what_cannot_work_is_refused(callback, reason):
    with pytest.raises(InputError, match=reason):
        check([callback()], "adam")


def test_lbfgs_has_no_learning_rate():
    with pytest.raises(InputError, match="LearningRateScheduler: L-BFGS has no learning rate"):
        check([own.LearningRateScheduler(lambda epoch: 0.1)], "lbfgs")


def test_a_monitored_metric_that_is_not_in_the_logs_is_an_error_after_the_first_epoch():
    with pytest.raises(InputError, match=r"monitors los, which .*\nexpected one of .*loss"):
        run([own.EarlyStopping("los", mode="min")])


@pytest.mark.slow
def test_stylize_is_ended_by_a_callback(content, style):
    class End(own.Callback):
        def on_train_batch_end(self, batch, logs=None):
            self.model.stop_training = True

    listen = Listen()
    with pytest.warns(RuntimeWarning, match="End set stop_training in stage 1 of 2; .* 18x24"):
        result = stylize(content, style, quick(), callbacks=[listen, End()])
    assert result.shape == (48, 36, 3)
    assert len(listen.batches) == 1


def test_stylize_refuses_before_it_paints(content, style):
    listen = Listen()
    with pytest.raises(InputError, match="BackupAndRestore"):
        stylize(content, style, quick(), callbacks=[listen, own.BackupAndRestore("x")])
    assert listen.hooks == []
