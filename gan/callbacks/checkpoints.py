"""Keras callbacks that need a GAN: speed and quality metrics, snapshots, checkpoints.

A Keras epoch is a tick here: a fixed number of images, not a pass over the data.
"""

from collections.abc import Callable, Mapping
from pathlib import Path

import keras
import numpy as np

from common.callbacks import is_better
from common.checkpoints import Checkpoints, assign
from gan.model import GAN


class SaveCheckpoints(keras.callbacks.Callback):
    """Saves the whole state each tick, and keeps the best by one figure.

    Until that figure has a value, the last is the best. A state with a non-finite
    weight is never saved.
    """

    def __init__(
        self,
        checkpoints: Checkpoints,
        monitor: str,
        mode: str,
        state: Callable[[], Mapping[str, object]],
        best: float | None = None,
    ):
        """`state` returns what must survive beside the variables; `best` is the best so far."""
        super().__init__()
        self.checkpoints, self.monitor, self.mode = checkpoints, monitor, mode
        self.state, self.best = state, best

    def on_train_begin(self, logs=None):
        if not self.checkpoints.paths("last"):
            self._save()

    def on_epoch_end(self, epoch, logs=None):
        if not all(np.isfinite(value.numpy()).all() for value in self.model.weights):
            return
        value = logs.get(self.monitor)
        first = self.best is None
        better = value is not None and (first or is_better(value, self.best, self.mode))
        if better:
            self.best = float(value)
        path = self._save()
        if better or first:
            self.checkpoints.promote(path)

    def _save(self) -> Path:
        return self.checkpoints.save(
            "last",
            int(self.model.images_seen.numpy()),
            checkpoint_variables(self.model),
            {**self.state(), "best": self.best},
        )


def go_back(gan: GAN, arrays: Mapping[str, np.ndarray]) -> None:
    """Gives networks and optimizers the values of a checkpoint; clock, chance and balance stay."""
    kept = [gan.images_seen, gan.seed.state, *gan.balance.variables]
    values = [variable.numpy() for variable in kept]
    assign(checkpoint_variables(gan), arrays)
    for variable, value in zip(kept, values, strict=True):
        variable.assign(value)


def checkpoint_variables(gan: GAN) -> list[keras.Variable]:
    """All that decides how a run goes on: networks, average, balance, streams, both optimizers."""
    return [
        *gan.variables,
        *gan.generator_optimizer.variables,
        *gan.discriminator_optimizer.variables,
    ]
