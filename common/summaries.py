"""TensorBoard events, written with the number of images seen as the step."""

import contextlib
import errno
import io
from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np
import tensorflow as tf
from tensorboard.compat.proto.summary_pb2 import Summary
from tensorboard.plugins.hparams import api as hparams
from tensorboard.plugins.image.metadata import create_summary_metadata
from tensorboard.plugins.scalar.summary_v2 import scalar_pb

from common.images import from_array


class SummaryWriter:
    """A thin writer: scalars, pictures, histograms, text and hyperparameters.

    Every method raises OSError, as any file would, when the disk is full.
    """

    def __init__(self, folder: Path):
        self.writer = tf.summary.create_file_writer(str(folder))

    @contextlib.contextmanager
    def _at(self, step: int) -> Iterator[None]:
        """Writes go to this run at this step, and reach the disk at the end of the block."""
        try:
            with self.writer.as_default(step=step):
                yield
        except (tf.errors.ResourceExhaustedError, tf.errors.OutOfRangeError) as error:
            raise OSError(errno.ENOSPC, error.message) from None

    def scalars(self, values: Mapping[str, float], step: int) -> None:
        together = Summary()  # one write: of ten scalars each alone takes 5 ms
        for name, value in values.items():
            together.MergeFrom(scalar_pb(name, value))
        with self._at(step):
            tf.summary.experimental.write_raw_pb(together.SerializeToString())

    def image(self, name: str, image: np.ndarray, step: int) -> None:
        """`image` is uint8 (H, W, C).

        Pillow compresses it lightly, in less than half the time of `tf.summary.image`.
        """
        height, width, _ = image.shape
        png = io.BytesIO()
        from_array(image).save(png, "PNG", compress_level=1)
        shown = tf.constant([str(width).encode(), str(height).encode(), png.getvalue()])
        metadata = create_summary_metadata(display_name="", description="")
        with self._at(step):
            tf.summary.write(name, shown, metadata=metadata)

    def histograms(self, variables: list, step: int) -> None:
        with self._at(step):
            for variable in variables:
                tf.summary.histogram(f"weights/{variable.path}", variable.value)

    def text(self, name: str, markdown: str, step: int = 0) -> None:
        with self._at(step):
            tf.summary.text(name, markdown)

    def hyperparameters(self, values: Mapping[str, object], trial: str) -> None:
        """What the HPARAMS tab compares runs by; nested names with dots."""
        with self._at(0):
            hparams.hparams(dict(values), trial_id=trial)


def flatten(values: Mapping[str, object], prefix: str = "") -> dict[str, bool | int | float | str]:
    """Nested mappings as one, names joined by dots; lists become text, None an empty one."""
    flat: dict[str, bool | int | float | str] = {}
    for name, value in values.items():
        if isinstance(value, Mapping):
            flat |= flatten(value, f"{prefix}{name}.")
        elif isinstance(value, list | tuple):
            flat[f"{prefix}{name}"] = " ".join(map(str, value))
        else:
            flat[f"{prefix}{name}"] = "" if value is None else value
    return flat
