"""TensorBoard summaries, with the number of images seen (or iterations) as the step."""

import contextlib
import errno
import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf
from tensorboard.plugins.hparams import api as hparams

from common import images as image_io

PROGRAM = "Program"  # capital letters come first
FINAL = "at_end/"  # before the names of all other metrics
LONGEST_SIDE = 1024  # pixels; a browser shows no more, and the log stays small


class SummaryWriter:
    """Writes what TensorBoard shows of a run.

    Every method raises OSError if the disk is full, as any file does.

    Args:
        folder: Where the event files are written.

    Example:
        >>> writer = SummaryWriter(Path("runs/glyphs"))
        >>> writer.scalars({"loss/generator": 0.7}, step=1000)
    """

    def __init__(self, folder: Path):
        self.writer = tf.summary.create_file_writer(os.fsencode(folder))

    @contextlib.contextmanager
    def _at(self, step: int) -> Iterator[None]:
        """Write to this run at this step; the disk has it at the end of the block."""
        try:
            with self.writer.as_default(step=step):
                yield
        except (tf.errors.ResourceExhaustedError, tf.errors.OutOfRangeError) as error:
            raise OSError(errno.ENOSPC, error.message) from None

    def scalars(self, values: Mapping[str, float], step: int) -> None:
        """Write metrics by name."""
        with self._at(step):
            for name, value in values.items():
                tf.summary.scalar(name, value)

    def image(self, name: str, image: np.ndarray, step: int) -> None:
        """Write an image, reduced to at most 1024 pixels per side.

        Args:
            name: Its name in TensorBoard.
            image: uint8 (H, W, C) with 1, 3 or 4 channels.
            step: Images seen or iterations.
        """
        if max(image.shape[:2]) > LONGEST_SIDE:
            size = image_io.fit_longer_side(image.shape[1::-1], LONGEST_SIDE)
            image = image_io.to_array(image_io.resize(image_io.from_array(image), size))
        with self._at(step):
            tf.summary.image(_utf8(name), image[None])

    def histograms(self, variables: Sequence[keras.Variable], step: int) -> None:
        """Write the distribution of each variable's values."""
        with self._at(step):
            for variable in variables:
                tf.summary.histogram(f"weights/{variable.path}", variable.value)

    def text(self, name: str, markdown: str, step: int = 0) -> None:
        """Write a text in Markdown."""
        with self._at(step):
            tf.summary.text(name, _utf8(markdown))

    def hyperparameters(self, values: Mapping[str, object], trial: str, program: str) -> None:
        """Write what the HParams tab compares runs by.

        The tab shows the hyperparameters that differ first, in the order of their
        names. `PROGRAM` comes first of all, so that runs of several programs can be
        told apart and selected.

        Args:
            values: As `flatten` returns them, without files and folders.
            trial: Name of the run.
            program: Name of the program.
        """
        with self._at(0):
            hparams.hparams(
                {
                    name: _utf8(value) or "none" if isinstance(value, str) else value
                    for name, value in {PROGRAM: program, **values}.items()
                },
                trial_id=_utf8(trial),
            )

    def final_metrics(self, values: Mapping[str, float], step: int) -> None:
        """Write the metrics that the HParams tab shows beside the hyperparameters.

        It shows the first five in the order of their names, so all begin with `FINAL`.

        Args:
            values: {name: value}.
            step: Images seen or iterations.
        """
        self.scalars({FINAL + name: value for name, value in values.items()}, step)


def flatten(values: Mapping[str, object], prefix: str = "") -> dict[str, bool | int | float | str]:
    """Flatten nested mappings; names are joined by dots, lists by spaces, None is empty.

    Example:
        >>> flatten({"stop": {"epochs": None, "patience": 3}, "sizes": [1, 2]})
        {'stop.epochs': '', 'stop.patience': 3, 'sizes': '1 2'}
    """
    flat: dict[str, bool | int | float | str] = {}
    for name, value in values.items():
        if isinstance(value, Mapping):
            flat |= flatten(value, f"{prefix}{name}.")
        elif isinstance(value, list | tuple):
            flat[f"{prefix}{name}"] = " ".join(map(str, value))
        else:
            flat[f"{prefix}{name}"] = "" if value is None else value
    return flat


def _utf8(text: str) -> str:
    """Escape the bytes of file names that are not UTF-8, which events cannot hold."""
    return text.encode(errors="backslashreplace").decode()
