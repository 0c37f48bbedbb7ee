"""Which family and preset are best for a folder of color images, in equal time?

    python -m experiments.architectures --dataset my_images/ --minutes 10
    python -m experiments.architectures --dataset my_images/ --set data.resolution=128 --minutes 30

Measures the Frechet distance, precision and recall of the last checkpoint on the
compact features, which train no network here (`--preset color` compares
others). Takes rows x seeds x (minutes + about 30 s) on the whole machine.
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from experiments import sweep
from gan.presets import PRESETS

if TYPE_CHECKING:
    from gan.data.base import ImageDataset
    from gan.trainer import Result

COUNT = 2000  # generated and real images
FAMILIES = ("multi_scale", "progressive", "projected", "style_based", "resnet", "r3gan")
ROWS: dict[str, sweep.Change] = {
    "default": {},
    "color": PRESETS["color"],
    "color, Adam": {**PRESETS["color"], "generator.optimizer": "adam"},
    **{name: PRESETS[name] for name in FAMILIES},
}


def measure(
    result: "Result", dataset: "ImageDataset", cell: sweep.Cell
) -> Mapping[str, float | str]:
    """Frechet distance, precision and recall of the EMA generator."""
    from gan.generate import draw, draw_latents
    from gan.metrics import reference, scores

    real = reference.reference_statistics(dataset, "compact", COUNT, 0, cell.config.run.cache_dir)
    labels = np.random.default_rng(0).choice(dataset.labels, COUNT)
    latents = draw_latents(COUNT, result.gan.latent_size, 1, result.gan.prior)
    found = scores.scores(real, draw(result.gan.ema_generator, latents, labels))
    return {
        "protocol": real.features_of.protocol,
        "frechet_distance": found["frechet_distance"],
        "precision": found["precision"],
        "recall": found["recall"],
        "images_seen": int(result.gan.images_seen.numpy()),
    }


OPTIONS = sweep.Options(minutes=(10.0,), seeds=3)
SWEEP = sweep.Sweep("architectures", ROWS, options=OPTIONS, measure=measure)

if __name__ == "__main__":
    sweep.run(SWEEP)
