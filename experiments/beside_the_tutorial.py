"""Our defaults and the TensorFlow tutorial's DCGAN, on the same pictures for the same minutes.

    python -m experiments.beside_the_tutorial --dataset mnist --minutes 1

Takes twice the minutes. The tutorial keeps its networks, Adam at 1e-4, batches
of 256, float32 and its simultaneous update, but runs in our loop, which is a
little faster than its own; it fits 28x28 gray pictures only. Expected: ours
readable after one minute, the tutorial's a checkerboard. Writes one picture,
ours left, the tutorial's right.
"""

import dataclasses
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from common import cli
from common import images as image_io
from gan import validation as configuration
from gan.config import Config, DataConfig, OptimizerConfig, RunConfig, StopConfig

TUTORIAL_ADAM = OptimizerConfig(learning_rate=1e-4, beta_1=0.9, beta_2=0.999)
TUTORIAL = Config(
    batch_size=256,
    update="simultaneous",
    ema_kimg=0.0,
    precision="float32",
    generator=TUTORIAL_ADAM,
    discriminator=TUTORIAL_ADAM,
)


@dataclass(frozen=True)
class Options:
    """Trains both, one after the other."""

    dataset: str = "mnist"
    """A name or a folder of 28x28 gray pictures."""
    minutes: float = 1.0
    """For each of the two."""
    out: Path = Path("runs/beside_the_tutorial.png")
    """The picture; the two runs go into folders beside it."""


def main() -> int:
    options = cli.parse(Options, "python -m experiments.beside_the_tutorial", None)
    pair = {"ours": Config(), "tutorial": TUTORIAL}
    folders = {name: options.out.with_suffix("") / name for name in pair}
    configs = [
        dataclasses.replace(
            config,
            data=DataConfig(dataset=options.dataset, resolution=28, channels=1, conditional="off"),
            stop=StopConfig(max_minutes=options.minutes),
            run=RunConfig(run_dir=folders[name]),
        )
        for name, config in pair.items()
    ]
    for config in configs:
        configuration.check(config)
    cli.import_tensorflow()
    from experiments.lab import whole_run
    from experiments.references import build_tutorial
    from gan.build import build_gan

    for config, build in zip(configs, (build_gan, build_tutorial), strict=True):
        whole_run(config, build=build)
    sheets = [image_io.to_array(Image.open(folder / "latest.png")) for folder in folders.values()]
    gap = np.full((sheets[0].shape[0], 16, 1), 255, np.uint8)
    image_io.write_image(options.out, np.concatenate([sheets[0], gap, sheets[1]], axis=1))
    print(f"ours left, the tutorial's right: {options.out}")
    return 0


if __name__ == "__main__":
    cli.run(main)
