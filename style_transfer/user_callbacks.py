"""The Keras callbacks that a user passes to `stylize`: checked before, then run over all stages."""

import math
from collections.abc import Mapping, Sequence

import keras

from common import custom_callbacks
from common.callbacks import Ending
from common.errors import InputError
from style_transfer.plan import Stage

EPOCH = 10  # iterations
REFUSED = {
    "BackupAndRestore": "a stylization cannot be continued, as its stages have different sizes\n"
    "save the image with ModelCheckpoint(..., save_weights_only=True) instead",
    "OrbaxCheckpoint": "the stages of a stylization have different sizes\n"
    "save the image with ModelCheckpoint(..., save_weights_only=True) instead",
    "SwapEMAWeights": "a stylization returns an average of its iterates already",
}
NEEDS_A_RATE = (keras.callbacks.LearningRateScheduler, keras.callbacks.ReduceLROnPlateau)
MONITORING = (
    keras.callbacks.EarlyStopping,
    keras.callbacks.ReduceLROnPlateau,
    keras.callbacks.ModelCheckpoint,
)


def check(callbacks: Sequence[keras.callbacks.Callback], optimizer: str) -> None:
    """Check that callbacks can work on a stylization, before it starts.

    Args:
        callbacks: Of the user.
        optimizer: "adam" or "lbfgs".

    Raises:
        InputError: One cannot; the message says why.

    Example:
        >>> check([keras.callbacks.EarlyStopping("loss", patience=3)], "adam")
    """
    custom_callbacks.check(callbacks, REFUSED)
    for callback in callbacks:
        if problem := _problem(callback, optimizer):
            raise InputError(f"callbacks: {type(callback).__name__}: {problem}")


def _problem(callback: keras.callbacks.Callback, optimizer: str) -> str | None:
    if metric := custom_callbacks.monitored_of_validation(callback):
        return f"{metric} is never measured, as there is no validation data\ngive monitor='loss'"
    if isinstance(callback, NEEDS_A_RATE) and optimizer == "lbfgs":
        return "L-BFGS has no learning rate\nuse the optimizer adam"
    if isinstance(callback, keras.callbacks.ModelCheckpoint) and not callback.save_weights_only:
        return "only the image can be saved\ngive save_weights_only=True and a file *.weights.h5"
    board = isinstance(callback, keras.callbacks.TensorBoard)
    if board and (callback.histogram_freq or callback.embeddings_freq):
        return "the image belongs to no layer, so there are no histograms and embeddings"
    return None


