"""Keras callbacks that guard a run: budget, interrupt, non-finite values, progress.

They are called after every execution of `steps_per_execution` steps. Each can
end the run through a shared `Ending`, which keeps the first reason.
"""

import math
import signal
import sys
import time
from collections.abc import Callable, Sequence
from types import FrameType

import keras
from tqdm import tqdm

from common.progress_bar import Progress as Progress


class Ending:
    """Why a run ended.

    Attributes:
        status: One word, such as "finished" or "diverged".
        reason: One line.
        decided: Whether a callback has ended the run; further ones are ignored.
    """

    def __init__(self):
        self.status, self.reason = "finished", "reached its end"
        self.decided = False

    def decide(self, status: str, reason: str) -> None:
        """Note why the run ends; a later reason is ignored."""
        if not self.decided:
            self.status, self.reason, self.decided = status, reason, True

    def stop(self, model: keras.Model, status: str, reason: str) -> None:
        """End `fit` after the current execution."""
        self.decide(status, reason)
        model.stop_training = True


class StopAfter(keras.callbacks.Callback):
    """End the run once `progress()` has reached `target`, both in images."""

    def __init__(self, progress: Callable[[], int], target: float, ending: Ending):
        super().__init__()
        self.progress, self.target, self.ending = progress, target, ending

    def on_train_batch_end(self, batch, logs=None):
        if self.progress() >= self.target:
            self.ending.stop(self.model, "finished", f"saw all {self.target} images")


class TimeBudget(keras.callbacks.Callback):
    """End the run when its wall-clock minutes are used up.

    Args:
        minutes: The budget; None or 0 is unlimited.
        ending: Receives the reason.
        elapsed: Seconds of training before a resume, which count.
    """

    def __init__(self, minutes: float | None, ending: Ending, elapsed: float = 0.0):
        super().__init__()
        self.minutes, self.ending = minutes, ending
        self.before, self.started = elapsed, None

    @property
    def elapsed(self) -> float:
        """Seconds of training so far, including those before a resume."""
        running = time.perf_counter() - self.started if self.started is not None else 0.0
        return self.before + running

    def on_train_begin(self, logs=None):
        self.started = time.perf_counter()

    def on_train_batch_end(self, batch, logs=None):
        if self.minutes and self.elapsed >= 60.0 * self.minutes:
            self.ending.stop(self.model, "finished", f"used its {self.minutes:g} minutes")

    def on_train_end(self, logs=None):
        self.before, self.started = self.elapsed, None


class StopOnNonFinite(keras.callbacks.TerminateOnNaN):
    """End the run when any logged metric is NaN or infinite, and restore a good state.

    Keras's callback tests the metric `loss` only.

    Args:
        restore: Called to restore the last good state.
        ending: Receives the names of the metrics.
    """

    def __init__(self, restore: Callable[[], None], ending: Ending):
        super().__init__()
        self.restore, self.ending = restore, ending

    def on_batch_end(self, batch, logs=None):
        bad = [name for name, value in (logs or {}).items() if not math.isfinite(value)]
        if bad:
            self.ending.stop(self.model, "diverged", f"{', '.join(bad)} became non-finite")
            self.restore()


class StopAtTarget(keras.callbacks.Callback):
    """End the run when the metric `monitor` has reached `target`."""

    def __init__(self, monitor: str, target: float, mode: str, ending: Ending):
        super().__init__()
        self.monitor, self.target, self.mode, self.ending = monitor, target, mode, ending

    def on_epoch_end(self, epoch, logs=None):
        value = (logs or {}).get(self.monitor)
        if value is not None and is_better(value, self.target, self.mode, ties=True):
            self.ending.stop(
                self.model, "target", f"{self.monitor} reached {value:.4g} (target {self.target:g})"
            )


