"""TensorBoard events, written with the number of images seen as the step."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import tensorflow as tf
from tensorboard.plugins.hparams import api as hparams


class Events:
    """A thin writer: scalars, pictures, histograms, text and hyperparameters."""

    def __init__(self, folder: Path):
        self.writer = tf.summary.create_file_writer(str(folder))

    def scalars(self, values: Mapping[str, float], step: int) -> None:
        with self.writer.as_default(step=step):
            for name, value in values.items():
                tf.summary.scalar(name, value)

    def picture(self, name: str, image: np.ndarray, step: int) -> None:
        """`image` is uint8 (H, W, C)."""
        with self.writer.as_default(step=step):
            tf.summary.image(name, image[None])

    def histograms(self, variables: list, step: int) -> None:
        with self.writer.as_default(step=step):
            for variable in variables:
                tf.summary.histogram(f"weights/{variable.path}", variable.value)

    def text(self, name: str, markdown: str, step: int = 0) -> None:
        with self.writer.as_default(step=step):
            tf.summary.text(name, markdown)

    def hyperparameters(self, values: Mapping[str, object], trial: str) -> None:
        """What the HPARAMS tab compares runs by; nested names with dots."""
        with self.writer.as_default(step=0):
            hparams.hparams(dict(values), trial_id=trial)

    def flush(self) -> None:
        self.writer.flush()

    def close(self) -> None:
        self.writer.close()


def flatten(values: Mapping[str, object], prefix: str = "") -> dict[str, bool | int | float | str]:
    """Nested mappings as one, names joined by dots; None becomes an empty string."""
    flat: dict[str, bool | int | float | str] = {}
    for name, value in values.items():
        if isinstance(value, Mapping):
            flat |= flatten(value, f"{prefix}{name}.")
        else:
            flat[f"{prefix}{name}"] = "" if value is None else value
    return flat
