import keras
import pytest

from common.custom_callbacks import check, monitored_of_validation
from common.errors import InputError


@pytest.mark.parametrize(
    ("callback", "reason"),
    [
        ("CSVLogger", "expected Keras callbacks, got str"),
        (keras.callbacks.BackupAndRestore("x"), "BackupAndRestore: it is saved already"),
        (keras.callbacks.EarlyStopping("accuracy"), "high accuracy is better\ngive mode='min'"),
    ],
)
def test_what_a_run_cannot_serve_is_refused(callback, reason):
    with pytest.raises(InputError, match=reason):
        check([keras.callbacks.History(), callback], {"BackupAndRestore": "it is saved already"})


def test_the_other_callbacks_are_accepted():
    own = keras.callbacks
    check([own.BackupAndRestore("x"), own.EarlyStopping("accuracy", mode="max")], {})


def test_a_remote_monitor_needs_a_package(monkeypatch):
    monkeypatch.setattr("common.custom_callbacks._has_requests", lambda: False)
    with pytest.raises(InputError, match="pip install requests"):
        check([keras.callbacks.RemoteMonitor()], {})


def test_metrics_of_validation_that_are_monitored():
    own = keras.callbacks
    assert monitored_of_validation(own.EarlyStopping()) == "val_loss"
    assert monitored_of_validation(own.EarlyStopping("loss")) is None
    assert monitored_of_validation(own.ModelCheckpoint("x.keras")) is None
    best = own.ModelCheckpoint("x.keras", "val_accuracy", save_best_only=True)
    assert monitored_of_validation(best) == "val_accuracy"
    assert monitored_of_validation(own.History()) is None
