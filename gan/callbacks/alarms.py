"""Alarms for a GAN that collapses or diverges, and the actions that follow."""

from collections.abc import Callable, Mapping

import keras
from tqdm import tqdm

from common.callbacks import Ending
from common.checkpoints import Checkpoints
from common.summaries import SummaryWriter
from gan.callbacks.checkpoints import go_back
from gan.callbacks.scalars import ALARMS
from gan.config import BalanceConfig
from gan.metrics import collapse
from gan.model import GAN

Action = Callable[[str], str]
"""Called with the name of a failure mode; returns what it has done, as text."""


class Alarm(keras.callbacks.Callback):
    """Report the failure modes that `collapse.Watch` detects, and act on them.

    Alarms are printed, written to TensorBoard as `health/alarm`, and counted in
    the logs as `health/alarms`. There are none during the first
    `collapse.WARMUP` images.

    Attributes:
        raised: Failure modes with their advice and the images seen, for summary.json;
            kept over a resume.
    """

    def __init__(self, writer: SummaryWriter, act: Action, state: Mapping[str, object]):
        """Restore the alarm of an earlier part of the run.

        Args:
            writer: TensorBoard log.
            act: Called with the name of each new failure mode.
            state: What `state()` returned; `{**collapse.Watch().state(), "alarms":
                []}` for a new run.
        """
        super().__init__()
        self.writer, self.act = writer, act
        self.watch = collapse.Watch()
        self.watch.restore(state)
        self.raised: list[dict[str, object]] = list(state["alarms"])

    def state(self) -> dict[str, object]:
        """Return what a checkpoint must contain, as JSON."""
        return {**self.watch.state(), "alarms": self.raised}

    def on_epoch_end(self, epoch, logs=None):
        images = int(self.model.images_seen.numpy())
        for name in self.watch.update(logs) if images >= collapse.WARMUP else ():
            message = collapse.describe(name, images)
            done = self.act(name)
            tqdm.write(f"{message}\n{done}" if done else message)
            self.writer.text("health/alarm", f"{message}\n\n{done}", step=images)
            self.raised.append(
                {
                    "images": images,
                    "failure_mode": name,
                    "advice": collapse.FAILURE_MODES[name].advice,
                }
            )
        logs[ALARMS] = len(self.raised)


def action(balance: BalanceConfig, gan: GAN, checkpoints: Checkpoints, ending: Ending) -> Action:
    """Create the action of `--balance.on-alarm`.

    Args:
        balance: Its `on_alarm` is "warn", "stop", "balance" or "restore".
        gan: The model in training.
        checkpoints: Checkpoints of the run, for "restore".
        ending: Ends the run, for "stop".
    """

    def act(failure_mode: str) -> str:
        if balance.on_alarm == "stop":
            ending.stop(gan, "collapsed", failure_mode)
        if balance.on_alarm in ("warn", "stop"):
            return ""
        gan.balance.enable()
        if balance.on_alarm == "balance" or not checkpoints.paths("best"):
            return "enabled the controls of --balance auto"
        arrays, state = checkpoints.load("best")
        go_back(gan, arrays, state.get("growth", ()))
        return "returned to the best checkpoint and enabled the controls of --balance auto"

    return act
