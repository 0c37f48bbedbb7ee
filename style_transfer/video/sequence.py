"""The frames of a video painted one after the other, each from the one before it.

All that a frame depends on is in files: the frame, the one before it and its result. So a
run that was interrupted continues with the same bits as one that was not.
"""

from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np

from common import images as image_io
from style_transfer.video import frames
from style_transfer.video.blend import Carried, carry
from style_transfer.video.flow import Flow
from style_transfer.video.frames import Clip

Painter = Callable[[int, np.ndarray, Carried | None], np.ndarray]
"""From the number of a frame, the frame uint8 (H, W, 3) and what is carried to it (None: it
begins a scene) to its painting, uint8 (H, W, 3)."""


def paint_next(
    clip: Clip,
    size: tuple[int, int],
    folder: Path,
    painter: Painter,
    flow: Flow | None,
    tolerance: float,
) -> Iterator[int]:
    """Paint the frames that a work folder does not have yet.

    Args:
        clip: The input.
        size: (width, height) of the results.
        folder: The work folder, which is made.
        painter: Paints a frame.
        flow: As of `flow.estimator`. With None nothing is carried: every frame begins a scene.
        tolerance: As of `flow.similar`.

    Returns:
        An iterator over the numbers of the frames, each after it is written.

    Raises:
        InputError: A frame cannot be read.
    """
    done = frames.count_written(folder)
    before, result, start = None, None, max(0, done - 1)
    if done:
        result = np.asarray(image_io.read_image(frames.file_of(folder, done - 1), channels=3))
    for number, frame in enumerate(frames.read(clip, size, start), start=start):
        if number >= done:
            carried = None
            if before is not None and flow:
                carried = carry(frame, before, result, flow, tolerance)
            result = painter(number, frame, carried)
            image_io.write_image(frames.file_of(folder, number), result)
            yield number
        before = frame
