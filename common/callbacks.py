"""Keras callbacks that guard a run: budget, interrupt, non-finite values, progress.

They look at the logs after every execution (`steps_per_execution` steps). The
first that wants the run to end says so through one `Ending`, and `fit` stops.
"""

import math
import signal
import time
from collections.abc import Callable, Sequence
from types import FrameType

import keras
from tqdm import tqdm


class Ending:
    """Why a run ended: `status` is one word, `reason` one line; the first to speak wins."""

    def __init__(self):
        self.status, self.reason = "finished", "reached its end"
        self.decided = False

    def stop(self, model: keras.Model, status: str, reason: str) -> None:
        if not self.decided:
            self.status, self.reason, self.decided = status, reason, True
        model.stop_training = True


class StopAfter(keras.callbacks.Callback):
    """Ends the run once `progress()` has reached `target`, both in images."""

    def __init__(self, progress: Callable[[], int], target: float, ending: Ending):
        super().__init__()
        self.progress, self.target, self.ending = progress, target, ending

    def on_train_batch_end(self, batch, logs=None):
        if self.progress() >= self.target:
            self.ending.stop(self.model, "finished", f"saw all {self.target} images")


class TimeBudget(keras.callbacks.Callback):
    """Ends the run when its wall-clock minutes are used up.

    Attributes:
        elapsed: seconds of training so far, those before a resume included.
    """

    def __init__(self, minutes: float | None, ending: Ending, elapsed: float = 0.0):
        super().__init__()
        self.minutes, self.ending = minutes, ending
        self.before, self.started = elapsed, None

    @property
    def elapsed(self) -> float:
        running = time.perf_counter() - self.started if self.started is not None else 0.0
        return self.before + running

    def on_train_begin(self, logs=None):
        self.started = time.perf_counter()

    def on_train_batch_end(self, batch, logs=None):
        if self.minutes and self.elapsed >= 60.0 * self.minutes:
            self.ending.stop(self.model, "finished", f"used its {self.minutes:g} minutes")

    def on_train_end(self, logs=None):
        self.before, self.started = self.elapsed, None


class StopOnNonFinite(keras.callbacks.Callback):
    """Ends the run when a logged figure is NaN or infinite, and steps back to a good state."""

    def __init__(self, restore: Callable[[], None], ending: Ending):
        super().__init__()
        self.restore, self.ending = restore, ending

    def on_train_batch_end(self, batch, logs=None):
        bad = [name for name, value in (logs or {}).items() if not math.isfinite(value)]
        if bad:
            self.ending.stop(self.model, "diverged", f"{', '.join(bad)} became non-finite")
            self.restore()


class StopAtTarget(keras.callbacks.Callback):
    """Ends the run when the figure `monitor` has reached `target`."""

    def __init__(self, monitor: str, target: float, mode: str, ending: Ending):
        super().__init__()
        self.monitor, self.target, self.mode, self.ending = monitor, target, mode, ending

    def on_epoch_end(self, epoch, logs=None):
        value = (logs or {}).get(self.monitor)
        if value is not None and is_better(value, self.target, self.mode, ties=True):
            self.ending.stop(
                self.model, "target", f"{self.monitor} reached {value:.4g} (target {self.target:g})"
            )


class StopWithoutProgress(keras.callbacks.Callback):
    """Ends the run when `monitor` has not improved for `patience` epochs that have a value of it.

    Keras's EarlyStopping, but with a state that survives a resume.
    """

    def __init__(self, monitor: str, patience: float, mode: str, ending: Ending):
        super().__init__()
        self.monitor, self.patience, self.mode, self.ending = monitor, patience, mode, ending
        self.best, self.waited = None, 0

    def state(self) -> dict[str, float | None]:
        return {"best": self.best, "waited": self.waited}

    def restore(self, state: dict[str, float | None]) -> None:
        self.best, self.waited = state["best"], int(state["waited"])

    def on_epoch_end(self, epoch, logs=None):
        value = (logs or {}).get(self.monitor)
        if value is None or not math.isfinite(value):
            return
        self.waited += 1
        if self.best is None or is_better(value, self.best, self.mode):
            self.best, self.waited = float(value), 0
        if self.waited >= self.patience:
            self.ending.stop(
                self.model,
                "no progress",
                f"{self.monitor} has not improved on {self.best:.4g} for {self.waited} looks",
            )


