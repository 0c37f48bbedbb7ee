"""Callbacks that see all stages of a training that grows as one."""

from collections.abc import Callable, Sequence

import keras
from tqdm import tqdm

from gan import stages
from gan.model import GAN


class AcrossStages(keras.callbacks.CallbackList):
    """The callbacks of a run whose stages are calls of `fit`, which they see as one.

    It is passed to `fit` in place of a list. When a stage ends, `fit` ends, after
    the callbacks have ended an epoch; they do not notice that training ends and
    begins again. When they end that epoch, the model is in the next stage, so that a
    checkpoint records the growth.

    Args:
        callbacks: Callbacks in the order in which Keras calls them.
        gan: The model to train.
        share_done: Returns how much of the run is done, in [0, 1].
        **params: Parameters of the callbacks, as `fit` sets them.

    Attributes:
        growing: Whether the last call of `fit` ended for the next stage.
    """

    def __init__(
        self,
        callbacks: Sequence[keras.callbacks.Callback],
        gan: GAN,
        share_done: Callable[[], float],
        **params,
    ):
        super().__init__(list(callbacks), add_history=True, model=gan, **params)
        self.share_done, self.ends = share_done, stages.ends(len(gan.stages))
        self.begun = self.growing = False

    def on_train_begin(self, logs=None):
        self.growing = False
        if not self.begun:
            self.begun = True
            super().on_train_begin(logs)

    def on_train_batch_end(self, batch, logs=None):
        super().on_train_batch_end(batch, logs)
        if not self.model.stop_training and self._due():
            stages.grow(self.model)
            images, side = self.model.grown[-1], self.model.current.side
            tqdm.write(f"{images / 1000:.0f} thousand images: growing to {side}x{side} pixels")
            self.growing = self.model.stop_training = True

    def on_epoch_end(self, epoch, logs=None):
        if self.growing:
            self.model.stop_training = False  # it would look like a callback's decision
        super().on_epoch_end(epoch, logs)
        self.growing = self.growing and not self.model.stop_training
        if self.growing:
            self.model.stop_training = True

    def on_train_end(self, logs=None):
        if not self.growing:
            super().on_train_end(logs)

    def _due(self) -> bool:
        """Return whether the current stage has had its share of the run."""
        stage = len(self.model.grown)
        return stage < len(self.ends) and self.share_done() >= self.ends[stage]