class UserCallbacks(keras.callbacks.Callback):
    """Call a user's callbacks as if all stages were one `fit`.

    - `on_train_begin` and `on_train_end` are called once. An epoch is `EPOCH`
      iterations, and epochs are numbered through all stages.
    - Their logs have all terms of the loss, "stage" (from 0), "iteration" (of all
      stages) and, of epochs, "learning_rate".
    - A callback that sets `model.stop_training` ends all stages.
    - `EarlyStopping`, `ReduceLROnPlateau` and the best value of `ModelCheckpoint`
      start over in each stage, because losses of different sizes are not
      comparable.
    - A learning rate that a callback sets remains until the plan changes it; then,
      and in later stages, it is changed by the same factor.

    Args:
        callbacks: Checked by `check`.
        stages: All stages of the stylization.
        ending: Receives the name of the callback that sets `stop_training`.
    """

    def __init__(
        self,
        callbacks: Sequence[keras.callbacks.Callback],
        stages: Sequence[Stage],
        ending: Ending,
    ):
        super().__init__()
        self.callbacks, self.last_stage, self.ending = callbacks, len(stages) - 1, ending
        self.stage, self.epoch, self.rate_factor = -1, 0, 1.0
        self.epoch_began_at: int | None = None
        self.logs: dict[str, float] = {}
        self.thresholds = [getattr(callback, "best", None) for callback in callbacks]
        epochs = sum(math.ceil(stage.iterations / EPOCH) for stage in stages)
        for callback in callbacks:
            callback.set_params({"verbose": 1, "epochs": epochs, "steps": EPOCH})

    def set_model(self, model: keras.Model | None):
        super().set_model(model)
        if model is None:  # after a stage, to free its memory; `on_train_begin` sets the next
            for callback in self.callbacks:
                keras.callbacks.Callback.set_model(callback, None)

    def on_train_begin(self, logs=None):
        self.stage += 1
        for callback, threshold in zip(self.callbacks, self.thresholds, strict=True):
            if self.stage and isinstance(callback, keras.callbacks.TensorBoard):
                keras.callbacks.Callback.set_model(callback, self.model)  # keeps its open file
            else:
                callback.set_model(self.model)
            if isinstance(callback, keras.callbacks.ModelCheckpoint):
                callback.best = threshold
        if self._rate() is not None:
            self.model.optimizer.learning_rate = self._rate() * self.rate_factor
        for callback in self.callbacks:
            if self.stage == 0 or _starts_over(callback):
                self._call(callback, "on_train_begin")

    def on_train_batch_begin(self, batch, logs=None):
        if self.epoch_began_at is None:
            self.epoch_began_at = self.model.steps_done
            for callback in self.callbacks:
                self._call(callback, "on_epoch_begin", self.epoch)
        for callback in self.callbacks:
            self._call(callback, "on_train_batch_begin", self._batch() + 1)

    def on_train_batch_end(self, batch, logs=None):
        done = self.model.first_step + self.model.steps_done
        self.logs = {**(logs or {}), "stage": self.stage, "iteration": done}
        for callback in self.callbacks:
            self._call(callback, "on_train_batch_end", self._batch(), self.logs)
        if self._batch() + 1 >= EPOCH:
            self._end_epoch()

    def on_train_end(self, logs=None):
        if self.epoch_began_at is not None:
            self._end_epoch()
        last = self.stage == self.last_stage or self.ending.decided
        steps = self.model.steps_done
        for callback in self.callbacks:
            if last or _starts_over(callback):
                self._call(callback, "on_train_end", self.logs)
        self.model.iteration.assign(steps)  # EarlyStopping may have restored all weights

    def _batch(self) -> int:
        return self.model.steps_done - self.epoch_began_at - 1

    def _end_epoch(self) -> None:
        logs = dict(self.logs)
        if self._rate() is not None:
            logs["learning_rate"] = self._rate()
        for callback in self.callbacks:
            if self.epoch == 0:
                _check_monitored(callback, logs)
            self._call(callback, "on_epoch_end", self.epoch, logs)
        self.epoch_began_at, self.epoch = None, self.epoch + 1

    def _call(self, callback: keras.callbacks.Callback, hook: str, *arguments: object) -> None:
        """Call a hook; note whether it ends the stylization or changes the learning rate."""
        stopped_before, rate_before = self.model.stop_training, self._rate()
        self.model.stop_training = False
        getattr(callback, hook)(*arguments)
        if self.model.stop_training:
            name = type(callback).__name__
            self.ending.stop(self.model, "stopped", f"{name} set stop_training")
        self.model.stop_training = self.model.stop_training or stopped_before
        if rate_before:
            self.rate_factor *= self._rate() / rate_before

    def _rate(self) -> float | None:
        """The learning rate; None of L-BFGS."""
        optimizer = getattr(self.model, "optimizer", None)
        return None if optimizer is None else float(optimizer.learning_rate)


def _starts_over(callback: keras.callbacks.Callback) -> bool:
    return isinstance(callback, keras.callbacks.EarlyStopping | keras.callbacks.ReduceLROnPlateau)


def _check_monitored(callback: keras.callbacks.Callback, logs: Mapping[str, float]) -> None:
    """Check after the first epoch that the metric which a callback monitors is there."""
    if not isinstance(callback, MONITORING) or not getattr(callback, "save_best_only", True):
        return
    if callback.monitor not in logs:
        raise InputError(
            f"callbacks: {type(callback).__name__}: monitors {callback.monitor}, which is not in "
            f"the logs\nexpected one of {', '.join(logs)}"
        )
