"""The callbacks that a user passes to `train`: checked before, and observed during a run."""

import math
import warnings
from collections.abc import Callable, Sequence

import keras

from common import custom_callbacks
from common.callbacks import Ending
from common.errors import InputError
from gan import saving
from gan.model import GAN

REFUSED = {
    "BackupAndRestore": "a run saves its whole state itself\ncontinue it with --resume",
    "OrbaxCheckpoint": "it saves the state of one optimizer, and a GAN has two\n"
    "use ModelCheckpoint('x.keras'), or continue the run with --resume",
    "SwapEMAWeights": "a GAN has its moving average already\nuse gan.ema_generator",
}


def check_callbacks(callbacks: Sequence[keras.callbacks.Callback], gan: GAN) -> None:
    """Check that Keras's own callbacks can work on a GAN, before anything is written.

    Args:
        callbacks: Of the user.
        gan: Compiled.

    Raises:
        InputError: One cannot; the message says why.

    Warns:
        UserWarning: One monitors a metric of validation data, which a GAN does not have.
    """
    custom_callbacks.check(callbacks, REFUSED)
    for callback in callbacks:
        name = type(callback).__name__
        if isinstance(callback, keras.callbacks.ModelCheckpoint) and not callback.save_weights_only:
            if not str(callback.filepath).endswith(".keras"):
                raise InputError(f"callbacks: {name}: expected a file *.keras or weights only, got "
                                 f"{callback.filepath}")  # fmt: skip
            saving.check(gan)
        if metric := custom_callbacks.monitored_of_validation(callback):
            warnings.warn(f"{name}: {metric} is never measured, as a GAN trains without validation "
                          "data; monitor 'loss' or 'quality/frechet_distance'",
                          stacklevel=3)  # fmt: skip


def observed(
    callbacks: Sequence[keras.callbacks.Callback], late: Sequence[str], ending: Ending
) -> list[keras.callbacks.Callback]:
    """Put each callback between two that prepare its logs and report its decisions.

    Args:
        callbacks: Of the user.
        late: Metrics that are not measured in every tick.
        ending: Receives the name of the callback that sets `model.stop_training`.

    Returns:
        Three callbacks for each one.
    """
    together = []
    for callback in callbacks:
        before = _Before(callback, late)
        together += [before, callback, _After(callback, before, ending)]
    return together


class _Before(keras.callbacks.Callback):
    """Give a callback the same metrics in every tick.

    `CSVLogger` writes the columns of the first tick only. A metric that this tick
    has not measured is NaN, or the worst value for a callback that monitors it,
    because Keras would take NaN for the best value.
    """

    def __init__(self, callback: keras.callbacks.Callback, late: Sequence[str]):
        super().__init__()
        self.monitor = getattr(callback, "monitor", None)
        self.worst = -math.inf if getattr(callback, "mode", "min") == "max" else math.inf
        self.names, self.added = tuple(late), []

    def on_epoch_end(self, epoch, logs=None):
        self.added = [name for name in self.names if name not in logs]
        for name in self.added:
            logs[name] = self.worst if name == self.monitor else math.nan


class _After(keras.callbacks.Callback):
    """Remove what `_Before` has added, and report that the callback has ended the run."""

    def __init__(self, callback: keras.callbacks.Callback, before: _Before, ending: Ending):
        super().__init__()
        self.callback, self.before, self.ending = callback, before, ending

    def on_train_begin(self, logs=None):
        self._report()

    def on_epoch_begin(self, epoch, logs=None):
        self._report()

    def on_train_batch_begin(self, batch, logs=None):
        self._report()

    def on_train_batch_end(self, batch, logs=None):
        self._report()

    def on_epoch_end(self, epoch, logs=None):
        for name in self.before.added:
            logs.pop(name, None)
        self._report()

    def _report(self):
        if self.model.stop_training and not self.ending.decided:
            name = type(self.callback).__name__
            self.ending.stop(self.model, "stopped", f"{name} set stop_training")


class CheckMonitored(keras.callbacks.Callback):
    """Check after the first tick that a metric which a callback should add is there.

    Args:
        monitor: Name of the metric.
        late: Metrics that are not measured in every tick.
    """

    def __init__(self, monitor: str, late: Sequence[str]):
        super().__init__()
        self.monitor, self.late, self.checked = monitor, tuple(late), False

    def on_epoch_end(self, epoch, logs=None):
        if self.checked or self.monitor in self.late:
            return
        self.checked = True
        if self.monitor not in logs:
            raise InputError(
                f"--set stop.monitor={self.monitor}: no callback has added it to the logs of the "
                f"first tick\nexpected one of {', '.join([*logs, *self.late])}"
            )


class ShareLearningRate(keras.callbacks.Callback):
    """Set the learning rates of all processes to what the chief's callbacks have chosen.

    Args:
        gather: Sends a text to all processes and returns the texts of all.
    """

    def __init__(self, gather: Callable[[str], Sequence[str]]):
        super().__init__()
        self.gather = gather

    def on_epoch_begin(self, epoch, logs=None):
        factor = self.model.rate_factor.variable
        own = float(factor.numpy())
        chosen = float(self.gather(repr(own))[0])
        if chosen != own:
            factor.assign(chosen)