class Interrupt(keras.callbacks.Callback):
    """Ends the run cleanly on Ctrl-C or SIGTERM; a second one ends it at once.

    Listens during `fit`, or for as long as a `with` block around several.
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
            self.previous = {}  # not the main thread: a notebook's or a server's own affair

    def on_train_batch_end(self, batch, logs=None):
        if self.received is not None:
            name = signal.Signals(self.received).name
            self.ending.stop(self.model, "interrupted", f"stopped by {name}")

    def on_train_end(self, logs=None):
        """Hands the signals back; also to be called when `fit` raises."""
        if self.held:
            return
        for number, handler in self.previous.items():
            signal.signal(number, handler)
        self.previous = {}

    def _note(self, number: int, frame: FrameType | None) -> None:
        if self.received is not None:
            raise KeyboardInterrupt
        self.received = number


class EndTogether(keras.callbacks.Callback):
    """Ends `fit` in all processes of a run at the same step, once one of them wants to end.

    Otherwise the others would wait for its part of the next step. The last of
    all callbacks, so that it hears what the others decided.
    """

    def __init__(self, gather: Callable[[str], Sequence[str]], ending: Ending):
        """`gather` tells all processes something and returns what each of them told."""
        super().__init__()
        self.gather, self.ending = gather, ending

    def on_train_batch_end(self, batch, logs=None):
        own = f"{self.ending.status}\n{self.ending.reason}" if self.model.stop_training else ""
        if told := next(filter(None, self.gather(own)), ""):
            self.ending.stop(self.model, *told.split("\n", 1))

    def on_epoch_end(self, epoch, logs=None):
        self.on_train_batch_end(epoch)


class Progress(keras.callbacks.Callback):
    """One bar for the whole run: share done, time left, and the metrics that matter.

    Within a `with` block it stays the same bar over several `fit`s.
    """

    def __init__(
        self,
        share_done: Callable[[], float],
        progress: Callable[[], float],
        describe: Callable[[float, float], str],
        metrics: Sequence[tuple[str, str]],
    ):
        """Prepares the bar.

        Args:
            share_done: how much of the run lies behind, in [0, 1].
            progress: how much has been done, in the run's own unit.
            describe: that and its rate per second, as text.
            metrics: (short name, name in the logs) of what to show.
        """
        super().__init__()
        self.share_done, self.progress = share_done, progress
        self.describe, self.scalars = describe, metrics
        self.bar: tqdm | None = None
        self.held = False

    def __enter__(self) -> "Progress":
        self.held = True
        return self

    def __exit__(self, *exception) -> None:
        self.held = False
        self.on_train_end()

    def on_train_begin(self, logs=None):
        self.last = (time.perf_counter(), self.progress())
        if self.bar is not None:
            return
        self.bar = tqdm(
            total=1.0,
            initial=self.share_done(),
            bar_format="{percentage:3.0f}% |{bar:24}| {elapsed}<{remaining}{postfix}",
            mininterval=0.5,
            dynamic_ncols=True,
        )

    def on_train_batch_end(self, batch, logs=None):
        now, done = time.perf_counter(), self.progress()
        speed = (done - self.last[1]) / max(now - self.last[0], 1e-9)
        self.last = (now, done)
        shown = " ".join(
            f"{short} {logs[name]:.3g}" for short, name in self.scalars if name in logs
        )
        self.bar.set_postfix_str(f"{self.describe(done, speed)} {shown}", refresh=False)
        self.bar.update(min(self.share_done(), 1.0) - self.bar.n)

    def on_train_end(self, logs=None):
        """Ends the line; also to be called when `fit` raises."""
        if self.bar is not None and not self.held:
            self.bar.close()
            self.bar = None


def is_better(value: float, than: float, mode: str, ties: bool = False) -> bool:
    """Whether `value` beats `than`; `mode` is "min" or "max"."""
    if ties and value == than:
        return True
    return value < than if mode == "min" else value > than
