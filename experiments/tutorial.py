"""How do the defaults compare with the TensorFlow DCGAN tutorial after the same minutes?

    python -m experiments.tutorial --dataset mnist --minutes 1

The preset `tutorial` keeps the tutorial's networks, Adam at 1e-4, batches of
256, float32 and simultaneous updates, but runs in our training loop, which is a
little faster than the tutorial's. Writes one image: ours on the left, the
tutorial's on the right. Expected: ours is readable after one minute, the
tutorial's shows a checkerboard.
"""

from pathlib import Path

import numpy as np
from PIL import Image

from common import images as image_io
from experiments import report, sweep
from gan.presets import PRESETS

GAP = 16  # white pixels between the two grids
EXACT = {"ema_kimg": 0.0, "precision": "float32"}  # as the tutorial, beside the preset
ROWS: dict[str, sweep.Change] = {"ours": {}, "tutorial": {**PRESETS["tutorial"], **EXACT}}
# the tutorial's networks make 28x28 grey images without classes
BASE = {"data.resolution": 28, "data.channels": 1, "data.conditional": "off"}


def show(found: report.Results, options: sweep.Options, folder: Path) -> None:
    """Print the usual table and put both grids of samples beside each other."""
    report.show(found, options, folder)
    paths = [sweep.Cell(SWEEP, options, row, "", 0).path.with_suffix(".png") for row in ROWS]
    if all(path.exists() for path in paths):
        ours, theirs = (image_io.to_array(Image.open(path)) for path in paths)
        gap = np.full((ours.shape[0], GAP, *ours.shape[2:]), 255, np.uint8)
        out = folder / "side_by_side.png"
        image_io.write_image(out, np.concatenate([ours, gap, theirs], axis=1))
        print(f"ours on the left, the tutorial's on the right: {out}")


OPTIONS = sweep.Options(dataset="mnist", minutes=(1.0,), seeds=1)
SWEEP = sweep.Sweep("tutorial", ROWS, base=BASE, options=OPTIONS, report=show)

if __name__ == "__main__":
    sweep.run(SWEEP)
