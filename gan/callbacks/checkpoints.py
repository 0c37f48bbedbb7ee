"""Checkpoints of the whole state of a run: the last and the best."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import keras
import numpy as np

from common.callbacks import is_better
from common.checkpoints import Checkpoints, assign
from gan import stages
from gan.model import GAN

SEED_STATE = "seed_generator_state"  # Keras's name of the state of each random stream


class SaveCheckpoints(keras.callbacks.Callback):
    """Save the whole state each tick, and keep the best by one metric.

    Until that metric has a value, the last state is the best. A state with a
    non-finite weight is never saved.
    """

    def __init__(
        self,
        checkpoints: Checkpoints,
        monitor: str,
        mode: str,
        state: Callable[[], Mapping[str, object]],
        best: float | None = None,
    ):
        """Prepare the callback.

        Args:
            checkpoints: Checkpoints of the run.
            monitor: Name of the metric in the logs.
            mode: "min" or "max": which values of it are better.
            state: Returns what a checkpoint contains besides variables.
            best: The best value so far; None: none yet.
        """
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


def go_back(gan: GAN, arrays: Mapping[str, np.ndarray], grown: Sequence[int] = ()) -> None:
    """Restore the networks and optimizers of a checkpoint.

    The number of images seen, the stage, all random streams and the balance controls
    keep their state. If the checkpoint is of an earlier stage, both optimizers count
    their steps anew, as after growth (`gan.stages.grow`): the moments of the layers
    that it did not train are zero.

    Args:
        gan: The model in training.
        arrays: Arrays of the checkpoint by name.
        grown: Images seen at each growth before the checkpoint.
    """
    variables = checkpoint_variables(gan)
    streams = [variable for variable in variables if variable.name == SEED_STATE]
    kept = [gan.images_seen, *streams, *gan.balance.variables]
    values = [variable.numpy() for variable in kept]
    assign(variables, arrays)
    for variable, value in zip(kept, values, strict=True):
        variable.assign(value)
    if len(gan.grown) > len(grown):
        stages.restart_counts(gan)


def checkpoint_variables(gan: GAN) -> list[keras.Variable]:
    """List all variables on which the rest of a run depends.

    Returns:
        Those of both networks, the EMA generator, the balance controls, the
        random streams and both optimizers.
    """
    return [
        *gan.variables,
        *gan.generator_optimizer.variables,
        *gan.discriminator_optimizer.variables,
    ]
