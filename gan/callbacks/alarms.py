"""Keras callbacks that need a GAN: speed and quality metrics, snapshots, checkpoints.

A Keras epoch is a tick here: a fixed number of images, not a pass over the data.
"""

from collections.abc import Callable, Mapping

import keras
from tqdm import tqdm

from common.summaries import SummaryWriter
from gan.callbacks.scalars import ALARMS
from gan.metrics import collapse


class Alarm(keras.callbacks.Callback):
    """Says what health.Watch notices, in the terminal and TensorBoard, and acts on it.

    Adds `health/alarms`, how many have been raised so far, to the logs.

    Attributes:
        raised: what was noticed and when, for summary.json; survives a resume.
    """

    def __init__(
        self, writer: SummaryWriter, act: Callable[[str], str], state: Mapping[str, object]
    ):
        """`act` is told the symptom's name and returns what it has done, as text."""
        super().__init__()
        self.writer, self.act = writer, act
        self.watch = collapse.Watch()
        self.watch.restore(state)
        self.raised: list[dict[str, object]] = list(state["alarms"])

    def state(self) -> dict[str, object]:
        return {**self.watch.state(), "alarms": self.raised}

    def on_epoch_end(self, epoch, logs=None):
        images = int(self.model.images_seen.numpy())
        for name in self.watch.look(logs) if images >= collapse.WARMUP else ():
            message = collapse.describe(name, images)
            done = self.act(name)
            tqdm.write(f"{message}\n{done}" if done else message)
            self.writer.text("health/alarm", f"{message}\n\n{done}", step=images)
            self.raised.append(
                {"images": images, "symptom": name, "advice": collapse.SYMPTOMS[name].advice}
            )
        logs[ALARMS] = len(self.raised)
