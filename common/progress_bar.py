"""A progress bar over the whole run instead of one per epoch."""

import time
from collections.abc import Callable, Sequence

import keras
from tqdm import tqdm


class Progress(keras.callbacks.Callback):
    """One progress bar for the whole run: share done, time left and some metrics.

    Within a `with` block the bar stays the same over several calls of `fit`.

    Args:
        share_done: Returns how much of the run is done, in [0, 1].
        progress: Returns how much is done, in the run's unit.
        describe: Formats that and its rate per second.
        metrics: (short name, name in the logs) of the metrics to show.
    """

    def __init__(
        self,
        share_done: Callable[[], float],
        progress: Callable[[], float],
        describe: Callable[[float, float], str],
        metrics: Sequence[tuple[str, str]],
    ):
        super().__init__()
        self.share_done, self.progress = share_done, progress
        self.describe, self.metrics = describe, metrics
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
            f"{short} {logs[name]:.3g}" for short, name in self.metrics if name in logs
        )
        self.bar.set_postfix_str(f"{self.describe(done, speed)} {shown}", refresh=False)
        self.bar.update(min(self.share_done(), 1.0) - self.bar.n)

    def on_train_end(self, logs=None):
        """Close the bar; also to be called when `fit` raises."""
        if self.bar is not None and not self.held:
            self.bar.close()
            self.bar = None
