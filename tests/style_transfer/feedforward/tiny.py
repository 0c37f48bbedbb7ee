"""Configurations of trainings that take a few seconds."""

import dataclasses

from style_transfer.feedforward.config import Config, NetworkConfig, TrainingConfig

WORDS = [  # of the command line, the same as `tiny`
    "--size", "64", "--width", "4", "--depth", "1", "--set", "training.crop=32",
    "training.batch_size=2", "training.tick_images=20", "training.precision=float32",
    "training.style_layers=relu1_1,relu2_1", "training.content_layers=relu3_1",
]  # fmt: skip
TRAINING = TrainingConfig(
    batch_size=2,
    crop=32,
    tick_images=20,
    precision="float32",
    style_layers=("relu1_1", "relu2_1"),
    content_layers=("relu3_1",),
)


def tiny(files, *styles, **changes):
    """Return the configuration of a tiny network for paintings of a folder."""
    config = Config(
        style=tuple(files / name for name in styles),
        photos=files / "photos",
        size=64,
        network=NetworkConfig(width=4, depth=1),
        training=TRAINING,
    )
    return dataclasses.replace(config, **changes)
