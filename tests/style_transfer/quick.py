"""Configurations of stylizations that take a few seconds."""

import dataclasses

from style_transfer.config import AppearanceConfig, Config, OptimizationConfig

QUICK = OptimizationConfig(
    iterations=6, smallest=24, refine=0.0, correct=0, precision="float32", tolerance=0.0
)

LAYERS = {"style_layers": ("relu1_1", "relu2_1"), "content_layers": ("relu3_1",)}
ANY_LAYERS = {"style_layers": (), "content_layers": ()}  # the usual ones of an extractor


def quick(size=48, optimization=None, **appearance):
    """Return a small configuration; `optimization` changes fields of `QUICK`.

    Without deep layers, whose graphs take as long to trace as all else together.
    """
    return Config(
        size=size,
        appearance=AppearanceConfig(**{**LAYERS, **appearance}),
        optimization=dataclasses.replace(QUICK, **(optimization or {})),
    )
