"""Checks of the Keras callbacks that a user passes, before a run starts."""

import importlib.util
from collections.abc import Mapping, Sequence

import keras

from common.errors import InputError


def check(callbacks: Sequence[keras.callbacks.Callback], refused: Mapping[str, str]) -> None:
    """Check that callbacks are Keras callbacks which a run can serve.

    Args:
        callbacks: Of the user.
        refused: {class name: why it cannot work, and what to do instead}.

    Raises:
        InputError: One cannot work; the message says why.

    Example:
        >>> check([keras.callbacks.History()], {"BackupAndRestore": "a run saves its state itself"})
    """
    for callback in callbacks:
        name = type(callback).__name__
        if not isinstance(callback, keras.callbacks.Callback):
            raise InputError(f"callbacks: expected Keras callbacks, got {name}")
        if name in refused:
            raise InputError(f"callbacks: {name}: {refused[name]}")
        if isinstance(callback, keras.callbacks.RemoteMonitor) and not _has_requests():
            raise InputError(
                f"callbacks: {name}: needs the package requests (pip install requests)"
            )
        metric = str(getattr(callback, "monitor", ""))
        if getattr(callback, "mode", "") == "auto" and metric.removeprefix("val_") != "loss":
            raise InputError(f"callbacks: {name}: Keras does not know whether a low or a high "
                             f"{metric} is better\ngive mode='min' or mode='max'")  # fmt: skip


def monitored_of_validation(callback: keras.callbacks.Callback) -> str | None:
    """Return the metric of validation data that a callback monitors, or None.

    Args:
        callback: Any. A `ModelCheckpoint` that saves every epoch monitors nothing.

    Example:
        >>> monitored_of_validation(keras.callbacks.EarlyStopping())
        'val_loss'
    """
    metric = str(getattr(callback, "monitor", ""))
    uses = getattr(callback, "save_best_only", True)
    return metric if metric.startswith("val_") and uses else None


def _has_requests() -> bool:
    return importlib.util.find_spec("requests") is not None
