"""Configurations of stylizations that take a second."""

import dataclasses

from style_transfer.config import AppearanceConfig, Config, OptimizationConfig

QUICK = OptimizationConfig(
    iterations=6, smallest=32, refine=0.0, correct=0, precision="float32", tolerance=0.0
)


def quick(size=48, optimization=None, **appearance):
    """Return a small configuration; `optimization` changes fields of `QUICK`."""
    return Config(
        size=size,
        appearance=AppearanceConfig(**appearance),
        optimization=dataclasses.replace(QUICK, **(optimization or {})),
    )