class StopWithoutProgress(keras.callbacks.EarlyStopping):
    """End the run when `monitor` has not improved for `patience` evaluations.

    Unlike Keras's callback it ignores epochs without a finite value of the
    metric, and its state survives a resume.

    Args:
        monitor: Name of the metric in the logs.
        patience: Evaluations without improvement; infinity disables it.
        mode: "min" or "max".
        ending: Receives the reason.
    """

    def __init__(self, monitor: str, patience: float, mode: str, ending: Ending):
        super().__init__(monitor, patience=patience, mode=mode)
        self.ending = ending

    def state(self) -> dict[str, float | None]:
        """Return what `restore` takes, as JSON holds it."""
        return {"best": self.best, "waited": self.wait}

    def restore(self, state: dict[str, float | None]) -> None:
        """Continue from the state of an earlier process."""
        self.best, self.wait = state["best"], int(state["waited"])

    def on_train_begin(self, logs=None):
        """Keep the restored state, which Keras's callback would reset."""

    def on_epoch_end(self, epoch, logs=None):
        value = (logs or {}).get(self.monitor)
        if value is None or not math.isfinite(value):
            return
        # Keras never stops in the first epoch, but a resume counts epochs from 0 again
        super().on_epoch_end(epoch + 1, {self.monitor: float(value)})
        if self.wait >= self.patience:
            self.ending.stop(
                self.model,
                "no progress",
                f"{self.monitor} has not improved on {self.best:.4g} for {self.wait} evaluations",
            )


class Interrupt(keras.callbacks.Callback):
    """End the run cleanly on Ctrl-C or SIGTERM; a second one ends it at once.

    The signals are handled during `fit`, or during a `with` block around
    several calls of `fit` or around a loop that calls `check`.

    Args:
        ending: Receives the name of the signal.
    """

    SIGNALS = (signal.SIGINT, signal.SIGTERM)

    def __init__(self, ending: Ending):
        super().__init__()
        self.ending = ending
        self.received: int | None = None
        self.previous: dict[int, object] = {}
        self.held = False

    def __enter__(self) -> "Interrupt":
        self.on_train_begin()
        self.held = True
        return self

    def __exit__(self, *exception) -> None:
        self.held = False
        self.on_train_end()

    def on_train_begin(self, logs=None):
        if self.held:
            return
        try:
            self.previous = {number: signal.signal(number, self._note) for number in self.SIGNALS}
        except ValueError:
            self.previous = {}  # not the main thread, where the caller handles signals

    def check(self) -> bool:
        """Note in `ending` that a signal was received; return whether one was."""
        if self.received is not None:
            self.ending.decide("interrupted", f"stopped by {signal.Signals(self.received).name}")
        return self.received is not None

    def on_train_batch_end(self, batch, logs=None):
        if self.check():
            self.model.stop_training = True

    def on_train_end(self, logs=None):
        """Restore the previous handlers; also to be called when `fit` raises."""
        if self.held:
            return
        for number, handler in self.previous.items():
            signal.signal(number, handler)
        self.previous = {}

    def _note(self, number: int, frame: FrameType | None) -> None:
        if self.received is not None:
            raise KeyboardInterrupt
        self.received = number
        name = signal.Signals(number).name
        tqdm.write(
            f"{name}: stopping after the current step; a second one stops at once, unsaved",
            file=sys.stderr,
        )


class EndTogether(keras.callbacks.Callback):
    """End `fit` in all processes of a run at the same step, once one of them ends it.

    Otherwise the others would wait for its part of the next step. It must be the
    last callback, so that it sees what the others decided.

    Args:
        gather: Sends a text to all processes and returns the texts of all.
        ending: Receives the status and the reason of the process that ended.
    """

    def __init__(self, gather: Callable[[str], Sequence[str]], ending: Ending):
        super().__init__()
        self.gather, self.ending = gather, ending

    def on_train_batch_end(self, batch, logs=None):
        own = f"{self.ending.status}\n{self.ending.reason}" if self.model.stop_training else ""
        if first := next(filter(None, self.gather(own)), ""):
            self.ending.stop(self.model, *first.split("\n", 1))

    def on_epoch_end(self, epoch, logs=None):
        self.on_train_batch_end(epoch)


def is_better(value: float, than: float, mode: str, ties: bool = False) -> bool:
    """Return whether a metric is better than another.

    Args:
        value: The new value.
        than: The value to compare with.
        mode: "min" or "max".
        ties: Whether an equal value counts as better.

    Example:
        >>> is_better(0.5, than=0.6, mode="min")
        True
    """
    if ties and value == than:
        return True
    return value < than if mode == "min" else value > than
